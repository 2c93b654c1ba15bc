package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
)

var errBoom = errors.New("boom")

// bubble runs fn in a bubble with a root scope.
func bubble(t *testing.T, name string, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { testutil.Bubble(t, fn) })
}

// mustPanic runs fn, which must panic with a text that contains want.
func mustPanic(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("panic(%q), want one that contains %q", got, want)
		}
	}()
	fn()
}

// mustBe checks Err and Cause of a context, and that Done agrees with them.
func mustBe(t *testing.T, ctx context.Context, err, cause error) {
	t.Helper()
	done := false
	select {
	case <-ctx.Done():
		done = true
	default:
	}
	if got := ctx.Err(); got != err {
		t.Errorf("Err() = %v, want %v", got, err)
	}
	if got := context.Cause(ctx); got != cause {
		t.Errorf("Cause() = %v, want %v", got, cause)
	}
	if done != (err != nil) {
		t.Errorf("Done is closed: %v, with Err() = %v", done, err)
	}
}

func TestScope(t *testing.T) {
	t.Run("C1/bad input panics at the call", func(t *testing.T) {
		var none context.Context
		ctx := t.Context()
		fn := func(context.Context) error { return nil }
		for want, call := range map[string]func(){
			"cancel: New: nil context":              func() { cancel.New(none) },
			"cancel: New: nil option":               func() { cancel.New(ctx, nil) },
			"cancel: FromContext: nil context":      func() { cancel.FromContext(none) },
			"cancel: UntilStop: nil context":        func() { cancel.UntilStop(none) },
			"cancel: Sleep: nil context":            func() { _ = cancel.Sleep(none, 0) },
			"cancel: SleepUntil: nil context":       func() { _ = cancel.SleepUntil(none, time.Time{}) },
			"cancel: Forever: nil context":          func() { _ = cancel.Forever(none) },
			"cancel: Err: nil context":              func() { _ = cancel.Err(none) },
			"cancel: Checkpoint: nil context":       func() { _ = cancel.Checkpoint(none) },
			"cancel: ReasonOf: nil context":         func() { cancel.ReasonOf(none) },
			"cancel: MoveOnAfter: nil context":      func() { _, _ = cancel.MoveOnAfter(none, 0, fn) },
			"cancel: MoveOnAfter: nil function":     func() { _, _ = cancel.MoveOnAfter(ctx, 0, nil) },
			"cancel: MoveOnAt: nil context":         func() { _, _ = cancel.MoveOnAt(none, time.Time{}, fn) },
			"cancel: MoveOnAt: nil function":        func() { _, _ = cancel.MoveOnAt(ctx, time.Time{}, nil) },
			"cancel: FailAfter: nil context":        func() { _ = cancel.FailAfter(none, 0, fn) },
			"cancel: FailAfter: nil function":       func() { _ = cancel.FailAfter(ctx, 0, nil) },
			"cancel: FailAt: nil context":           func() { _ = cancel.FailAt(none, time.Time{}, fn) },
			"cancel: FailAt: nil function":          func() { _ = cancel.FailAt(ctx, time.Time{}, nil) },
			"cancel: Shield: nil context":           func() { _ = cancel.Shield(none, 0, fn) },
			"cancel: Shield: nil function":          func() { _ = cancel.Shield(ctx, 0, nil) },
			"cancel: Scope.Run: nil function":       func() { _ = cancel.New(ctx).Run(nil) },
			"cancel: Scope.AfterFunc: nil function": func() { cancel.New(ctx).AfterFunc(nil) },
			"cancel: Scope.Follow: nil context":     func() { cancel.New(ctx).Follow(none) },
			"cancel: Scope.Finish: nil cause":       func() { cancel.New(ctx).Finish(nil) },
			"cancel: Scope.Fail: nil cause":         func() { cancel.New(ctx).Fail("x", nil) },
		} {
			mustPanic(t, want, call)
		}
	})
	bubble(t, "C2/Err is one of two, for all that is derived", func(t *testing.T, ctx context.Context) {
		for _, late := range []bool{false, true} {
			s := cancel.New(ctx, cancel.Timeout(time.Second))
			std, stop := context.WithCancel(s)
			below := cancel.New(std)
			want := context.DeadlineExceeded
			if late { // moved, and then canceled by hand
				s.SetTimeout(time.Hour)
			}
			time.Sleep(time.Minute)
			if late {
				s.Cancel(errBoom)
				want = context.Canceled
			}
			for _, c := range []context.Context{s, std, below} {
				if got := c.Err(); got != want {
					t.Errorf("Err() = %v, want %v", got, want)
				}
			}
			stop()
			s.Close()
			below.Close()
		}
	})
	bubble(t, "C3/Cause is that of the first Cancel", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx)
		std, stop := context.WithCancel(s)
		defer stop()
		s.Cancel(errBoom)
		s.Cancel(io.EOF)
		mustBe(t, s, context.Canceled, errBoom)
		mustBe(t, std, context.Canceled, errBoom)
		plain := cancel.New(ctx)
		plain.Cancel(nil)
		mustBe(t, plain, context.Canceled, context.Canceled)
	})
	t.Run("C4/everything below is canceled when Cancel returns", func(t *testing.T) {
		root := cancel.New(context.Background())
		var all []context.Context
		ctx := context.Context(root)
		for i := range 40 {
			switch i % 4 {
			case 0:
				s := cancel.New(ctx)
				defer s.Close()
				ctx = s
			case 1:
				c, stop := context.WithCancel(ctx)
				defer stop()
				ctx = c
			case 2:
				ctx = context.WithValue(ctx, t, i)
			case 3:
				c, stop := context.WithTimeout(ctx, time.Hour)
				defer stop()
				ctx = c
			}
			all = append(all, ctx)
		}
		root.Cancel(errBoom)
		for i, c := range all {
			if c.Err() != context.Canceled || context.Cause(c) != errBoom {
				t.Errorf("%d: Err() = %v, Cause() = %v", i, c.Err(), context.Cause(c))
			}
		}
		mustBe(t, ctx, context.Canceled, errBoom)
	})
	t.Run("C4/a standard parent shows at once", func(t *testing.T) {
		std, stop := context.WithCancelCause(t.Context())
		attached, not := cancel.New(std), cancel.New(context.WithValue(std, t, 1))
		defer attached.Close()
		defer not.Close()
		attached.Done()
		stop(errBoom)
		for _, s := range []*cancel.Scope{attached, not} {
			if err := s.Err(); err != context.Canceled { // which closes Done at the latest
				t.Errorf("Err() = %v, want Canceled", err)
			}
			mustBe(t, s, context.Canceled, errBoom)
		}
	})
	bubble(t, "C5/the first cancellation wins", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx)
		inner := cancel.New(outer)
		outer.Cancel(errBoom)
		inner.Cancel(io.EOF) // not attached, and not asked before
		mustBe(t, inner, context.Canceled, errBoom)
		outer, inner = cancel.New(ctx), nil
		inner = cancel.New(outer)
		inner.Cancel(io.EOF)
		outer.Cancel(errBoom)
		mustBe(t, inner, context.Canceled, io.EOF)
		mustBe(t, outer, context.Canceled, errBoom)
	})
	t.Run("C16/String reads like package context's", func(t *testing.T) {
		s := cancel.New(context.Background(), cancel.Name("crawl"))
		std, stop := context.WithCancel(cancel.New(s))
		defer stop()
		for want, c := range map[string]context.Context{
			"context.Background.WithScope(crawl)":                                s,
			"context.Background.WithScope(crawl).WithScope":                      cancel.New(s),
			"context.Background.WithScope(crawl).WithScope.WithCancel.WithScope": cancel.New(std),
			"context.TODO.WithScope":                                             cancel.New(context.TODO()),
			"cancel_test.plain.WithScope":                                        cancel.New(plain{s}),
		} {
			if got := fmt.Sprint(c); got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
		}
	})
	t.Run("C1/values and the enclosing scope are found", func(t *testing.T) {
		type key struct{}
		s := cancel.New(context.WithValue(t.Context(), key{}, "v"), cancel.Name("s"), cancel.Shielded())
		std, stop := context.WithCancel(s)
		defer stop()
		inner := cancel.New(std)
		for range 2 {
			for _, c := range []context.Context{s, std, inner} {
				if got := c.Value(key{}); got != "v" {
					t.Errorf("Value() = %v, want v", got)
				}
			}
			inner.Cancel(nil)
			s.Close() // values stay readable
		}
		if got := cancel.FromContext(std); got != s || got.Name() != "s" {
			t.Errorf("FromContext() = %v, want %v", got, s)
		}
		if got := cancel.FromContext(context.Background()); got != nil {
			t.Errorf("FromContext() = %v, want nil", got)
		}
	})
}

// plain is a context of another package, which passes everything on.
type plain struct{ context.Context }

func TestClose(t *testing.T) {
	bubble(t, "C8/what is derived is canceled with a cause that says so", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx, cancel.Name("crawl"))
		std, stop := context.WithCancel(s)
		defer stop()
		inner, alone := cancel.New(s), cancel.New(s)
		inner.Done()
		s.Close()
		s.Close()
		s.Cancel(errBoom) // too late
		for _, c := range []context.Context{s, std, inner, alone} {
			if cause := context.Cause(c); !errors.Is(cause, cancel.ErrClosed) || cause.Error() != `scope "crawl" has ended` {
				t.Errorf("Cause() = %v, want that the scope has ended", cause)
			}
			mustBe(t, c, context.Canceled, context.Cause(c))
			if r, _ := cancel.ReasonOf(c); r.Source != cancel.SourceClosed || r.Scope != "crawl" {
				t.Errorf("ReasonOf() = %v, want the end of crawl", r)
			}
		}
		unnamed := cancel.New(ctx)
		unnamed.Close()
		if cause := context.Cause(unnamed); !errors.Is(cause, cancel.ErrClosed) || cause.Error() != "scope has ended" {
			t.Errorf("Cause() = %v", cause)
		}
	})
	bubble(t, "C8/a deadline that passes later has no effect", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx, cancel.Timeout(time.Second))
		s.Close()
		s.SetTimeout(0)
		time.Sleep(time.Minute)
		if s.Err() != context.Canceled {
			t.Errorf("Err() = %v, want Canceled", s.Err())
		}
	})
	t.Run("C8/nothing stays in the parent", func(t *testing.T) {
		std := t.Context()
		scope := cancel.New(context.Background())
		defer scope.Close()
		listened := cancel.New(context.Background())
		defer listened.Close()
		for _, parent := range []context.Context{std, scope, context.WithValue(scope, t, 1), listened} {
			round := func(n int) uint64 {
				for range n {
					s := cancel.New(parent, cancel.Timeout(time.Hour))
					s.Done()
					if parent == context.Context(listened) {
						cancel.UntilStop(s).Done()
					}
					s.Close()
				}
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			before := round(1000)
			// A word for each would be 800 KB.
			if after := round(100_000); after > before+400_000 {
				t.Errorf("below %v the heap grew from %d to %d bytes", parent, before, after)
			}
		}
		for range 1_000_000 {
			cancel.New(scope).Close()
		}
	})
	t.Run("C8/a scope that ended by itself is let go, closed or not", func(t *testing.T) {
		std := t.Context()
		scope := cancel.New(context.Background())
		defer scope.Close()
		for _, parent := range []context.Context{std, scope} {
			for _, end := range []func(s *cancel.Scope){
				func(s *cancel.Scope) { s.Close() },
				func(s *cancel.Scope) { s.Cancel(nil) },
				func(s *cancel.Scope) { s.SetTimeout(0) },
			} {
				w := func() weak.Pointer[cancel.Scope] {
					s := cancel.New(parent)
					s.Done()
					end(s)
					return weak.Make(s)
				}()
				for range 10 {
					runtime.GC()
					if w.Value() == nil {
						break
					}
				}
				if w.Value() != nil {
					t.Errorf("below %v, a scope that has ended is still reachable", parent)
				}
			}
		}
	})
}

func TestDeep(t *testing.T) {
	const depth = 100_000
	grow := func(opts ...cancel.Option) []*cancel.Scope {
		scopes := []*cancel.Scope{cancel.New(context.Background(), opts...)}
		for range depth {
			scopes = append(scopes, cancel.New(scopes[len(scopes)-1], opts...))
		}
		return scopes
	}
	closeAll := func(scopes []*cancel.Scope) {
		for i := range scopes {
			if i%2 == 0 {
				scopes[len(scopes)-1-i].Close()
			}
		}
		for _, s := range scopes {
			s.Close()
		}
	}
	t.Run("C13/asked one by one", func(t *testing.T) {
		scopes := grow()
		for _, s := range scopes {
			if s.Err() != nil {
				t.Fatalf("Err() = %v, want nil", s.Err())
			}
		}
		closeAll(scopes)
	})
	t.Run("C13/canceled at the top", func(t *testing.T) {
		scopes := grow()
		leaf := scopes[depth]
		<-func() <-chan struct{} {
			done := leaf.Done()
			scopes[0].Cancel(errBoom)
			return done
		}()
		for _, s := range scopes {
			if s.Err() != context.Canceled {
				t.Fatalf("Err() = %v, want Canceled", s.Err())
			}
		}
		if context.Cause(leaf) != errBoom {
			t.Errorf("Cause() = %v, want boom", context.Cause(leaf))
		}
		closeAll(scopes)
	})
	t.Run("C13/closed at the top", func(t *testing.T) {
		scopes := grow()
		done := scopes[depth].Done()
		scopes[0].Close()
		<-done
		closeAll(scopes)
	})
	t.Run("C13/deadlines and stops", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			scopes := grow()
			for _, i := range []int{0, 1, depth / 2, depth} {
				scopes[i].SetTimeout(time.Second)
			}
			stop := cancel.UntilStop(scopes[depth])
			scopes[0].Stop()
			mustBe(t, stop, context.Canceled, cancel.ErrStopping)
			if d, ok := scopes[depth].Deadline(); !ok || time.Until(d) != time.Second {
				t.Errorf("Deadline() = %v, want a second", d)
			}
			<-scopes[depth].Done()
			if r, _ := cancel.ReasonOf(scopes[depth]); r.Source != cancel.SourceDeadline {
				t.Errorf("ReasonOf() = %v, want a deadline", r)
			}
			closeAll(scopes)
			if len(scopes[depth].String()) < depth {
				t.Error("String() is too short")
			}
		})
	})
}
