//go:build explore

package cancel_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/explore"
)

// A counting is a context of a foreign type with an AfterFunc method that counts
// registrations and never calls back.
type counting struct {
	context.Context
	done chan struct{}

	mu sync.Mutex
	n  int
}

func (c *counting) Done() <-chan struct{} { return c.done }
func (c *counting) end()                  { close(c.done) }

func (c *counting) Err() error {
	if isClosed(c.done) {
		return context.Canceled
	}
	return nil
}

func (c *counting) AfterFunc(func()) (stop func() bool) {
	c.add(1)
	return sync.OnceValue(func() bool { c.add(-1); return true })
}

func (c *counting) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
}

// wantEndedRun fails the scenario unless ctx has ended and its Done channel is closed.
func wantEndedRun(r *explore.Run, what string, ctx context.Context) {
	if ctx.Err() == nil {
		r.Errorf("%s: Err() = nil, want it canceled", what)
		return
	}
	select {
	case <-ctx.Done():
	default:
		r.Errorf("%s: Done() is open, Err() = %v", what, ctx.Err())
	}
}

// leaves closes below and fails the scenario if scopes are then still listed in s.
func leaves(r *explore.Run, below, s *cancel.Scope) {
	below.Close()
	if n := cancel.Kids(s); n > 0 {
		r.Errorf("%d scopes below are still listed, want 0", n)
	}
}

// causeIs records the name of the error that ended ctx.
func causeIs(r *explore.Run, ctx context.Context, named map[error]string) {
	cause := context.Cause(ctx)
	for err, name := range named {
		if errors.Is(cause, err) {
			r.Saw(name)
			return
		}
	}
	r.Errorf("Cause() = %v, which is unexpected", cause)
}

func TestSchedules(t *testing.T) {
	errA, errB := errors.New("a"), errors.New("b")
	ab := map[error]string{errA: "a first", errB: "b first"}
	background := context.Background()

	t.Run("C5/the first of two Cancels wins", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := cancel.New(background)
			below := cancel.New(cancel.New(s))
			below.Done()
			std, stop := context.WithCancel(below)
			done := s.Done()
			r.Go("watch", func() {
				<-done
				r.Point("Done is closed")
				wantEndedRun(r, "the scope, when Done was closed,", s)
			})
			for _, err := range []error{errA, errB} {
				r.Go(err.Error(), func() {
					s.Cancel(err)
					wantEndedRun(r, "the scope", s)
					wantEndedRun(r, "a scope below", below)
					wantEndedRun(r, "a standard context below", std)
					// Do not use context.Cause, because a scope keeps its result.
					was, _ := cancel.ReasonOf(s)
					r.Check(func() {
						reason, _ := cancel.ReasonOf(s)
						if below, _ := cancel.ReasonOf(below); reason.Cause != was.Cause || below.Cause != was.Cause {
							r.Errorf("cause %v, later %v and below %v, want the same", was.Cause, reason.Cause, below.Cause)
						}
					})
				})
			}
			r.Check(func() {
				defer stop()
				causeIs(r, s, ab)
				if context.Cause(below) != context.Cause(s) || context.Cause(std) != context.Cause(s) {
					r.Errorf("causes %v, %v, %v, want the same", context.Cause(s), context.Cause(below), context.Cause(std))
				}
			})
		}, "a first", "b first")
	})

	t.Run("C5/Cancel above and below", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := cancel.New(background)
			mid := cancel.New(s)
			below := cancel.New(mid)
			below.Done()
			r.Go("a", func() {
				s.Cancel(errA)
				wantEndedRun(r, "the scope in the middle", mid)
				wantEndedRun(r, "the scope below", below)
			})
			r.Go("b", func() {
				mid.Cancel(errB)
				wantEndedRun(r, "the scope below", below)
			})
			r.Check(func() {
				causeIs(r, mid, ab)
				if context.Cause(below) != context.Cause(mid) {
					r.Errorf("causes %v and %v, want the same", context.Cause(mid), context.Cause(below))
				}
				if context.Cause(s) != errA {
					r.Errorf("Cause() = %v above, want a", context.Cause(s))
				}
				leaves(r, mid, s)
				leaves(r, below, mid)
			})
		}, "a first", "b first")
	})

	// In each of these scenarios something registers with a scope that is being canceled.
	for _, test := range []struct {
		name   string
		parent func(s *cancel.Scope) context.Context // the parent of the scope below
	}{
		{"C4/Cancel against Done below", func(s *cancel.Scope) context.Context { return s }},
		{"C4/Cancel against Done two below", func(s *cancel.Scope) context.Context { return cancel.New(s) }},
		{"C4/Cancel against Done below values", func(s *cancel.Scope) context.Context {
			type key struct{}
			return context.WithValue(s, key{}, 1)
		}},
		{"C4/Cancel against Done below a standard context", func(s *cancel.Scope) context.Context {
			ctx, stop := context.WithCancel(s)
			_ = stop
			return ctx
		}},
		{"C4/Cancel against Done below a foreign context", func(s *cancel.Scope) context.Context { return wrapper{s} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				s := cancel.New(background)
				below := cancel.New(test.parent(s))
				r.Go("cancel", func() {
					s.Cancel(errA)
					wantEndedRun(r, "the scope", s)
					if below.Err() == nil {
						r.Errorf("Err() = nil below, want it canceled")
					}
				})
				r.Go("done", func() {
					if isClosed(below.Done()) {
						r.Saw("Done came after Cancel")
						if below.Err() == nil {
							r.Errorf("Done() is closed, Err() = nil")
						}
					} else {
						r.Saw("Done came before Cancel")
					}
				})
				r.Go("err", func() {
					if below.Err() != nil {
						wantEndedRun(r, "the scope below, when Err was set,", below)
					}
				})
				r.Check(func() {
					wantEndedRun(r, "the scope below", below)
					if context.Cause(below) != errA {
						r.Errorf("Cause() = %v, want a", context.Cause(below))
					}
				})
			}, "Done came before Cancel", "Done came after Cancel")
		})
	}

	t.Run("C4/Cancel against deriving a standard context", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := cancel.New(background)
			mid := cancel.New(s)
			r.Go("cancel", func() { s.Cancel(errA) })
			r.Go("derive", func() {
				ctx, stop := context.WithCancel(mid)
				if ctx.Err() == nil {
					r.Saw("derived before Cancel")
				} else {
					r.Saw("derived after Cancel")
				}
				r.Check(func() {
					wantEndedRun(r, "the standard context", ctx)
					if context.Cause(ctx) != errA {
						r.Errorf("Cause() = %v, want a", context.Cause(ctx))
					}
					stop()
				})
			})
		}, "derived before Cancel", "derived after Cancel")
	})

	t.Run("C4/Cancel against removing a hook", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := cancel.New(background)
			calls := 0
			unhook := s.OnDone(func() { calls++ })
			other := 0
			s.OnDone(func() { other++ })
			r.Go("cancel", func() { s.Cancel(errA) })
			r.Go("unhook", func() {
				want := 1
				if unhook() {
					r.Saw("unhook came first")
					want = 0
				} else {
					r.Saw("Cancel came first")
				}
				r.Check(func() {
					if calls != want || other != 1 {
						r.Errorf("%d calls and %d, want %d and 1", calls, other, want)
					}
				})
			})
		}, "unhook came first", "Cancel came first")
	})

	t.Run("C8/Cancel against Close", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background)
			s := cancel.New(up, cancel.Timeout(time.Hour))
			below := cancel.New(s)
			below.Done()
			r.Go("cancel", func() {
				s.Cancel(errA)
				wantEndedRun(r, "the scope below, after Cancel,", below)
			})
			r.Go("close", func() {
				s.Close()
				wantEndedRun(r, "the scope below, after Close,", below)
			})
			r.Check(func() {
				causeIs(r, s, map[error]string{errA: "Cancel came first", cancel.ErrClosed: "Close came first"})
				if context.Cause(below) != context.Cause(s) {
					r.Errorf("causes %v and %v, want the same", context.Cause(s), context.Cause(below))
				}
				leaves(r, s, up)
				leaves(r, below, s)
			})
		}, "Cancel came first", "Close came first")
	})

	t.Run("C8/Close against Done", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background)
			s := cancel.New(up, cancel.Name("s"))
			below := cancel.New(s, cancel.Name("below"))
			r.Go("close", s.Close)
			for _, ctx := range []*cancel.Scope{s, below} {
				r.Go("done-"+ctx.Name(), func() {
					if isClosed(ctx.Done()) {
						r.Saw(ctx.Name() + ": Done came after Close")
					} else {
						r.Saw(ctx.Name() + ": Done came before Close")
					}
				})
			}
			r.Check(func() {
				wantEndedRun(r, "the scope", s)
				wantEndedRun(r, "the scope below", below)
				leaves(r, s, up)
				leaves(r, below, s)
			})
		}, "s: Done came before Close", "s: Done came after Close", "below: Done came before Close", "below: Done came after Close")
	})

	t.Run("C8/Close against Done below a foreign context", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background)
			foreign := &counting{Context: up, done: make(chan struct{})}
			s := cancel.New(foreign)
			r.Go("close", s.Close)
			for _, name := range []string{"done", "again"} {
				r.Go(name, func() {
					if isClosed(s.Done()) {
						r.Saw("Done came after Close")
					} else {
						r.Saw("Done came before Close")
					}
				})
			}
			r.Check(func() {
				wantEndedRun(r, "the scope", s)
				leaves(r, s, up)
				if foreign.n != 0 {
					r.Errorf("%d registrations with the foreign context are left", foreign.n)
				}
			})
		}, "Done came before Close", "Done came after Close")
	})

	t.Run("C6/a deadline that is moved away", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := cancel.New(background, cancel.Timeout(time.Second))
			below := cancel.New(s)
			below.Done()
			r.Go("move", func() {
				s.SetDeadline(time.Now().Add(time.Hour))
				if s.Err() != nil {
					r.Saw("struck")
					return
				}
				r.Saw("moved away")
				r.Check(func() { wantOpenRun(r, s) })
			})
			r.Go("again", func() { s.SetTimeout(time.Minute) })
			r.Clock(time.Second)
			r.Check(func() {
				if s.Err() != nil {
					wantEndedRun(r, "the scope below", below)
				}
			})
			r.Cleanup(s.Close)
		}, "moved away", "struck")
	})

	for _, test := range []struct {
		name, outcome string
		other         func(s *cancel.Scope)
	}{
		{"C5/a deadline against Cancel", "Cancel came first", func(s *cancel.Scope) { s.Cancel(errA) }},
		{"C5/a deadline against Close", "Close came first", (*cancel.Scope).Close},
	} {
		t.Run(test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				up := cancel.New(background)
				s := cancel.New(up, cancel.Timeout(time.Second))
				below := cancel.New(s)
				below.Done()
				r.Go("other", func() {
					test.other(s)
					wantEndedRun(r, "the scope below", below)
				})
				r.Go("past", func() {
					s.SetTimeout(-1)
					wantEndedRun(r, "the scope", s)
				})
				r.Clock(time.Second)
				r.Check(func() {
					wantEndedRun(r, "the scope below", below)
					causeIs(r, s, map[error]string{
						errA:                     "Cancel came first",
						cancel.ErrClosed:         "Close came first",
						context.DeadlineExceeded: "the deadline came first",
					})
					if context.Cause(below) != context.Cause(s) {
						r.Errorf("causes %v and %v, want the same", context.Cause(s), context.Cause(below))
					}
					leaves(r, s, up)
					leaves(r, below, s)
				})
			}, test.outcome, "the deadline came first")
		})
	}

	t.Run("C10/the outer of two deadlines at one instant reports it", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			outer := cancel.New(background, cancel.Timeout(time.Second), cancel.Name("outer"))
			r.Cleanup(outer.Close)
			inner := cancel.New(outer, cancel.Timeout(time.Second), cancel.Name("inner"))
			inner.Done()
			r.Clock(time.Second)
			r.Go("move", func() {
				inner.SetTimeout(time.Second)
			})
			r.Check(func() {
				wantEndedRun(r, "the inner scope", inner)
				reason, _ := cancel.ReasonOf(inner)
				r.Saw(reason.Scope)
			})
		}, "outer")
	})

	t.Run("C7/Cancel against raising a shield", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background)
			s := cancel.New(up)
			below := cancel.New(s)
			below.Done()
			r.Go("cancel", func() { up.Cancel(errA) })
			r.Go("raise", func() {
				s.SetShield(true)
				if s.Err() != nil {
					r.Saw("Cancel came first")
					wantEndedRun(r, "the scope below", below)
					return
				}
				r.Saw("the shield came first")
				r.Check(func() {
					wantOpenRun(r, s)
					wantOpenRun(r, below)
					s.SetShield(false)
					wantEndedRun(r, "the scope below, when the shield was lowered", below)
				})
			})
		}, "Cancel came first", "the shield came first")
	})

	t.Run("C7/Err against raising a shield", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background)
			s := cancel.New(up)
			r.Go("raise", func() {
				s.SetShield(true)
				if s.Err() != nil {
					r.Saw("Cancel came first")
					return
				}
				r.Saw("the shield came first")
				r.Check(func() { wantOpenRun(r, s) })
			})
			r.Go("cancel", func() { up.Cancel(errA) })
			r.Go("ask", func() { _ = s.Err() })
		}, "Cancel came first", "the shield came first")
	})

	t.Run("C7/Cancel against lowering a shield", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background)
			s := cancel.New(up, cancel.Shielded())
			below := cancel.New(s)
			below.Done()
			r.Go("cancel", func() { up.Cancel(errA) })
			r.Go("lower", func() {
				s.SetShield(false)
				if s.Err() != nil {
					r.Saw("Cancel came first")
				} else {
					r.Saw("lowered first")
				}
			})
			r.Check(func() {
				wantEndedRun(r, "the scope", s)
				wantEndedRun(r, "the scope below", below)
			})
		}, "Cancel came first", "lowered first")
	})

	t.Run("C7/Err against lowering a shield", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := &counting{Context: background, done: make(chan struct{})}
			s := cancel.New(up, cancel.Shielded())
			below := cancel.New(s)
			below.Done()
			up.end()
			r.Go("ask", func() {
				if s.Err() == nil {
					r.Saw("asked first")
				} else {
					r.Saw("lowered first")
				}
			})
			r.Go("lower", func() {
				s.SetShield(false)
				wantEndedRun(r, "the scope", s)
				wantEndedRun(r, "the scope below", below)
			})
		}, "asked first", "lowered first")
	})
}

// wantOpenRun is like wantOpen, for a scenario.
func wantOpenRun(r *explore.Run, ctx context.Context) {
	if err := ctx.Err(); err != nil || isClosed(ctx.Done()) {
		r.Errorf("Err() = %v, want nil and Done() open", err)
	}
}
