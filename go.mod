module github.com/grove-go/grove

go 1.26

require go.uber.org/goleak v1.3.0

require golang.org/x/sync v0.22.0
