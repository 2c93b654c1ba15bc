package natsserver_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
)

// A proxy passes connections on to a server, and can hold what goes one way.
type proxy struct {
	net.Listener
	to string

	mu   sync.Mutex
	held [2]chan struct{} // to the server, and from it; closed: not held
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to}
	p.letGo()
	return p
}

// hold holds what goes one way.
func (p *proxy) hold(way int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[way] = make(chan struct{})
}

// letGo ends all holds.
func (p *proxy) letGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for way := range p.held {
		if c := p.held[way]; c != nil {
			select {
			case <-c:
				continue
			default:
				close(c)
			}
		}
		p.held[way] = make(chan struct{})
		close(p.held[way])
	}
}

func (p *proxy) gate(way int) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held[way]
}

// serve passes connections on until the listener is closed.
func (p *proxy) serve(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		for {
			near, err := p.Accept()
			if errors.Is(err, net.ErrClosed) {
				n.Cancel(nil)
				return nil
			}
			if err != nil {
				return err
			}
			far, err := net.Dial("tcp", p.to)
			if err != nil {
				return errors.Join(err, near.Close())
			}
			for way, c := range [2][2]net.Conn{{near, far}, {far, near}} {
				n.Go(func(ctx context.Context) error {
					defer near.Close()
					defer far.Close()
					stop := context.AfterFunc(ctx, func() { near.Close(); far.Close() })
					defer stop()
					buf := make([]byte, 1<<16)
					for {
						k, err := c[0].Read(buf)
						if err != nil {
							return nil
						}
						select {
						case <-p.gate(way):
						case <-ctx.Done():
							return nil
						}
						if _, err := io.Copy(c[1], strings.NewReader(string(buf[:k]))); err != nil {
							return nil
						}
					}
				})
			}
		}
	})
}

// TestDrillOneWay holds what a worker sends, and then what another worker gets, so that their
// tasks are retried, and lets all go on.
func TestDrillOneWay(t *testing.T) {
	for way, name := range []string{"what it sends", "what it gets"} {
		t.Run("R7/"+name, func(t *testing.T) {
			withServer(t, func(ctx context.Context, url string) {
				token, addr, _ := strings.Cut(strings.TrimPrefix(url, "nats://"), "@")
				p := newProxy(t, addr)
				err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(p.serve)
					defer p.Close()
					defer p.letGo()
					d := newDrill(t, url)
					d.start("worker", "w1", urlKey+"=nats://"+token+"@"+p.Addr().String())
					done, unknown, _ := d.calls(20, 1500, func() {
						d.wait("w1 begin", 20)
						p.hold(way)
						d.start("worker", "w2")
						d.wait("w1 orphaned", 20)
						d.wait("w2 begin", 20)
						p.letGo()
					}, remote.Retry(2))
					if done != 20 || unknown != 0 {
						t.Errorf("%d done, %d unknown, want 20 done", done, unknown)
					}
					d.attempts()
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}
