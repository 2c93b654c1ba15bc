package recipes

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// Serve serves HTTP until it is asked to stop. It then finishes the requests, and the
// tasks that handlers have started in n, and returns.
func Serve(ctx context.Context, l net.Listener, handler func(n *nursery.Nursery) http.Handler) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		server := &http.Server{
			Handler:           handler(n),
			ReadHeaderTimeout: 10 * time.Second,
			BaseContext:       func(net.Listener) context.Context { return ctx },
		}
		n.Go(func(context.Context) error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		}, nursery.Name("accept"))
		<-cancel.UntilStop(ctx).Done()
		err := server.Shutdown(ctx)
		if err != nil && ctx.Err() != nil { // the requests are canceled, too: let them return
			err = cancel.Shield(ctx, time.Second, server.Shutdown)
		}
		if err != nil {
			return errors.Join(err, server.Close())
		}
		return cancel.Err(ctx)
	}, nursery.Name("server"))
}

// Notify returns a handler that answers at once, and goes on with a task in n.
func Notify(n *nursery.Nursery, task func(ctx context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := n.TryGo(task, nursery.Values(r.Context())); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
}

// ListenAndServe is the main function of a program with such a server. After a signal,
// requests and tasks have a minute to finish.
func ListenAndServe(addr string, handler func(n *nursery.Nursery) http.Handler) {
	nursery.Main(func(ctx context.Context, _ *nursery.Nursery) error {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return Serve(ctx, l, handler)
	}, nursery.Grace(time.Minute))
}
