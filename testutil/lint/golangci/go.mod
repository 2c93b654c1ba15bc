module github.com/grove-go/grove/testutil/lint/golangci

go 1.26

require (
	github.com/golangci/plugin-module-register v0.1.2
	github.com/grove-go/grove/testutil/lint v0.0.0
	golang.org/x/tools v0.48.0
)

replace github.com/grove-go/grove/testutil/lint => ../
