package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// main is a program that serves at the address that is its argument. A POST is answered
// with what it has, and starts a task, which says when it has finished, or was cut off.
func main() {
	recipes.ListenAndServe(os.Args[1], func(n *nursery.Nursery) http.Handler {
		fmt.Println("ready")
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			recipes.Notify(n, func(ctx context.Context) error {
				if string(b) == "wait" {
					fmt.Println("waiting")
					<-ctx.Done()
					fmt.Println("cut off")
					return cancel.Err(ctx)
				}
				<-cancel.UntilStop(ctx).Done()
				fmt.Println("finished")
				return cancel.Err(ctx)
			}).ServeHTTP(w, r)
		})
	})
}

// listenAndServe starts the program at a port that was free a moment ago.
func listenAndServe(t *testing.T) (p *program.Program, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p = program.Start(t, addr)
	p.Line("ready\n")
	return p, addr
}

// The program on real sockets: a signal while a request is under way.
func TestListenAndServe(t *testing.T) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}
	t.Run("a signal", func(t *testing.T) {
		p, addr := listenAndServe(t)
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			body, rest := io.Pipe()
			defer rest.Close()
			// The server has begun to read the request when it wants the body.
			var reads testutil.Gate
			trace := httptrace.ClientTrace{Got100Continue: reads.Open}
			r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, &trace), http.MethodPost, "http://"+addr, body)
			if err != nil {
				return err
			}
			r.Header.Set("Expect", "100-continue")
			answer := nursery.Spawn(n, func(context.Context) (int, error) { return status(client, r) })
			if err := reads.Wait(ctx); err != nil {
				return err
			}
			p.Signal(syscall.SIGTERM)
			mustBeRefused(t, ctx, addr)
			if _, err := io.WriteString(rest, "finish"); err != nil {
				return err
			}
			if err := rest.Close(); err != nil {
				return err
			}
			if got, err := answer.Wait(ctx); got != http.StatusAccepted || err != nil {
				t.Errorf("the answer is %d, %v, want %d", got, err, http.StatusAccepted)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if out, _ := p.Wait(0); out != "finished\n" {
			t.Errorf("it printed %q, want that the task has finished", out)
		}
	})
	t.Run("two signals", func(t *testing.T) {
		p, addr := listenAndServe(t)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr, strings.NewReader("wait"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := status(client, r); got != http.StatusAccepted || err != nil {
			t.Errorf("the answer is %d, %v, want %d", got, err, http.StatusAccepted)
		}
		p.Line("waiting\n")
		p.Signal(syscall.SIGTERM, os.Interrupt)
		if out, stderr := p.Wait(1); out != "cut off\n" || !strings.Contains(stderr, "signal: ") {
			t.Errorf("it printed %q and %q, want that the task was cut off by a signal", out, stderr)
		}
	})
	t.Run("an address in use", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if _, stderr := program.Start(t, l.Addr().String()).Wait(1); !strings.Contains(stderr, "address already in use") {
			t.Errorf("it printed %q, want that the address is in use", stderr)
		}
	})
}

func status(client *http.Client, r *http.Request) (int, error) {
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// mustBeRefused connects until that is refused, which it must be before the test ends.
func mustBeRefused(t *testing.T, ctx context.Context, addr string) {
	t.Helper()
	for ctx.Err() == nil {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			err = c.Close()
		}
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
			return
		}
	}
}
