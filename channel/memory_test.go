//go:build !race

package channel_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/testutil"
)

// collected fails the test unless everything that the pointers pointed to has been
// collected.
func collected(t *testing.T, what string, gone []weak.Pointer[[64]byte]) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	n := 0
	for _, p := range gone {
		if p.Value() != nil {
			n++
		}
	}
	if n > 0 {
		t.Errorf("CH8: %s: %d of %d values are still reachable", what, n, len(gone))
	}
}

// values returns a function that makes values, and a list of the values made.
func values() (next func() *[64]byte, made *[]weak.Pointer[[64]byte]) {
	made = new([]weak.Pointer[[64]byte])
	return func() *[64]byte {
		v := new([64]byte)
		*made = append(*made, weak.Make(v))
		return v
	}, made
}

// CH8: received or dropped values are not kept.
func TestValuesCollectable(t *testing.T) {
	ctx := t.Context()
	for _, capacity := range []int{8, 100, -1} {
		open := func() (*channel.Sender[*[64]byte], *channel.Receiver[*[64]byte]) {
			if capacity < 0 {
				return channel.Unbounded[*[64]byte]()
			}
			return channel.New[*[64]byte](capacity)
		}
		fill := func(s *channel.Sender[*[64]byte], next func() *[64]byte) {
			for range 200 {
				_ = s.TrySend(next())
			}
		}
		func() {
			s, r := open()
			next, made := values()
			fill(s, next)
			for {
				if _, err := r.TryReceive(); err != nil {
					break
				}
			}
			collected(t, "received", *made)
			runtime.KeepAlive(s)
			runtime.KeepAlive(r)
		}()
		func() {
			s, r := open()
			next, made := values()
			fill(s, next)
			r.Close()
			fill(s, next)
			collected(t, "dropped", *made)
			runtime.KeepAlive(s)
			runtime.KeepAlive(r)
		}()
	}
	t.Run("a canceled Send", func(t *testing.T) {
		s, r := channel.New[*[64]byte](0)
		next, made := values()
		scope := cancel.New(ctx)
		sent := call(func() error { return s.Send(scope, next()) })
		for s.Stats().BlockedSenders == 0 {
			runtime.Gosched()
		}
		scope.Cancel(nil)
		<-sent
		collected(t, "canceled", *made)
		runtime.KeepAlive(r)
	})
	t.Run("a Broadcast", func(t *testing.T) {
		b := channel.NewBroadcast[*[64]byte](10)
		drop, cut, closed, all := b.Subscribe(channel.DropOldest), b.Subscribe(channel.CutOff), b.Subscribe(channel.Block), b.Subscribe(channel.Block)
		next, made := values()
		for range 10 {
			_ = b.Publish(ctx, next())
		}
		for range 5 {
			_, _ = all.Receive(ctx)
		}
		closed.Close()
		for range 5 {
			_ = b.Publish(ctx, next())
		}
		for range 10 {
			_, _ = all.Receive(ctx)
			_, _ = drop.Receive(ctx)
		}
		collected(t, "published", *made)
		runtime.KeepAlive(b)
		runtime.KeepAlive(cut)
	})
}

// CH8: a channel without reachable handles is collected, closed or not, and a handle does
// not keep other handles.
func TestHandlesCollectable(t *testing.T) {
	s, r := channel.New[int](10)
	var senders []weak.Pointer[channel.Sender[int]]
	var receivers []weak.Pointer[channel.Receiver[int]]
	for range 5 {
		c, d := s.Clone(), r.Clone()
		_ = c.TrySend(1)
		c.Close()
		d.Close()
		senders, receivers = append(senders, weak.Make(c)), append(receivers, weak.Make(d))
	}
	alone, other := channel.New[int](10)
	_ = alone.TrySend(1)
	senders, receivers = append(senders, weak.Make(alone)), append(receivers, weak.Make(other))
	alone, other = nil, nil
	runtime.GC()
	runtime.GC()
	for i := range senders {
		if senders[i].Value() != nil || receivers[i].Value() != nil {
			t.Errorf("CH8: handle %d is still reachable", i)
		}
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(r)
}

// CH8: a closed handle leaves nothing behind in the scopes that were used with it.
func TestScopeForgets(t *testing.T) {
	scope := cancel.New(t.Context())
	defer scope.Close()
	const rounds = 3000
	kit.WantNoGrowth(t, "CH8: closed handles", rounds*32, func() {
		for range rounds {
			s, r := channel.New[int](0)
			done := call(func() error {
				defer s.Close()
				for range 4 {
					if err := s.Send(scope, 1); err != nil {
						return err
					}
				}
				return nil
			})
			for range r.All(scope) {
			}
			r.Close()
			wantErr(t, "Send()", <-done, nil)
		}
	})
}

// CH8: a handle that is dropped without Close leaves nothing in an open context.
func TestScopeForgetsDropped(t *testing.T) {
	std, stop := context.WithCancel(t.Context())
	defer stop()
	scope := cancel.New(t.Context())
	defer scope.Close()
	for name, ctx := range map[string]context.Context{"scope": scope, "standard context": std} {
		const rounds = 3000
		kit.WantNoGrowth(t, "CH8: handles dropped in a "+name, rounds*32, func() {
			for range rounds {
				s, r := channel.New[int](0)
				done := call(func() error {
					defer s.Close()
					for range 4 {
						if err := s.Send(ctx, 1); err != nil {
							return err
						}
					}
					return nil
				})
				for {
					if _, err := r.Receive(ctx); err != nil {
						break
					}
				}
				wantErr(t, "Send()", <-done, nil)
			}
		})
	}
}

// TestAllocs checks that passing a value does not allocate.
func TestAllocs(t *testing.T) {
	ctx := cancel.New(context.Background())
	defer ctx.Close()
	s, r := channel.New[int](1)
	u, v := channel.Unbounded[int]()
	b := channel.NewBroadcast[int](1)
	sub := b.Subscribe(channel.Block)
	for name, pass := range map[string]func(){
		"New":       func() { _ = s.Send(ctx, 1); _, _ = r.Receive(ctx) },
		"Unbounded": func() { _ = u.Send(ctx, 1); _, _ = v.Receive(ctx) },
		"Broadcast": func() { _ = b.Publish(ctx, 1); _, _ = sub.Receive(ctx) },
	} {
		if n := testing.AllocsPerRun(1000, pass); n != 0 {
			t.Errorf("%s: %v allocations per value, want none", name, n)
		}
	}
	// A rendezvous does not allocate either.
	std := t.Context()
	for _, ctx := range []context.Context{ctx, std, context.WithValue(std, t, 1)} {
		x, y := channel.New[int](0)
		done := call(func() error {
			for range y.All(ctx) {
			}
			return nil
		})
		if n := testing.AllocsPerRun(1000, func() { _ = x.Send(ctx, 1) }); n != 0 {
			t.Errorf("rendezvous in %v: %v allocations per value, want none", ctx, n)
		}
		x.Close()
		<-done
	}
}

// CH8: an open handle does not keep a context that has ended.
func TestHandleForgets(t *testing.T) { testutil.Bubble(t, testHandleForgets) }

func testHandleForgets(t *testing.T, ctx context.Context) {
	var kept []any
	next, made := values()
	for name, open := range map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
		"scope": func(ctx context.Context) (context.Context, context.CancelFunc) {
			s := cancel.New(ctx)
			return s, s.Close
		},
		"standard context": context.WithCancel,
	} {
		s, r := channel.New[int](0)
		for range 3 {
			ctx, end := open(context.WithValue(ctx, t, next()))
			sent := call(func() error {
				for range 10 {
					if err := s.Send(ctx, 1); err != nil {
						return err
					}
				}
				return nil
			})
			for range 10 {
				if _, err := r.Receive(ctx); err != nil {
					t.Errorf("%s: Receive() = %v, want nil", name, err)
				}
			}
			wantErr(t, "Send()", <-sent, nil)
			end()
			synctest.Wait()
		}
		kept = append(kept, s, r)
	}
	collected(t, "contexts", *made)
	runtime.KeepAlive(kept)
}
