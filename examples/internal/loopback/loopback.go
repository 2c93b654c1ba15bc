// Package loopback serves HTTP on the loopback interface, for examples that need a
// server of their own.
package loopback

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// Grace is how long the server may take to end.
const Grace = 5 * time.Second

// Serve returns a task for [nursery.Start] that serves h until its context is
// done, and reports the address of the root.
func Serve(h http.Handler) func(ctx context.Context, started func(*url.URL)) error {
	return func(ctx context.Context, started func(*url.URL)) error {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{
			Handler:           h,
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
			return cancel.Shield(ctx, Grace, server.Shutdown)
		})
	}
}
