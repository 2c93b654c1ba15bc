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

// Limits that hold for each server. A connection that does nothing within them is closed.
const (
	headerTimeout = 10 * time.Second // for the header of a request
	bodyTimeout   = 5 * time.Second  // for the body of a request
	idleTimeout   = 2 * time.Minute  // between two requests; longer than clients keep a connection
	maxHeader     = 16 << 10         // bytes of a header
)

// A Task is a server for [nursery.Start], which tells it the address of the root. It is
// for one call.
type Task = func(ctx context.Context, started func(*url.URL)) error

// A Server is an HTTP server to be run as a task. Asked to stop, it takes no more requests
// and finishes the requests that it has begun to answer. The contexts of requests are below
// the context of the task. When the task is canceled, so are they, and the server closes
// what does not end within [Grace]. It then returns the error of its context, or a
// [*cancel.TimeoutError] if it had to close something. Otherwise it returns the error of
// the listener, or nil.
//
// Connections that the handler has hijacked are its own: they hear of the stop as
// everything below the task does, and the server does not wait for them.
//
// The body of a request must come within five seconds. The deadline counts on: a handler
// that takes a body and longer than that clears it, with
// [http.ResponseController.SetReadDeadline], once it has read the body. Otherwise it
// looks as if the client had gone.
type Server struct {
	Handler http.Handler

	// ToTheLast is for what has to be there to the last, such as a page that tells how
	// the program is: the server ignores a stop, and serves until it is canceled.
	ToTheLast bool

	// Linger is how long the server goes on to take requests when it is asked to stop.
	// The answers then tell the client to close the connection. A server that closes a
	// connection cannot know whether a request is under way on it, and a client that
	// sees it closed cannot know whether its request was taken. That does not happen to
	// connections that were used within Linger. A server that lingers also accepts and
	// serves the connections that have come before it closes its listener, if their
	// first request comes within a second.
	Linger time.Duration

	// WriteTimeout is how long an answer may take, from the header of the request to
	// the last byte. The default is no limit. A server that stops waits for clients
	// that do not read.
	WriteTimeout time.Duration
}

// At returns a task that serves at an address.
func (s Server) At(addr string) Task {
	return func(ctx context.Context, started func(*url.URL)) error {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return s.On(l)(ctx, started)
	}
}

// On returns a task that serves at a listener.
func (s Server) On(l net.Listener) Task {
	return func(ctx context.Context, started func(*url.URL)) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			stop := ctx
			if !s.ToTheLast {
				stop = cancel.UntilStop(ctx)
			}
			door := newDoor(l)
			server := &http.Server{
				Handler:           s.limited(stop, door),
				ReadHeaderTimeout: headerTimeout,
				WriteTimeout:      s.WriteTimeout,
				IdleTimeout:       idleTimeout,
				MaxHeaderBytes:    maxHeader,
				BaseContext:       func(net.Listener) context.Context { return ctx },
				ConnContext:       door.ConnContext,
				ConnState:         door.ConnState,
			}
			server.RegisterOnShutdown(door.drop)
			n.Go(func(context.Context) error {
				err := server.Serve(door)
				door.end()
				if errors.Is(err, http.ErrServerClosed) || door.closing.Load() && errors.Is(err, net.ErrClosed) {
					return nil
				}
				return err
			}, nursery.Name("accept"))
			started(&url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"})
			<-stop.Done()
			if s.Linger > 0 && cancel.Sleep(ctx, s.Linger) == nil {
				if err := door.close(ctx); err != nil && ctx.Err() == nil {
					return errors.Join(err, server.Close())
				}
			}
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

// limited returns the handler with a deadline for bodies. Once stop is done, it has
// connections closed. Package http reads what a handler leaves of a body, and without a
// deadline it waits for that as long as the client likes, even when the server stops.
func (s Server) limited(stop context.Context, door *door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !door.begun(r.Context()) {
			panic(http.ErrAbortHandler)
		}
		if stop.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		if r.ContentLength != 0 {
			if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)); err != nil {
				http.Error(w, "no deadline for the body: "+err.Error(), http.StatusInternalServerError)
				return
			}
		}
		s.Handler.ServeHTTP(w, r)
	})
}

// HTTP returns a task that serves h at addr; see [Server].
func HTTP(addr string, h http.Handler) Task { return Server{Handler: h}.At(addr) }

// On returns a task that serves h at l; see [Server].
func On(l net.Listener, h http.Handler) Task { return Server{Handler: h}.On(l) }

// UntilCanceled returns a task that serves h at addr to the last; see [Server].
func UntilCanceled(addr string, h http.Handler) Task {
	return Server{Handler: h, ToTheLast: true}.At(addr)
}

// Loopback is UntilCanceled at a free port of the loopback interface, for a peer that
// the program has in itself: what the program finishes may need it.
func Loopback(h http.Handler) Task { return UntilCanceled("127.0.0.1:0", h) }
