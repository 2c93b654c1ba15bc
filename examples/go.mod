module github.com/grove-go/grove/examples

go 1.26

require github.com/grove-go/grove v0.0.0

replace github.com/grove-go/grove => ../
