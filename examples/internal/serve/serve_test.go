package serve_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/pipenet"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// A request takes five seconds, unless it is canceled, and says how it ended.
var slow = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if err := cancel.Sleep(r.Context(), 5*time.Second); err != nil {
		http.Error(w, "cut off", http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "finished")
})

// A stuck request goes on for a minute, whatever happens.
type stuck struct{ ended chan struct{} }

func (s stuck) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	defer close(s.ended)
	cancel.Sleep(context.WithoutCancel(r.Context()), time.Minute)
}

// polling is how often an [http.Server] checks whether the last request has ended.
const polling = 600 * time.Millisecond

func TestOn(t *testing.T) {
	tests := []struct {
		name  string
		end   func(*cancel.Scope)
		want  string        // the answer
		takes time.Duration // from the end
		fails error
	}{
		{"asked to stop, it answers first", (*cancel.Scope).Stop, "finished", 4 * time.Second, nil},
		{"canceled, so are the requests", func(s *cancel.Scope) { s.Cancel(nil) }, "cut off\n", 0, context.Canceled},
		{"canceled while it drains", func(s *cancel.Scope) { s.Shutdown(time.Second) }, "cut off\n", time.Second, context.Canceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				got, takes, err := request(ctx, slow, test.end)
				if got != test.want || !errors.Is(err, test.fails) {
					t.Errorf("the answer is %q, and the server returned %v; want %q and %v", got, err, test.want, test.fails)
				}
				if takes < test.takes || takes > test.takes+polling {
					t.Errorf("the server ended after %v, want %v", takes, test.takes)
				}
			})
		})
	}
	t.Run("a request that does not end", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			h := stuck{make(chan struct{})}
			_, takes, err := request(ctx, h, func(s *cancel.Scope) { s.Cancel(nil) })
			if timeout := new(cancel.TimeoutError); !errors.As(err, &timeout) {
				t.Errorf("the server returned %v, want a TimeoutError", err)
			}
			if takes != serve.Grace {
				t.Errorf("the server ended after %v, want %v", takes, serve.Grace)
			}
			<-h.ended
		})
	})
}

// request sends a request to a server with h. A second later the server is ended. request
// returns the answer, how long the server went on from then, and what it returned.
func request(ctx context.Context, h http.Handler, end func(*cancel.Scope)) (answer string, takes time.Duration, err error) {
	l := pipenet.Listen()
	client := &http.Client{Transport: &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}}
	s := cancel.New(ctx)
	defer s.Close()
	began := time.Now()
	err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			answer, _ = fetch(ctx, client, "http://server/") // an answer that did not come is none
			return nil
		})
		n.Go(func(ctx context.Context) error {
			if err := cancel.Sleep(ctx, time.Second); err != nil {
				return err
			}
			end(s)
			return nil
		})
		err := nursery.Run(s, func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, serve.On(l, h))
			return err
		})
		takes = time.Since(began) - time.Second
		return err
	}, nursery.KeepGoing())
	return answer, takes, err
}

func fetch(ctx context.Context, client *http.Client, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return string(b), err
}

// TestSockets checks the reported address, and that UntilCanceled and Loopback serve while
// the program finishes its work.
func TestSockets(t *testing.T) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for name, task := range map[string]func(context.Context, func(*url.URL)) error{
		"HTTP":          serve.HTTP("127.0.0.1:0", http.NotFoundHandler()),
		"UntilCanceled": serve.UntilCanceled("127.0.0.1:0", http.NotFoundHandler()),
		"Loopback":      serve.Loopback(http.NotFoundHandler()),
	} {
		t.Run(name, func(t *testing.T) {
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				root, err := nursery.Start(ctx, n, task, nursery.Daemon())
				if err != nil {
					return err
				}
				if name != "HTTP" {
					n.Scope().Stop()
				}
				response, err := client.Get(root.JoinPath("page").String())
				if err != nil {
					return err
				}
				if response.StatusCode != http.StatusNotFound {
					t.Errorf("status %s, want 404", response.Status)
				}
				return response.Body.Close()
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAddressInUse(t *testing.T) {
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		root, err := nursery.Start(ctx, n, serve.Loopback(http.NotFoundHandler()), nursery.Daemon())
		if err != nil {
			return err
		}
		_, err = nursery.Start(ctx, n, serve.HTTP(root.Host, http.NotFoundHandler()))
		if opError := new(net.OpError); !errors.As(err, &opError) {
			t.Errorf("a server where there is one: %v, want the error of the network", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
