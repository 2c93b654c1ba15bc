package recipes_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/examples/internal/pipenet"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// served serves requests that each take a while and start a task that takes a while, and
// makes a request. After a second it calls end.
func served(ctx context.Context, d time.Duration, end func(s *cancel.Scope)) (status int, finished bool, err error) {
	s := cancel.New(ctx)
	defer s.Close()
	l := pipenet.Listen()
	err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error {
			return recipes.Serve(s, l, func(n *nursery.Nursery) http.Handler {
				notify := recipes.Notify(n, func(ctx context.Context) error {
					if ctx.Value(http.ServerContextKey) == nil {
						return errors.New("the values of the request are missing")
					}
					if err := cancel.Sleep(ctx, d); err != nil {
						return err
					}
					finished = true
					return nil
				})
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if cancel.Sleep(r.Context(), d) == nil {
						notify.ServeHTTP(w, r)
					}
				})
			})
		})
		n.Go(func(ctx context.Context) error {
			defer end(s)
			return cancel.Sleep(ctx, time.Second)
		})
		client := http.Client{Transport: &http.Transport{DialContext: l.Dial}}
		defer client.CloseIdleConnections()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://test", nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		status = answer.StatusCode
		return answer.Body.Close()
	})
	return status, finished, err
}

func TestServe(t *testing.T) {
	for name, row := range map[string]struct {
		end      func(s *cancel.Scope)
		finished bool
	}{
		"a stop":         {func(s *cancel.Scope) { s.Shutdown(time.Hour) }, true},
		"a short grace":  {func(s *cancel.Scope) { s.Shutdown(time.Minute) }, false},
		"a cancellation": {func(s *cancel.Scope) { s.Cancel(errFull) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				status, finished, err := served(ctx, 5*time.Minute, row.end)
				if finished != row.finished {
					t.Errorf("the task finished: %t, want %t", finished, row.finished)
				}
				if row.finished && (status != http.StatusAccepted || err != nil) {
					t.Errorf("status %d (%v), want %d", status, err, http.StatusAccepted)
				}
				if !row.finished {
					mustBe(t, err, context.Canceled)
				}
			})
		})
	}
	t.Run("a listener that fails", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			l := pipenet.Listen()
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			err := recipes.Serve(ctx, l, func(*nursery.Nursery) http.Handler { return http.NotFoundHandler() })
			if err == nil || ctx.Err() != nil {
				t.Errorf("error %v, want the error of the listener", err)
			}
		})
	})
}

// After a cancellation, requests that take a while to notice have a second to return.
func TestServeLateRequest(t *testing.T) {
	for late, want := range map[time.Duration]error{time.Second / 2: context.Canceled, time.Hour: context.DeadlineExceeded} {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			s := cancel.New(ctx)
			defer s.Close()
			l := pipenet.Listen()
			returned := make(chan struct{})
			start := time.Now()
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error {
					client := http.Client{Transport: &http.Transport{DialContext: l.Dial}}
					defer client.CloseIdleConnections()
					r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://test", nil)
					if err != nil {
						return err
					}
					answer, err := client.Do(r)
					if took := time.Since(start); took > 2*time.Second {
						t.Errorf("the connection was closed after %v, want at most 2s", took)
					}
					if err != nil {
						return nil // the server has closed the connection
					}
					return answer.Body.Close()
				})
				n.Go(func(ctx context.Context) error {
					defer s.Cancel(errFull)
					return cancel.Sleep(ctx, time.Second)
				})
				err := recipes.Serve(s, l, func(*nursery.Nursery) http.Handler {
					return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						defer close(returned)
						<-r.Context().Done()
						time.Sleep(late)
					})
				})
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("it took %v, want at most 2s", took)
				}
				select {
				case <-returned:
				default:
					if late < time.Second {
						t.Error("the request has not returned")
					}
				}
				return err
			})
			mustBe(t, err, want)
			<-returned
		})
	}
}
