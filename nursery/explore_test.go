//go:build explore

package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/explore"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

// lateGo calls n.Go and reports whether the task was accepted. If not, n.Go must panic.
func lateGo(r *explore.Run, n *nursery.Nursery, task func(ctx context.Context) error, opts ...nursery.TaskOption) (accepted bool) {
	defer func() {
		if v := recover(); v != nil {
			if s, _ := v.(string); !strings.Contains(s, "has ended") {
				r.Errorf("Go: panic(%v), want a panic that says that the nursery has ended", v)
			}
		}
	}()
	n.Go(task, opts...)
	return true
}

// A lateRun is a nursery that goroutines other than its tasks also use.
type lateRun struct {
	r     *explore.Run
	n     *nursery.Nursery
	open  chan struct{} // closed by the body
	crowd kit.Crowd     // the running tasks
	err   error         // the result of Run
}

// task returns a task that counts itself and calls f.
func (l *lateRun) task(f func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		defer l.crowd.Enter()()
		l.r.Point("in the task")
		if f == nil {
			return nil
		}
		return f(ctx)
	}
}

// newLateRun adds a goroutine that runs a nursery to the scenario.
func newLateRun(r *explore.Run, body func(l *lateRun), opts ...nursery.Option) *lateRun {
	l := &lateRun{r: r, open: make(chan struct{})}
	r.Go("run", func() {
		l.err = nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
			l.n = n
			close(l.open)
			r.Point("body")
			body(l)
			return nil
		}, opts...)
		if n := l.crowd.Now(); n != 0 {
			r.Errorf("Run has returned, but %d tasks are running", n)
		}
	})
	return l
}

// late adds a goroutine that uses the nursery once it is open.
func (l *lateRun) late(name string, f func()) {
	l.r.Go(name, func() {
		<-l.open
		l.r.Point("nursery in hand")
		f()
	})
}

// lateGo adds a goroutine that calls Go. An accepted task must run.
func (l *lateRun) lateGo(name string, opts ...nursery.TaskOption) {
	ran, accepted := false, false
	l.late(name, func() {
		accepted = lateGo(l.r, l.n, l.task(func(context.Context) error { ran = true; return nil }), opts...)
	})
	l.r.Check(func() {
		switch {
		case ran != accepted:
			l.r.Errorf("Go: accepted: %t, the task ran: %t", accepted, ran)
		case accepted:
			l.r.Saw("accepted")
		default:
			l.r.Saw("refused")
		}
	})
}

func TestSchedules(t *testing.T) {
	for _, test := range []struct {
		name string
		opts []nursery.Option
	}{
		{"", nil},
		{" with Limit(1)", []nursery.Option{nursery.Limit(1)}},
		{" with Limit(2)", []nursery.Option{nursery.Limit(2)}},
	} {
		t.Run("N7/a late Go"+test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				l := newLateRun(r, func(*lateRun) {}, test.opts...)
				l.lateGo("late")
				r.Check(func() {
					if l.err != nil {
						r.Errorf("Run() = %v, want nil", l.err)
					}
				})
			}, "accepted", "refused")
		})

		t.Run("N7/a late Go when the last task returns"+test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				l := newLateRun(r, func(l *lateRun) { l.n.Go(l.task(nil)) }, test.opts...)
				l.lateGo("late")
				r.Check(func() {
					if l.err != nil {
						r.Errorf("Run() = %v, want nil", l.err)
					}
				})
			}, "accepted", "refused")
		})

		t.Run("N7/a late Go against Cancel"+test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				l := newLateRun(r, func(*lateRun) {}, test.opts...)
				l.lateGo("late")
				l.late("cancel", func() {
					l.n.Cancel(errBoom)
					if l.n.Scope().Err() == nil {
						r.Errorf("Err() = nil after Cancel")
					}
				})
				r.Check(func() {
					if l.err != nil {
						r.Errorf("Run() = %v, want nil because Cancel is not a failure", l.err)
					}
					if errors.Is(context.Cause(l.n.Scope()), errBoom) {
						r.Saw("Cancel came first")
					} else {
						r.Saw("the end came first")
					}
				})
			}, "accepted", "refused", "Cancel came first", "the end came first")
		})

		t.Run("N10/a late Go against the dismissal of a daemon"+test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				l := newLateRun(r, func(l *lateRun) {
					l.n.Go(l.task(func(ctx context.Context) error {
						<-ctx.Done()
						r.Point("dismissed")
						return cancel.Err(ctx)
					}), nursery.Daemon())
				}, test.opts...)
				l.lateGo("late")
				r.Check(func() {
					if l.err != nil {
						r.Errorf("Run() = %v, want nil", l.err)
					}
				})
			}, "accepted", "refused")
		})
	}

	t.Run("N6/a group with an echo from elsewhere, before the nursery is canceled", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(context.Background())
			beside, s := cancel.New(cancel.New(up)), cancel.New(cancel.New(up))
			r.Go("cancel", func() { up.Cancel(errBoom) })
			r.Go("run", func() {
				echo := cancel.Err(beside)
				if echo == nil {
					r.Saw("not canceled yet")
					return
				}
				r.Saw("canceled")
				group := nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { return io.EOF })
					return echo
				}, nursery.KeepGoing())
				err := nursery.Run(s, func(context.Context, *nursery.Nursery) error { return group })
				// The echo of Run's own cancellation replaces the echo in the group.
				want := [][]error{{io.EOF}, {context.Canceled}}
				var got [][]error
				for _, err := range err.(*nursery.GroupError).Unwrap() {
					got = append(got, slices.Collect(nursery.Leaves(err)))
				}
				if !reflect.DeepEqual(got, want) {
					r.Errorf("Run() = %v with leaves %v, want %v", err, got, want)
				}
			})
		}, "not canceled yet", "canceled")
	})

	t.Run("N7/a late daemon", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			l := newLateRun(r, func(l *lateRun) { l.n.Go(l.task(nil)) })
			l.lateGo("late", nursery.Daemon())
		}, "accepted", "refused")
	})

	t.Run("N2/the first of two failures is the cause", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			errs := []error{errors.New("a"), errors.New("b")}
			l := newLateRun(r, func(l *lateRun) {
				for _, err := range errs {
					l.n.Go(l.task(func(context.Context) error { return err }))
				}
			})
			r.Check(func() {
				g, ok := l.err.(*nursery.GroupError)
				if !ok || len(g.Unwrap()) != 2 {
					r.Errorf("Run() = %v, want both errors", l.err)
					return
				}
				if cause := context.Cause(l.n.Scope()); !errors.Is(cause, g.Unwrap()[0]) {
					r.Errorf("Cause() = %v, want the first of %v", cause, g.Unwrap())
				}
				r.Saw(g.Unwrap()[0].Error() + " first")
			})
		}, "a first", "b first")
	})

	t.Run("N2/the first of two panics and a Goexit is the cause", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			var l *lateRun
			panicked := make(chan *nursery.PanicError, 1)
			r.Go("run", func() {
				defer func() {
					p, _ := recover().(*nursery.PanicError)
					panicked <- p
				}()
				_ = nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
					l = &lateRun{r: r, n: n}
					n.Go(l.task(func(context.Context) error { panic("a") }))
					n.Go(l.task(func(context.Context) error { panic("b") }))
					n.Go(l.task(func(context.Context) error { runtime.Goexit(); return nil }))
					return nil
				})
			})
			r.Check(func() {
				p := <-panicked
				if p == nil {
					r.Errorf("Run did not panic")
					return
				}
				// Run panics with the first panic, whatever else happens.
				cause := context.Cause(l.n.Scope())
				first, _ := errors.AsType[*nursery.PanicError](cause)
				switch {
				case errors.Is(cause, nursery.ErrGoexit):
					r.Saw("Goexit first")
				case first == nil || first.Value != p.Value:
					r.Errorf("Cause() = %v, panic(%v), want the same panic", cause, p.Value)
				default:
					r.Saw(fmt.Sprint(p.Value, " first"))
				}
			})
		}, "a first", "b first", "Goexit first")
	})

	t.Run("N11/Limit", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			const limit = 2
			var begun []string
			l := newLateRun(r, func(l *lateRun) {
				for _, name := range []string{"a", "b", "c"} {
					l.n.Go(l.task(func(context.Context) error {
						begun = append(begun, name)
						return nil
					}))
				}
			}, nursery.Limit(limit))
			r.Check(func() {
				if len(begun) != 3 || l.err != nil {
					r.Errorf("tasks %v ran, want 3; Run() = %v", begun, l.err)
				}
				if most := l.crowd.Most(); most > limit {
					r.Errorf("%d tasks ran at a time, want at most %d", most, limit)
				} else if most == 2 {
					r.Saw("two at a time")
				} else {
					r.Saw("one at a time")
				}
				if stats := l.n.Stats(); stats.Running != 0 || stats.Queued != 0 || stats.Finished != 3 {
					r.Errorf("Stats() = %+v, want 3 finished", stats)
				}
			})
		}, "one at a time", "two at a time")
	})

	// Release passes over a call with a context that a foreign context above has ended. The
	// shield may go up before the call asks for the error of its context, which has none then.
	t.Run("N21/Acquire against Release, the end of its context and a shield", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := kit.NewForeign(context.Background())
			s := cancel.New(up)
			l := nursery.NewLimiter(1)
			l.TryAcquire()
			var err error
			r.Go("acquire", func() { err = l.Acquire(s) })
			r.Go("shield", func() { s.SetShield(true) })
			r.Go("release", func() { l.Release() })
			r.Go("end", up.End)
			r.Check(func() {
				switch held, end := l.Stats().Borrowed, cancel.Err(s); {
				case err == nil && held == 1:
					r.Saw("a token")
				case err != nil && held == 0 && end != nil:
					r.Saw("canceled")
				default:
					r.Errorf("Acquire() = %v, %d tokens are out, the context ended by %v", err, held, end)
				}
			})
		}, "a token", "canceled")
	})

	t.Run("N1/a task starts another one as it returns", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			var ran []string
			l := newLateRun(r, func(l *lateRun) {
				l.n.Go(l.task(func(context.Context) error {
					ran = append(ran, "first")
					l.n.Go(l.task(func(context.Context) error {
						ran = append(ran, "second")
						return nil
					}))
					return nil
				}))
			})
			r.Check(func() {
				if l.err != nil || !slices.Equal(ran, []string{"first", "second"}) {
					r.Errorf("tasks %v ran, Run() = %v", ran, l.err)
				}
			})
		})
	})

	// A worker has failed second, and the first has not canceled the scope yet.
	t.Run("N11/For when all calls fail", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			var begun atomic.Int32
			r.Go("for", func() {
				err := nursery.For(context.Background(), 3, func(context.Context, int) error {
					begun.Add(1)
					r.Point("call")
					return errBoom
				}, nursery.Limit(2))
				if failed := len(err.(*nursery.GroupError).Unwrap()); failed != int(begun.Load()) {
					r.Errorf("For() = %v after %d calls, want as many failures", err, begun.Load())
				}
			})
			r.Check(func() {
				if n := begun.Load(); n > 2 {
					r.Errorf("%d calls have begun, want one of each worker at most", n)
				}
			})
		})
	})

	// A worker is about to take an item when the scope ends. The goroutine that waits for
	// room must be woken.
	t.Run("N11/Each against Cancel", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			ctx := cancel.New(context.Background())
			calls := 0
			r.Go("each", func() {
				err := nursery.Each(ctx, ints(2), func(context.Context, int) error { calls++; return nil }, nursery.Limit(1))
				switch {
				case err == nil && calls == 2:
					r.Saw("all was done")
				case errors.Is(err, context.Canceled):
					r.Saw(fmt.Sprint("canceled after ", calls))
				default:
					r.Errorf("%v after %d calls, want nil after 2, or the cancellation", err, calls)
				}
			})
			r.Go("cancel", func() { ctx.Cancel(nil) })
		}, "all was done", "canceled after 0", "canceled after 1", "canceled after 2")
	})
}
