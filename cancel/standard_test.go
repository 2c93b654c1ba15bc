package cancel_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
)

// TestDerived tests contexts that package context derives from a scope. They are part of
// the scope's tree.
func TestDerived(t *testing.T) {
	t.Run("C4/a thousand derived contexts start no goroutine and end with the scope", func(t *testing.T) {
		const n = 1000
		ends := map[string]struct {
			end        func(s *cancel.Scope)
			err, cause error
		}{
			"Cancel":   {func(s *cancel.Scope) { s.Cancel(errBoom) }, context.Canceled, errBoom},
			"no cause": {func(s *cancel.Scope) { s.Cancel(nil) }, context.Canceled, context.Canceled},
			"deadline": {func(s *cancel.Scope) { s.SetTimeout(0) }, context.DeadlineExceeded, context.DeadlineExceeded},
			"Close":    {(*cancel.Scope).Close, context.Canceled, cancel.ErrClosed},
		}
		for name, test := range ends {
			up := cancel.New(context.Background())
			s := cancel.New(up, cancel.Timeout(time.Hour))
			values := context.WithValue(cancel.New(s), key(1), 1)
			deadline := time.Now().Add(time.Minute)
			calls := make(chan bool, n)
			var derived []context.Context
			before := started()
			for i := range n {
				ctx, stop := context.WithCancel(values)
				defer stop()
				derived = append(derived, ctx)
				if i%2 == 0 {
					ctx = values
				}
				ctx, stop = context.WithDeadline(ctx, deadline)
				defer stop()
				derived = append(derived, ctx, cancel.New(ctx))
				context.AfterFunc(ctx, func() { calls <- true })
			}
			if got := started() - before; got > 10 {
				t.Errorf("%s: %d goroutines to derive %d contexts, want none", name, got, n)
			}
			test.end(s)
			for i, ctx := range derived {
				if err, cause := ctx.Err(), context.Cause(ctx); err != test.err || !errors.Is(cause, test.cause) {
					t.Fatalf("%s: context %d: Err(), Cause() = %v, %v; want %v, %v", name, i, err, cause, test.err, test.cause)
				}
				if !isClosed(ctx.Done()) {
					t.Fatalf("%s: context %d: Done() is open", name, i)
				}
				if d, _ := ctx.Deadline(); i%3 > 0 && !d.Equal(deadline) {
					t.Errorf("%s: Deadline() = %v, want %v", name, d, deadline)
				}
			}
			for range n {
				<-calls
			}
			if k := cancel.Kids(up); k != 0 {
				t.Errorf("%s: %d scopes are listed, want 0", name, k)
			}
		}
	})

	// As with a standard context, the derived context is released when the scope ends.
	t.Run("C8/a forgotten stop function leaves nothing once the scope has ended", func(t *testing.T) {
		up := cancel.New(context.Background())
		defer up.Close()
		up.Done()
		for name, end := range map[string]func(s *cancel.Scope){
			"Close":    (*cancel.Scope).Close,
			"Cancel":   func(s *cancel.Scope) { s.Cancel(errBoom) },
			"deadline": func(s *cancel.Scope) { s.SetTimeout(0) },
		} {
			var gone []weak.Pointer[[1024]byte]
			kit.WantNoGrowth(t, name, 1<<17, func() {
				for range 1000 {
					s := cancel.New(up)
					large := new([1024]byte)
					ctx, stop := context.WithTimeout(context.WithValue(s, key(1), large), time.Hour)
					_ = stop
					context.AfterFunc(ctx, func() {})
					cancel.New(ctx).Done()
					gone = append(gone[:min(len(gone), 99)], weak.Make(large))
					end(s)
				}
			})
			reachable := func(w weak.Pointer[[1024]byte]) bool { return w.Value() != nil }
			for range 1000 { // goroutines of AfterFunc may not have run yet
				if runtime.GC(); !slices.ContainsFunc(gone, reachable) {
					break
				}
				runtime.Gosched()
			}
			if slices.ContainsFunc(gone, reachable) {
				t.Errorf("%s: a derived context is still reachable", name)
			}
		}
	})

	t.Run("C8/a stop function that is called leaves nothing below the scope", func(t *testing.T) {
		s := cancel.New(context.Background())
		defer s.Close()
		values := context.WithValue(s, key(1), 1)
		kit.WantNoGrowth(t, "below an open scope", 1<<17, func() {
			for range 2000 {
				ctx, stop := context.WithTimeout(values, time.Hour)
				below := cancel.New(ctx)
				below.Done()
				stop()
				<-below.Done()
				if context.AfterFunc(values, func() {})() != true {
					t.Error("stop() = false, want true")
				}
			}
		})
		if n := cancel.Kids(s); n != 0 {
			t.Errorf("%d scopes are listed, want 0", n)
		}
	})
}

// A test may use contexts from outside its bubble, such as one of TestMain or a package
// variable. If a goroutine in the bubble waited for such a context, the clock of the
// bubble would never advance.
func TestOutsideBubble(t *testing.T) {
	for name, outside := range map[string]func() (context.Context, func()){
		"C13/a scope": func() (context.Context, func()) {
			s := cancel.New(context.Background())
			return s, s.Close
		},
		"C13/values below a scope": func() (context.Context, func()) {
			s := cancel.New(context.Background())
			return context.WithValue(s, key(1), 1), s.Close
		},
		"C13/values below a scope below values": func() (context.Context, func()) {
			up := cancel.New(context.Background())
			s := cancel.New(context.WithValue(up, key(1), 1))
			return context.WithValue(s, key(1), 1), up.Close
		},
		"C13/a standard context below a scope": func() (context.Context, func()) {
			s := cancel.New(context.Background())
			ctx, stop := context.WithCancel(s)
			_ = stop // s ends it
			return ctx, s.Close
		},
		"C13/a result of UntilStop": func() (context.Context, func()) {
			s := cancel.New(context.Background())
			return cancel.UntilStop(context.WithValue(s, key(1), 1)), s.Close
		},
		"C13/a standard context": func() (context.Context, func()) {
			ctx, stop := context.WithCancel(context.Background())
			return context.WithValue(ctx, key(1), 1), stop
		},
	} {
		for _, asked := range []bool{true, false} {
			name := name
			if asked {
				name += ", its Done asked for outside"
			}
			t.Run(name, func(t *testing.T) {
				ctx, end := outside()
				if asked {
					ctx.Done()
				}
				synctest.Test(t, func(t *testing.T) {
					std, stop := context.WithTimeout(context.WithValue(ctx, key(1), 2), time.Second)
					defer stop()
					s := cancel.New(context.WithValue(ctx, key(1), 3), cancel.Timeout(2*time.Second))
					defer s.Close()
					below := cancel.New(std)
					defer below.Close()
					derived, stop := context.WithTimeout(context.WithValue(below, key(1), 4), time.Hour)
					defer stop()
					start := time.Now()
					<-derived.Done()
					<-s.Done()
					if got := time.Since(start); got != 2*time.Second {
						t.Errorf("the sleep took %v, want 2s", got)
					}
					wantEnded(t, "derived", derived, context.DeadlineExceeded, context.DeadlineExceeded)
					wantEnded(t, "scope", s, context.DeadlineExceeded, context.DeadlineExceeded)
					wantOpen(t, "outside", ctx)
					if !asked { // the channel of ctx belongs to the bubble
						end()
						wantEnded(t, "what is from outside", ctx, context.Canceled, context.Cause(ctx))
					}
				})
				if asked {
					end()
					wantEnded(t, "what is from outside", ctx, context.Canceled, context.Cause(ctx))
				}
				wantNoHub(t)
			})
		}
	}
}

// C13: walks of the tree are iterative, so that deep trees do not exhaust the stack.
func TestDeepTree(t *testing.T) {
	// behind returns n nested scopes and a shielded scope below them.
	behind := func(root context.Context, n int) (chain []*cancel.Scope, leaf *cancel.Scope) {
		chain = nest(root, n)
		return chain, cancel.New(chain[n-1], cancel.Shielded())
	}

	t.Run("C13/the last scope closes below a chain that has ended", func(t *testing.T) {
		root := cancel.New(context.Background())
		chain, leaf := behind(root, deep)
		chain[0].Cancel(errBoom)
		wantOpen(t, "leaf", leaf)
		if n := cancel.Kids(root); n != 1 {
			t.Errorf("%d scopes are listed, want 1", n)
		}
		leaf.Close()
		if n := cancel.Kids(root); n != 0 {
			t.Errorf("%d scopes are listed, want 0", n)
		}
	})

	t.Run("C12/a scope below a chain of closed scopes", func(t *testing.T) {
		root := cancel.New(context.Background())
		chain := nest(root, deep)
		for i := range chain {
			chain[deep-1-i].Close()
		}
		if n := cancel.Kids(root); n != 0 {
			t.Errorf("%d scopes are listed, want 0", n)
		}
		for range 2 {
			s := cancel.New(chain[deep-1], cancel.Shielded())
			if n := cancel.Kids(root); n != 1 {
				t.Errorf("%d scopes are listed, want 1", n)
			}
			l := cancel.UntilStop(s)
			root.Stop()
			wantEnded(t, "listener", l, context.Canceled, cancel.ErrStopping)
			wantOpen(t, "scope", s)
			s.Close()
			if n := cancel.Kids(root); n != 0 {
				t.Errorf("%d scopes are listed, want 0", n)
			}
		}
	})

	t.Run("C12/Stop with listeners at every height", func(t *testing.T) {
		root := cancel.New(context.Background())
		chain, leaf := behind(root, deep/20) // UntilStop checks all scopes above
		var listening []context.Context
		for _, s := range append(chain, leaf) {
			listening = append(listening, cancel.UntilStop(s))
		}
		root.Stop()
		for _, l := range listening {
			if context.Cause(l) != cancel.ErrStopping {
				t.Fatalf("Cause() = %v, want %v", context.Cause(l), cancel.ErrStopping)
			}
		}
		root.Cancel(errBoom)
		leaf.Close()
		if n := cancel.Kids(root); n != 0 {
			t.Errorf("%d scopes are listed, want 0", n)
		}
	})

	t.Run("C13/a shield at every height, lowered from below", func(t *testing.T) {
		root := cancel.New(context.Background())
		chain := nest(root, deep)
		for _, s := range chain {
			s.SetShield(true)
		}
		root.Cancel(errBoom)
		for i := range chain {
			chain[deep-1-i].SetShield(false)
		}
		wantEnded(t, "leaf", chain[deep-1], context.Canceled, errBoom)
		if n := cancel.Kids(root); n != 0 {
			t.Errorf("%d scopes are listed, want 0", n)
		}
	})

	t.Run("C13/hooks and standard contexts at every height", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const depth = deep / 100 // each hook walks the tree
			root := cancel.New(context.Background())
			var ctx context.Context = root
			var scopes []*cancel.Scope
			var calls atomic.Int64
			for range depth {
				s := cancel.New(ctx)
				s.OnDone(func() { calls.Add(1); root.Cancel(nil) })
				scopes = append(scopes, s)
				std, stop := context.WithCancel(s)
				_ = stop // s ends it
				ctx = std
			}
			scopes[0].Cancel(errBoom)
			wantEnded(t, "the innermost", ctx, context.Canceled, errBoom)
			for _, s := range scopes {
				wantEnded(t, "scope", s, context.Canceled, errBoom)
			}
			synctest.Wait() // for calls in other goroutines
			if n := calls.Load(); n != depth {
				t.Errorf("%d calls, want %d", n, depth)
			}
			if n := cancel.Kids(root); n != 0 {
				t.Errorf("%d scopes are listed, want 0", n)
			}
			wantNoHub(t)
		})
	})

	// Below a context of a foreign type, only a callback ends a scope, and Err checks the
	// contexts above.
	t.Run("C13/contexts of a foreign type at every height, with one channel", func(t *testing.T) {
		b := newBlunt(context.Background())
		var ctx context.Context = b
		var scopes []*cancel.Scope
		for range deep / 50 { // each cause is searched above
			s := cancel.New(ctx)
			scopes = append(scopes, s)
			w := newBlunt(s)
			w.done, w.err = b.done, context.Canceled
			ctx = w
		}
		leaf := scopes[len(scopes)-1]
		b.end(context.Canceled)
		wantEnded(t, "leaf", leaf, context.Canceled, context.Canceled)
		for _, s := range scopes[1:] {
			if s.Err() != context.Canceled {
				t.Fatalf("Err() = %v, want %v", s.Err(), context.Canceled)
			}
			s.Close()
		}
		wantEnded(t, "first", scopes[0], context.Canceled, context.Canceled)
		if n := cancel.Kids(scopes[0]); n != 0 {
			t.Errorf("%d scopes are listed, want 0", n)
		}
		wantNoHub(t)
	})
}
