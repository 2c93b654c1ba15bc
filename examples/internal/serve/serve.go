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

// Grace is how long a server may take to end after it was canceled.
const Grace = 5 * time.Second

// Limits of each server. It closes connections that exceed them.
const (
	headerTimeout = 10 * time.Second // for the header of a request
	bodyTimeout   = 5 * time.Second  // for the body of a request
	idleTimeout   = 2 * time.Minute  // between two requests; longer than clients keep a connection
	maxHeader     = 16 << 10         // bytes of a header
)

// A Task is a server for [nursery.Start]. It calls started with its root address. It may be
// called once.
type Task = func(ctx context.Context, started func(*url.URL)) error

// A Server is an HTTP server to run as a task. When it is asked to stop, it takes no more
// requests and finishes the requests that it has begun to answer. The contexts of requests
// derive from the context of the task. When the task is canceled, requests are canceled,
// and after [Grace] the server closes their connections. It then returns the error of its
// context, or a [*cancel.TimeoutError] if it had to close connections. Otherwise it returns
// the error of the listener, or nil.
//
// Connections that a handler has hijacked belong to the handler. Their contexts notice a
// stop like other contexts, and the server does not wait for them.
//
// The body of a request must come within five seconds. After that time its context is
// canceled, as if the client had gone. A handler that takes longer must read the body first
// and then clear the deadline, with [http.ResponseController.SetReadDeadline].
type Server struct {
	Handler http.Handler

	// ToTheLast makes the server ignore a stop, and serve until it is canceled. It is for
	// services that the end of the program needs, such as a page about its state.
	ToTheLast bool

	// Linger is how long the server still takes requests after it was asked to stop. Its
	// answers then tell the client to close the connection. A server that closes a
	// connection cannot know whether a request is on its way, and the client cannot know
	// whether its request was taken. Connections that were used within Linger have no such
	// loss. A server that lingers also serves the connections that came before it closed
	// its listener, if their first request comes within a second.
	Linger time.Duration

	// WriteTimeout limits an answer, from the header of the request to the last byte. The
	// default is no limit. A server that stops waits for clients that do not read.
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
				// The requests have been canceled. The server waits for their end for a
				// limited time, and the cancellation of ctx does not cut the wait short.
				if err = cancel.Shield(ctx, Grace, server.Shutdown); err != nil {
					err = errors.Join(err, server.Close())
				}
			}
			return cmp.Or(err, cancel.Err(ctx))
		})
	}
}

// limited returns the handler with a deadline for bodies. Once stop is done, it has
// connections closed. Without the deadline a client could hold up the end of the server,
// because package http reads the part of a body that a handler leaves.
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

// Loopback is UntilCanceled on a free port of the loopback interface. It is for peers
// inside the program, which the end of the program may need.
func Loopback(h http.Handler) Task { return UntilCanceled("127.0.0.1:0", h) }
