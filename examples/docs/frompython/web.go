package frompython

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// An app has the data that handlers share.
type app struct {
	db         *database
	background *nursery.Nursery // outlives the server
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", a.withUser(a.order))
	return mux
}

// withUser is a dependency.
func (a *app) withUser(next func(w http.ResponseWriter, r *http.Request, user string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, _, ok := r.BasicAuth()
		if !ok {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next(w, r, user)
	}
}

func (a *app) order(w http.ResponseWriter, r *http.Request, user string) {
	if err := a.db.insert(r.Context(), user); err != nil {
		http.Error(w, "no database", http.StatusServiceUnavailable)
		return
	}
	a.background.Go(func(ctx context.Context) error {
		if err := mail(ctx, user); err != nil {
			slog.ErrorContext(ctx, "mail", "error", err)
		}
		return nil // an error would stop the server
	})
	w.WriteHeader(http.StatusAccepted)
}

func lifespan(ctx context.Context, l net.Listener) error {
	db, err := open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		a := &app{db: db, background: n}
		return serveHTTP(ctx, l, a.handler())
	})
}

func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:     h,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		<-cancel.UntilStop(ctx).Done() // asked to stop, or canceled
		return errors.Join(server.Shutdown(ctx), server.Close())
	})
}

func get[T any](ctx context.Context, client *http.Client, url string) (v T, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return v, err
	}
	response, err := client.Do(r)
	if err != nil {
		return v, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return v, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	err = json.NewDecoder(response.Body).Decode(&v)
	return v, err
}

// A database stands for a real one.
type database struct {
	mu     sync.Mutex
	orders []string
}

func open(ctx context.Context) (*database, error) { return &database{}, cancel.Err(ctx) }

func (d *database) insert(ctx context.Context, user string) error {
	if err := cancel.Err(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.orders = append(d.orders, user)
	return nil
}

func (d *database) close() { fmt.Println("database closed") }

// mail stands for a call that takes time, after the answer.
func mail(ctx context.Context, user string) error {
	fmt.Println("mail to", user)
	return cancel.Err(ctx)
}
