module github.com/grove-go/grove

go 1.26
