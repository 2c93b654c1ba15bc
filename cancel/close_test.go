package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
)

func TestCloseAndOthers(t *testing.T) {
	t.Run("C8/Close does not replace an end that came from above", func(t *testing.T) {
		boom := errors.New("boom")
		p := cancel.New(t.Context())
		s := cancel.New(p)
		p.Cancel(boom)
		s.Close()
		wantEnded(t, "scope", s, context.Canceled, boom)
	})

	t.Run("C8/Close leaves the parent and its other scopes open", func(t *testing.T) {
		p := cancel.New(t.Context())
		a, b, c := cancel.New(p), cancel.New(p), cancel.New(p)
		for _, s := range []*cancel.Scope{a, b, c} {
			s.Done()
		}
		b.Close()
		wantOpen(t, "parent", p)
		wantOpen(t, "older sibling", a)
		wantOpen(t, "younger sibling", c)
		p.Cancel(nil)
		wantEnded(t, "older sibling", a, context.Canceled, context.Canceled)
		wantEnded(t, "younger sibling", c, context.Canceled, context.Canceled)
	})

	t.Run("C8/a scope made below a closed one has its cause and reason", func(t *testing.T) {
		p := cancel.New(t.Context(), cancel.Name("p"))
		p.Close()
		s := cancel.New(p, cancel.Name("s"))
		wantEnded(t, "scope", s, context.Canceled, context.Cause(p))
		if r, _ := cancel.ReasonOf(s); r.Source != cancel.SourceClosed || r.Scope != "p" {
			t.Errorf("ReasonOf() = %v, want the end of p", r)
		}
		if !p.IsEcho(cancel.Err(s)) || cancel.Err(s) != cancel.Err(p) {
			t.Errorf("Err() = %v, want the Error of p, %v", cancel.Err(s), cancel.Err(p))
		}
	})

	t.Run("C8/Close leaves a shielded scope below open", func(t *testing.T) {
		p := cancel.New(t.Context())
		s := cancel.New(p, cancel.Shielded())
		s.Done()
		p.Close()
		wantOpen(t, "shielded", s)
		s.SetShield(false)
		if got := context.Cause(s); !errors.Is(got, cancel.ErrClosed) {
			t.Errorf("Cause() = %v, want %v", got, cancel.ErrClosed)
		}
	})

	t.Run("C8/no timer fires after Close", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := cancel.New(t.Context(), cancel.Timeout(time.Second))
			s.Shutdown(time.Second)
			s.Close()
			s.SetTimeout(time.Second)
			s.Shutdown(0)
			time.Sleep(time.Hour)
			synctest.Wait()
			if err, cause := s.Err(), context.Cause(s); err != context.Canceled || !errors.Is(cause, cancel.ErrClosed) {
				t.Errorf("Err(), Cause() = %v, %v, want %v, %v", err, cause, context.Canceled, cancel.ErrClosed)
			}
			want := time.Now().Add(time.Second - time.Hour) // set before Close
			if d, ok := s.Deadline(); !ok || !d.Equal(want) {
				t.Errorf("Deadline() = %v, %v, want %v, true", d, ok, want)
			}
		})
	})
}

// C8: a closed scope leaves nothing in its parent, whatever it was used for.
func TestCloseGrowth(t *testing.T) {
	std, stop := context.WithCancel(t.Context())
	defer stop()
	parents := []context.Context{cancel.New(context.Background()), std, cancel.New(std), wrapper{cancel.New(std)}}
	uses := map[string]func(*cancel.Scope){
		"unused": func(*cancel.Scope) {},
		"Done":   func(s *cancel.Scope) { s.Done() },
		"Cancel": func(s *cancel.Scope) { s.Done(); s.Cancel(nil) },
		"derived": func(s *cancel.Scope) {
			_, stop := context.WithCancel(s)
			stop()
		},
		"deadline":  func(s *cancel.Scope) { s.SetTimeout(time.Hour) },
		"UntilStop": func(s *cancel.Scope) { cancel.UntilStop(s) },
	}
	const rounds = 2000
	for _, p := range parents {
		for name, use := range uses {
			if d := p.Done(); d == nil {
				t.Fatal("Done() = nil")
			}
			// A scope left in the parent takes more than 100 bytes: 200 KB in all.
			kit.WantNoGrowth(t, fmt.Sprint("below ", p, ", ", name), 1<<17, func() {
				for range rounds {
					s := cancel.New(p)
					use(s)
					s.Close()
				}
			})
		}
	}
}

// C8: an ended scope leaves its parent when the last scope below it leaves.
func TestCloseOfLastBelow(t *testing.T) {
	for name, use := range map[string]func(s *cancel.Scope){
		"unused":      func(*cancel.Scope) {},
		"Done":        func(s *cancel.Scope) { s.Done() },
		"OnDone":      func(s *cancel.Scope) { s.OnDone(func() {}) },
		"scope below": func(s *cancel.Scope) { cancel.New(s).OnDone(func() {}) },
	} {
		root := cancel.New(t.Context())
		var gone []weak.Pointer[cancel.Scope]
		func() {
			middle := cancel.New(cancel.New(root))
			last := cancel.New(middle, cancel.Shielded())
			for _, s := range []*cancel.Scope{cancel.FromContext(middle), last} {
				gone = append(gone, weak.Make(s))
			}
			use(last)
			middle.Close()
			last.Close()
		}()
		runtime.GC()
		runtime.GC()
		for i, w := range gone {
			if w.Value() != nil {
				t.Errorf("%s: scope %d is reachable, want it collected", name, i)
			}
		}
		runtime.KeepAlive(root)
	}
}

// C8: the garbage collector frees a closed scope while its parent is in use.
func TestCloseCollectable(t *testing.T) {
	std, stop := context.WithCancel(t.Context())
	defer stop()
	for _, p := range []context.Context{cancel.New(context.Background()), std, cancel.New(std)} {
		var gone []weak.Pointer[cancel.Scope]
		func() {
			for i := range 12 {
				s := cancel.New(p, cancel.Name("gone"))
				gone = append(gone, weak.Make(s))
				below := cancel.New(s)
				child, stop := context.WithCancel(below)
				switch i % 4 {
				case 0:
					s.Done()
				case 1:
					below.Done()
					s.SetTimeout(time.Hour)
					s.Shutdown(time.Hour)
				case 2:
					cancel.UntilStop(below)
					s.OnDone(func() {})
				case 3:
					s.Cancel(errors.New("boom"))
					_ = cancel.Err(child)
				}
				stop()
				below.Close()
				s.Close()
			}
		}()
		runtime.GC()
		runtime.GC()
		for i, w := range gone {
			if w.Value() != nil {
				t.Errorf("below %v: closed scope %d is reachable, want it collected", p, i)
			}
		}
		runtime.KeepAlive(p)
	}
}

// An *Error that a caller keeps does not keep its scope reachable.
func TestErrorKeepsNoScope(t *testing.T) {
	s := cancel.New(t.Context(), cancel.Name("gone"))
	gone := weak.Make(s)
	s.Cancel(errors.New("boom"))
	err := cancel.Err(s)
	s.Close()
	s = nil
	runtime.GC()
	runtime.GC()
	if gone.Value() != nil {
		t.Errorf("scope of %v is reachable, want it collected", err)
	}
	runtime.KeepAlive(err)
}

func TestClose(t *testing.T) {
	bubble(t, "C8/Close cancels derived contexts with ErrClosed", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx, cancel.Name("crawl"))
		std, stop := context.WithCancel(s)
		defer stop()
		inner, alone := cancel.New(s), cancel.New(s)
		inner.Done()
		s.Close()
		s.Close()
		s.Cancel(errBoom) // no effect
		for _, c := range []context.Context{s, std, inner, alone} {
			if cause := context.Cause(c); !errors.Is(cause, cancel.ErrClosed) || cause.Error() != `scope "crawl" has ended` {
				t.Errorf("Cause() = %v, want %q", cause, `scope "crawl" has ended`)
			}
			wantEnded(t, fmt.Sprint(c), c, context.Canceled, context.Cause(c))
			if r, _ := cancel.ReasonOf(c); r.Source != cancel.SourceClosed || r.Scope != "crawl" {
				t.Errorf("ReasonOf() = %v, want the end of scope %q", r, "crawl")
			}
		}
		unnamed := cancel.New(ctx)
		unnamed.Close()
		if cause := context.Cause(unnamed); !errors.Is(cause, cancel.ErrClosed) || cause.Error() != "scope has ended" {
			t.Errorf("Cause() = %v, want %q", cause, "scope has ended")
		}
	})
	bubble(t, "C8/a deadline that passes after Close has no effect", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx, cancel.Timeout(time.Second))
		s.Close()
		s.SetTimeout(0)
		time.Sleep(time.Minute)
		if s.Err() != context.Canceled {
			t.Errorf("Err() = %v, want %v", s.Err(), context.Canceled)
		}
	})
	t.Run("C8/a closed scope leaves nothing in its parent", func(t *testing.T) {
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
			// One word for each scope takes 400 KB.
			if after := round(50_000); after > before+200_000 {
				t.Errorf("below %v: heap grew from %d to %d bytes, want at most %d", parent, before, after, before+200_000)
			}
		}
	})
	t.Run("C8/an ended scope is collected, closed or not", func(t *testing.T) {
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
					t.Errorf("below %v: ended scope is reachable, want it collected", parent)
				}
			}
		}
	})
}
