package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// shutdownGrace is how long the server may take to end.
const shutdownGrace = 5 * time.Second

// serve returns a task that serves the folders src and doc in root on the
// loopback interface until its context is done, and reports the address of the
// page that links to both.
func serve(root string) func(ctx context.Context, started func(*url.URL)) error {
	return func(ctx context.Context, started func(*url.URL)) error {
		files := http.FileServerFS(os.DirFS(root))
		mux := http.NewServeMux()
		mux.Handle("GET /src/", files)
		mux.Handle("GET /doc/", files)
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			// A client that has gone needs no answer.
			_, _ = fmt.Fprint(w, `<!doctype html><title>Go</title><a href="doc/">doc</a> <a href="src/">src</a>`)
		})
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{
			Handler:           mux,
			ReadHeaderTimeout: 10 * time.Second,
			BaseContext:       func(net.Listener) context.Context { return ctx },
		}
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error {
				if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
					return err
				}
				return nil
			})
			started(&url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"})
			<-ctx.Done()
			// The end waits for the requests that are being answered, but not
			// for ever, and is not itself cut short by what ended the server.
			return cancel.Shield(ctx, shutdownGrace, server.Shutdown)
		})
	}
}
