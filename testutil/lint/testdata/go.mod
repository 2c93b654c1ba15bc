module testdata

go 1.26

require (
	github.com/grove-go/grove v0.0.0
	golang.org/x/sync v0.22.0
)

replace github.com/grove-go/grove => ../../..
