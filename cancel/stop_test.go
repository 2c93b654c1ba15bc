package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
)

func TestStopCause(t *testing.T) {
	s := cancel.New(context.Background(), cancel.Name("app"))
	defer s.Close()
	below := cancel.New(s, cancel.Shielded())
	before := cancel.UntilStop(below)
	s.StopCause(errBoom)
	s.StopCause(io.EOF) // the first stop counts
	s.Stop()
	for name, u := range map[string]context.Context{"before": before, "after": cancel.UntilStop(cancel.New(below))} {
		wantEnded(t, name, u, context.Canceled, errBoom)
		if r, ok := cancel.ReasonOf(u); !ok || r.Source != cancel.SourceStop || r.Scope != "app" {
			t.Errorf("%s: ReasonOf() = %+v, %v, want a stop of app", name, r, ok)
		}
	}
	wantOpen(t, "scope", s)
	other := cancel.New(context.Background())
	defer other.Close()
	other.StopCause(nil)
	wantEnded(t, "nil cause", cancel.UntilStop(other), context.Canceled, cancel.ErrStopping)
}

func TestStop(t *testing.T) {
	boom := errors.New("boom")

	t.Run("C12/Stop reaches listeners below, through shields, and cancels nothing else", func(t *testing.T) {
		root := cancel.New(t.Context(), cancel.Name("root"))
		std, stop := context.WithCancel(cancel.New(root, cancel.Shielded()))
		defer stop()
		leaf := cancel.New(std, cancel.Shielded())
		var listeners []context.Context
		for _, ctx := range []context.Context{root, std, leaf, context.WithValue(leaf, key(1), 1), wrapper{std}, context.WithoutCancel(leaf)} {
			u := cancel.UntilStop(ctx)
			wantOpen(t, "listener", u)
			if got, want := cancel.FromContext(u), cancel.FromContext(ctx); got != want {
				t.Errorf("FromContext() = %v, want %v", got, want)
			}
			listeners = append(listeners, u, cancel.New(u))
		}
		root.Stop()
		root.Stop()
		for _, ctx := range []context.Context{root, std, leaf} {
			wantOpen(t, "no listener", ctx)
		}
		for i, u := range append(listeners, cancel.UntilStop(leaf), cancel.UntilStop(cancel.New(std))) {
			wantEnded(t, fmt.Sprint("listener ", i), u, context.Canceled, cancel.ErrStopping)
			if r, _ := cancel.ReasonOf(u); r.Source != cancel.SourceStop || r.Scope != "root" {
				t.Errorf("ReasonOf() = %v, want the stop of scope %q", r, "root")
			}
		}
	})

	t.Run("C12/Stop does not reach the parent or a sibling", func(t *testing.T) {
		root := cancel.New(t.Context())
		a, b := cancel.New(root), cancel.New(root)
		above, beside := cancel.UntilStop(root), cancel.UntilStop(b)
		a.Stop()
		wantOpen(t, "above", above)
		wantOpen(t, "beside", beside)
		wantEnded(t, "later", cancel.UntilStop(a), context.Canceled, cancel.ErrStopping)
	})

	t.Run("C12/a listener is canceled with its context", func(t *testing.T) {
		root := cancel.New(t.Context())
		s := cancel.New(root)
		v := context.WithValue(s, key(1), "one")
		u, w := cancel.UntilStop(s), cancel.UntilStop(v)
		s.Cancel(boom)
		for _, ctx := range []context.Context{u, w, cancel.UntilStop(s)} {
			wantEnded(t, "listener", ctx, context.Canceled, boom)
		}
		if got := w.Value(key(1)); got != "one" {
			t.Errorf("Value() = %v, want one", got)
		}
		root.Stop()
		wantEnded(t, "listener, later", u, context.Canceled, boom)
	})

	t.Run("C12/UntilStop returns a context with the values of its argument", func(t *testing.T) {
		s := cancel.New(t.Context())
		a, b := context.WithValue(s, key(1), "a"), context.WithValue(s, key(1), "b")
		u, w := cancel.UntilStop(a), cancel.UntilStop(b)
		for range 2 {
			if u.Value(key(1)) != "a" || w.Value(key(1)) != "b" || cancel.UntilStop(s).Value(key(1)) != nil {
				t.Errorf("Value() = %v, %v, %v, want a, b, nil", u.Value(key(1)), w.Value(key(1)), cancel.UntilStop(s).Value(key(1)))
			}
			s.Stop()
		}
		wantEnded(t, "a", u, context.Canceled, cancel.ErrStopping)
		wantEnded(t, "b", w, context.Canceled, cancel.ErrStopping)
		child, stop := context.WithCancel(u)
		wantEnded(t, "below a", child, context.Canceled, cancel.ErrStopping)
		stop()
	})

	t.Run("C12/UntilStop returns its argument if that is a listener or has no enclosing scope", func(t *testing.T) {
		if u := cancel.UntilStop(t.Context()); u != t.Context() {
			t.Errorf("UntilStop() = %v, want %v", u, t.Context())
		}
		u := cancel.UntilStop(cancel.New(t.Context()))
		if got := cancel.UntilStop(u); got != u {
			t.Errorf("UntilStop() = %v, want %v", got, u)
		}
		v := context.WithValue(u, key(1), 1)
		if got := cancel.UntilStop(v); got != v {
			t.Errorf("UntilStop() = %v, want %v", got, v)
		}
	})

	t.Run("C12/Stop reaches a scope below a listener, and a listener below that scope", func(t *testing.T) {
		root := cancel.New(t.Context())
		s := cancel.New(cancel.UntilStop(root))
		u := cancel.UntilStop(s)
		root.Stop()
		wantEnded(t, "scope", s, context.Canceled, cancel.ErrStopping)
		wantEnded(t, "listener", u, context.Canceled, cancel.ErrStopping)
	})

	t.Run("C12/Stop reaches a listener past a closed scope", func(t *testing.T) {
		for _, before := range []bool{true, false} {
			root := cancel.New(t.Context())
			middle := cancel.New(root)
			s := cancel.New(middle, cancel.Shielded())
			var u context.Context
			if before {
				u = cancel.UntilStop(s)
			}
			middle.Close()
			if !before {
				u = cancel.UntilStop(s)
			}
			wantOpen(t, "listener", u)
			root.Stop()
			wantEnded(t, fmt.Sprint("listener, before: ", before), u, context.Canceled, cancel.ErrStopping)
		}
	})

	bubble(t, "C12/UntilStop in a loop leaves nothing behind", func(t *testing.T, ctx context.Context) {
		s := cancel.New(cancel.New(ctx))
		v := context.WithValue(s, key(1), 1)
		kit.WantNoGrowth(t, "UntilStop", 1<<17, func() {
			for range 2000 {
				cancel.UntilStop(s)
				cancel.UntilStop(v).Done()
				child, stop := context.WithCancel(s)
				cancel.UntilStop(child).Done()
				stop()
				inner := cancel.New(s)
				cancel.UntilStop(inner).Done()
				cancel.UntilStop(context.WithoutCancel(inner)).Deadline()
				inner.Close()
			}
			synctest.Wait()
		})
	})

	t.Run("C12/Stop reaches goroutines that call UntilStop at the same time", func(t *testing.T) {
		for range 200 {
			root := cancel.New(t.Context())
			s := cancel.New(cancel.New(root), cancel.Shielded())
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { <-cancel.UntilStop(s).Done() })
			}
			wg.Go(root.Stop)
			wg.Wait()
		}
	})

	t.Run("C12/a listener of a detached context keeps the enclosing scope, closed or not", func(t *testing.T) {
		for _, closed := range []bool{false, true} {
			root := cancel.New(t.Context(), cancel.Name("root"))
			s := cancel.New(root, cancel.Name("s"), cancel.EchoIf(func(err error) bool { return err == boom }))
			if closed {
				s.Close()
			}
			u := cancel.UntilStop(context.WithoutCancel(s))
			below := cancel.New(u)
			if got := cancel.FromContext(u); got != s {
				t.Errorf("closed %v: FromContext() = %v, want %v", closed, got, s)
			}
			if got := cancel.Path(below); got != "root/s" {
				t.Errorf("closed %v: Path() = %q, want root/s", closed, got)
			}
			root.Stop()
			wantEnded(t, "scope below the listener", below, context.Canceled, cancel.ErrStopping)
			if !below.IsEcho(boom) {
				t.Errorf("closed %v: IsEcho() = false, want true", closed)
			}
			s.Close()
		}
	})

	t.Run("C12/Stop reaches a listener of a context that does not end with the listener above", func(t *testing.T) {
		root := cancel.New(t.Context())
		l := cancel.UntilStop(root)
		own := &custom{parent: l, done: make(chan struct{})}
		for name, ctx := range map[string]context.Context{"detached": context.WithoutCancel(l), "foreign": own} {
			u := cancel.UntilStop(ctx)
			wantOpen(t, name, u)
			defer wantEnded(t, name, u, context.Canceled, cancel.ErrStopping)
		}
		root.Stop()
	})

	bubble(t, "C12/a listener leaves with its context even if its Done is never called", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx)
		for range 10 {
			child, stop := context.WithCancel(s)
			u := cancel.UntilStop(child)
			wantOpen(t, "listener", u)
			stop()
			synctest.Wait()
		}
		if n := cancel.Kids(s); n != 0 {
			t.Errorf("%d listeners are left, want 0", n)
		}
	})
}
