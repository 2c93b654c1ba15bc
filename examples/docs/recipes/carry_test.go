package recipes_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/examples/internal/pipenet"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestCarry(t *testing.T) {
	for name, row := range map[string]struct {
		timeout time.Duration
		stop    bool
		want    string
	}{
		"the client's deadline": {2 * time.Second, false, "req-17/orders: 2s, stop false"},
		"the server's limit":    {time.Hour, false, "req-17/orders: 1m0s, stop false"},
		"a stop":                {time.Second, true, "req-17/orders: 1s, stop true"},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				l := pipenet.Listen()
				server := http.Server{Handler: recipes.Carried(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					deadline, _ := r.Context().Deadline()
					fmt.Fprintf(w, "%s: %v, stop %v", cancel.Path(r.Context()), time.Until(deadline), cancel.UntilStop(r.Context()).Err() != nil)
				}), "orders", time.Minute)}
				client := http.Client{Transport: recipes.Carrier{Next: &http.Transport{DialContext: l.Dial}}}
				err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error {
						if err := server.Serve(l); err != http.ErrServerClosed {
							return err
						}
						return nil
					})
					defer server.Close()
					s := cancel.New(context.Background(), cancel.Name("req-17"), cancel.Timeout(row.timeout))
					defer s.Close()
					if row.stop {
						s.Stop()
					}
					r, err := http.NewRequestWithContext(s, http.MethodGet, "http://test", nil)
					if err != nil {
						return err
					}
					answer, err := client.Do(r)
					if err != nil {
						return err
					}
					defer answer.Body.Close()
					got, err := io.ReadAll(answer.Body)
					if string(got) != row.want {
						t.Errorf("the handler sees %q, want %q", got, row.want)
					}
					if len(r.Header) != 0 {
						t.Errorf("the request of the caller has the headers %v", r.Header)
					}
					return err
				})
				mustBe(t, err, nil)
			})
		})
	}
}
