package cancel_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

// wantDeadline fails the test unless the deadline of ctx is d from now. If d is zero,
// ctx must have no deadline.
func wantDeadline(t *testing.T, ctx context.Context, d time.Duration) {
	t.Helper()
	got, ok := ctx.Deadline()
	if ok != (d != 0) || ok && time.Until(got) != d {
		t.Errorf("Deadline() = %v, %v (%v from now), want %v from now (0s: no deadline)", got, ok, time.Until(got), d)
	}
}

func TestDeadline(t *testing.T) {
	bubble(t, "C6/a scope has no deadline unless it is given one", func(t *testing.T, ctx context.Context) {
		wantDeadline(t, cancel.New(ctx), 0)
		wantDeadline(t, cancel.New(ctx, cancel.Deadline(time.Time{})), 0)
		wantDeadline(t, cancel.New(ctx, cancel.Timeout(time.Hour), cancel.Deadline(time.Time{})), 0)
	})
	bubble(t, "C6/the last of contradicting options holds", func(t *testing.T, ctx context.Context) {
		at := cancel.Deadline(time.Now().Add(time.Hour))
		wantDeadline(t, cancel.New(ctx, cancel.Timeout(time.Minute), at), time.Hour)
		wantDeadline(t, cancel.New(ctx, at, cancel.Timeout(time.Minute)), time.Minute)
		if got := cancel.New(ctx, cancel.Name("a"), cancel.Name("b")).Name(); got != "b" {
			t.Errorf("Name() = %q, want %q", got, "b")
		}
	})
	bubble(t, "C6/an earlier deadline wins", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx, cancel.Timeout(time.Minute))
		std, stop := context.WithCancel(outer)
		defer stop()
		for _, p := range []context.Context{outer, std, context.WithValue(outer, key(1), 1), wrapper{std}} {
			s := cancel.New(p)
			wantDeadline(t, s, time.Minute)
			s.SetTimeout(time.Hour)
			wantDeadline(t, s, time.Minute)
			s.SetTimeout(time.Second)
			wantDeadline(t, s, time.Second)
			wantDeadline(t, cancel.New(s, cancel.Timeout(time.Hour)), time.Second)
			s.Close()
		}
	})
	bubble(t, "C6/a deadline that moves shows at once further down", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx, cancel.Timeout(time.Minute))
		s := cancel.New(cancel.New(outer))
		std, stop := context.WithCancel(s)
		defer stop()
		for _, d := range []time.Duration{time.Hour, time.Second, 0} {
			if d == 0 {
				outer.SetDeadline(time.Time{})
			} else {
				outer.SetTimeout(d)
			}
			wantDeadline(t, s, d)
			wantDeadline(t, std, d)
		}
	})
	bubble(t, "C6/a deadline above a shield does not count", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx, cancel.Timeout(time.Minute))
		middle := cancel.New(outer, cancel.Shielded())
		inner := cancel.New(middle)
		wantDeadline(t, inner, 0)
		middle.SetTimeout(time.Hour)
		wantDeadline(t, inner, time.Hour)
		middle.SetShield(false)
		wantDeadline(t, inner, time.Minute)
		wantDeadline(t, cancel.New(context.WithoutCancel(inner)), 0)
	})
	bubble(t, "C6/a deadline moves to later, away, and to earlier", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		s := cancel.New(ctx, cancel.Timeout(time.Second))
		s.SetTimeout(time.Hour)
		time.Sleep(time.Minute)
		wantOpen(t, "moved to later", s)
		s.SetDeadline(time.Time{})
		time.Sleep(2 * time.Hour)
		wantOpen(t, "moved away", s)
		s.SetTimeout(time.Hour)
		s.SetTimeout(time.Minute)
		<-s.Done()
		wantEnded(t, "moved to earlier", s, context.DeadlineExceeded, context.DeadlineExceeded)
		if got, want := time.Since(start), 2*time.Hour+2*time.Minute; got != want {
			t.Errorf("scope ended after %v, want %v", got, want)
		}
	})
	bubble(t, "C6/SetTimeout makes an idle timeout", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		s := cancel.New(ctx)
		for range 100 {
			s.SetTimeout(time.Minute)
			time.Sleep(59 * time.Second)
			wantOpen(t, "busy", s)
		}
		<-s.Done()
		if got, want := time.Since(start), 99*59*time.Second+time.Minute; got != want {
			t.Errorf("scope ended after %v, want %v", got, want)
		}
	})
	bubble(t, "C6/a deadline in the past cancels before SetDeadline returns", func(t *testing.T, ctx context.Context) {
		for name, set := range map[string]func(*cancel.Scope){
			"SetDeadline":      func(s *cancel.Scope) { s.SetDeadline(time.Now().Add(-time.Hour)) },
			"SetDeadline now":  func(s *cancel.Scope) { s.SetDeadline(time.Now()) },
			"SetDeadline 1970": func(s *cancel.Scope) { s.SetDeadline(time.Unix(0, 0)) },
			"SetTimeout 0":     func(s *cancel.Scope) { s.SetTimeout(0) },
			"SetTimeout min":   func(s *cancel.Scope) { s.SetTimeout(math.MinInt64) },
		} {
			s := cancel.New(cancel.New(ctx))
			below, stop := context.WithCancel(s)
			set(s)
			wantEnded(t, name, s, context.DeadlineExceeded, context.DeadlineExceeded)
			wantEnded(t, name+", below", below, context.DeadlineExceeded, context.DeadlineExceeded)
			stop()
			s.Close()
		}
		s := cancel.New(ctx, cancel.Timeout(0))
		wantEnded(t, "Timeout", s, context.DeadlineExceeded, context.DeadlineExceeded)
		s = cancel.New(ctx, cancel.Deadline(time.Now().Add(-1)))
		wantEnded(t, "Deadline", s, context.DeadlineExceeded, context.DeadlineExceeded)
	})
	bubble(t, "C6/a deadline may be far away", func(t *testing.T, ctx context.Context) {
		for name, set := range map[string]func(*cancel.Scope){
			"SetTimeout max":       func(s *cancel.Scope) { s.SetTimeout(math.MaxInt64) },
			"SetDeadline far away": func(s *cancel.Scope) { s.SetDeadline(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) },
		} {
			s := cancel.New(ctx)
			set(s)
			time.Sleep(time.Hour)
			wantOpen(t, name, s)
			s.Close()
		}
	})
	bubble(t, "C6/a deadline needs no monotonic clock reading", func(t *testing.T, ctx context.Context) {
		at := time.Now().Add(time.Minute).Round(0)
		s := cancel.New(ctx, cancel.Deadline(at))
		if got, _ := s.Deadline(); !got.Equal(at) {
			t.Errorf("Deadline() = %v, want %v", got, at)
		}
		<-s.Done()
		if got := time.Now(); !got.Equal(at) {
			t.Errorf("scope ended at %v, want %v", got, at)
		}
	})
	bubble(t, "C6/a deadline has no effect on a scope that has ended", func(t *testing.T, ctx context.Context) {
		boom := errors.New("boom")
		for _, ask := range []bool{true, false} {
			p := cancel.New(ctx)
			s := cancel.New(p)
			p.Cancel(boom)
			if ask {
				wantEnded(t, "asked", s, context.Canceled, boom)
			}
			s.SetTimeout(time.Hour)
			s.SetDeadline(time.Now().Add(time.Hour))
			s.Shutdown(time.Hour)
			wantDeadline(t, s, 0)
			s.SetTimeout(-1)
			wantEnded(t, "after SetTimeout", s, context.Canceled, boom)
		}
		// Trio: a later deadline does not undo a cancellation.
		s := cancel.New(ctx, cancel.Timeout(time.Second))
		<-s.Done()
		s.SetTimeout(time.Hour)
		wantEnded(t, "expired", s, context.DeadlineExceeded, context.DeadlineExceeded)
	})
	bubble(t, "C6/a deadline moves thousands of times", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		s := cancel.New(ctx)
		for i := range 10_000 {
			s.SetTimeout(time.Duration(i%7+1) * time.Second)
		}
		s.SetTimeout(time.Hour)
		<-s.Done()
		if got := time.Since(start); got != time.Hour {
			t.Errorf("scope ended after %v, want %v", got, time.Hour)
		}
	})
}

// C10: of nested scopes with the same deadline, the outermost scope ends the others.
func TestDeadlineTies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			outer := cancel.New(t.Context(), cancel.Name("outer"), cancel.Timeout(time.Second))
			std, stop := context.WithCancel(outer)
			inner := cancel.New(std, cancel.Name("inner"), cancel.Timeout(time.Second))
			leaf := cancel.New(cancel.New(inner), cancel.Timeout(time.Second))
			leaf.Done()
			time.Sleep(time.Second)
			synctest.Wait()
			for _, s := range []*cancel.Scope{outer, inner, leaf} {
				if r, _ := cancel.ReasonOf(s); r.Source != cancel.SourceDeadline || r.Scope != "outer" {
					t.Errorf("ReasonOf(%v) = %v, want the deadline of scope %q", s, r, "outer")
				}
			}
			stop()
			for _, s := range []*cancel.Scope{leaf, inner, outer} {
				s.Close()
			}
		}
	})
}

// C10: a deadline beyond context.WithoutCancel does not count, even if it is earlier.
func TestDeadlineTiesBelowWithoutCancel(t *testing.T) {
	for _, beyond := range []time.Duration{time.Second, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			for range 50 {
				outer := cancel.New(t.Context(), cancel.Name("outer"), cancel.Timeout(beyond))
				middle := cancel.New(context.WithoutCancel(outer), cancel.Name("middle"), cancel.Timeout(5*time.Second))
				inner := cancel.New(middle, cancel.Name("inner"), cancel.Timeout(5*time.Second))
				time.Sleep(5 * time.Second)
				synctest.Wait()
				for _, s := range []*cancel.Scope{middle, inner} {
					if r, _ := cancel.ReasonOf(s); r.Scope != "middle" {
						t.Errorf("ReasonOf(%v) = %v, want the deadline of scope %q", s, r, "middle")
					}
				}
				inner.Close()
				middle.Close()
				outer.Close()
			}
		})
	}
}

// C7: a scope ends at its own deadline even if its shield is raised at that instant.
func TestDeadlineTieShielded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := cancel.New(t.Context(), cancel.Timeout(time.Second))
		defer p.Close()
		std, stop := context.WithCancel(p)
		defer stop()
		s := cancel.New(std, cancel.Timeout(time.Second))
		defer s.Close()
		s.Done()
		p.OnDone(func() { s.SetShield(true) })
		time.Sleep(time.Second)
		synctest.Wait()
		wantEnded(t, "shielded", s, context.DeadlineExceeded, context.DeadlineExceeded)
	})
}
