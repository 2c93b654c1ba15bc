// Package serve runs HTTP servers as tasks, for the examples.
package serve

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// Grace is how long a server may take to end once it is canceled.
const Grace = 5 * time.Second

// HTTP returns a task for [nursery.Start] that serves h at addr; see [On].
func HTTP(addr string, h http.Handler) func(ctx context.Context, started func(*url.URL)) error {
	return listen(addr, h, cancel.UntilStop)
}

// UntilCanceled is HTTP for what has to be there to the last, such as a page that
// tells how the program is: it serves until it is canceled, whoever is asked to stop.
func UntilCanceled(addr string, h http.Handler) func(ctx context.Context, started func(*url.URL)) error {
	return listen(addr, h, untilCanceled)
}

// Loopback is UntilCanceled at a free port of the loopback interface, for a peer that
// the program has in itself: what the program finishes may need it.
func Loopback(h http.Handler) func(ctx context.Context, started func(*url.URL)) error {
	return UntilCanceled("127.0.0.1:0", h)
}

// On returns a task for [nursery.Start] that serves h at l and reports the address of
// the root. Asked to stop, it takes no more requests and waits for those that are
// being answered. Their contexts are below that of the task: canceled, it cancels
// them, closes within [Grace] what does not end, and returns the error of its context,
// or a [*cancel.TimeoutError] if it had to close something. Else the error is that of
// l, or nil. A task is for one call.
//
// Connections that h has hijacked are h's own: they hear of the stop as everything
// below the task does, and the server does not wait for them.
func On(l net.Listener, h http.Handler) func(ctx context.Context, started func(*url.URL)) error {
	return on(l, h, cancel.UntilStop)
}

func untilCanceled(ctx context.Context) context.Context { return ctx }

func listen(addr string, h http.Handler, end func(context.Context) context.Context) func(ctx context.Context, started func(*url.URL)) error {
	return func(ctx context.Context, started func(*url.URL)) error {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return on(l, h, end)(ctx, started)
	}
}

// on serves until the context that end makes of the task's is done.
func on(l net.Listener, h http.Handler, end func(context.Context) context.Context) func(ctx context.Context, started func(*url.URL)) error {
	return func(ctx context.Context, started func(*url.URL)) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			server := &http.Server{
				Handler:           h,
				ReadHeaderTimeout: 10 * time.Second,
				BaseContext:       func(net.Listener) context.Context { return ctx },
			}
			n.Go(func(context.Context) error {
				if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
					return err
				}
				return nil
			}, nursery.Name("accept"))
			started(&url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"})
			<-end(ctx).Done()
			err := server.Shutdown(ctx)
			if err != nil && errors.Is(err, ctx.Err()) {
				// The requests have been canceled. Their end is waited for, but not for
				// ever, and what ended the server does not cut it short.
				if err = cancel.Shield(ctx, Grace, server.Shutdown); err != nil {
					err = errors.Join(err, server.Close())
				}
			}
			return cmp.Or(err, cancel.Err(ctx))
		})
	}
}
