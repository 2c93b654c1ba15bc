module github.com/grove-go/grove/internal/check

go 1.26

require github.com/grove-go/grove v0.0.0

require (
	github.com/anishathalye/porcupine v1.3.1
	go.uber.org/goleak v1.3.0 // indirect
)

replace github.com/grove-go/grove => ../..
