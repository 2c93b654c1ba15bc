//go:build explore

package cancel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/test/explore"
)

func TestSchedulesDone(t *testing.T) {
	background := context.Background()
	errA := errors.New("a")

	for _, test := range []struct {
		name   string
		values bool
	}{
		{"C4/Cancel against Done and a standard context", false},
		{"C4/Cancel against Done and a standard context below values", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				s := cancel.New(background)
				var parent context.Context = s
				if test.values {
					parent = context.WithValue(s, key(1), 1)
				}
				var std context.Context
				r.Go("cancel", func() {
					s.Cancel(errA)
					wantEndedRun(r, "the scope", s)
				})
				r.Go("derive", func() {
					ctx, stop := context.WithTimeout(parent, time.Hour)
					r.Cleanup(stop)
					std = ctx
					if s.Err() != nil {
						r.Saw("Cancel came first")
						wantEndedRun(r, "the standard context", std)
					} else {
						r.Saw("derived first")
					}
				})
				r.Go("done", func() {
					if isClosed(s.Done()) && s.Err() == nil {
						r.Errorf("Done() is closed, Err() = nil")
					}
				})
				r.Check(func() {
					wantEndedRun(r, "the standard context", std)
					if context.Cause(std) != errA {
						r.Errorf("Cause() = %v, want a", context.Cause(std))
					}
				})
			}, "Cancel came first", "derived first")
		})
	}

	t.Run("C4/Done and bare.Done against Cancel", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := cancel.New(background)
			check := func(name string, done <-chan struct{}) {
				if isClosed(done) {
					r.Saw(name + " after Cancel")
					if s.Err() == nil {
						r.Errorf("%s is closed, Err() = nil", name)
					}
				} else {
					r.Saw(name + " before Cancel")
				}
				r.Check(func() {
					if !isClosed(done) {
						r.Errorf("%s is open", name)
					}
				})
			}
			r.Go("cancel", func() { s.Cancel(errA) })
			r.Go("done", func() { check("Done", s.Done()) })
			r.Go("bare", func() { check("bare.Done", bare.Done(s)) })
		}, "Done before Cancel", "Done after Cancel", "bare.Done before Cancel", "bare.Done after Cancel")
	})

	t.Run("C4/a goroutine that waits for bare.Done", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := cancel.New(background)
			r.Go("wait", func() {
				done := bare.Done(s)
				r.Point("waiting")
				<-done
				r.Point("woken")
				wantEndedRun(r, "the scope", s)
				r.Saw("woken")
			})
			r.Go("cancel", func() { s.Cancel(errA) })
			r.Go("done", func() { s.Done() })
		}, "woken")
	})

	// A goroutine that learns of the end of a scope finds everything below ended.
	for _, test := range []struct {
		name string
		wait func(r *explore.Run, up *cancel.Scope, woken func())
	}{
		{"by Done", func(r *explore.Run, up *cancel.Scope, woken func()) {
			done := up.Done()
			r.Point("waiting")
			<-done
			r.Point("woken")
			woken()
		}},
		{"by bare.Done", func(r *explore.Run, up *cancel.Scope, woken func()) {
			done := bare.Done(up)
			r.Point("waiting")
			<-done
			r.Point("woken")
			woken()
		}},
		{"by a standard context", func(r *explore.Run, up *cancel.Scope, woken func()) {
			ctx, stop := context.WithCancel(up)
			r.Cleanup(stop)
			r.Point("waiting")
			<-ctx.Done()
			r.Point("woken")
			woken()
		}},
		{"by AfterFunc", func(r *explore.Run, up *cancel.Scope, woken func()) {
			context.AfterFunc(up, func() {
				r.Point("called")
				woken()
			})
		}},
		{"by OnDone", func(r *explore.Run, up *cancel.Scope, woken func()) {
			up.OnDone(func() {
				r.Point("called")
				woken()
			})
		}},
		{"by Err", func(r *explore.Run, up *cancel.Scope, woken func()) {
			if up.Err() == nil {
				<-up.Done() // covered above
				r.Point("woken")
			}
			woken()
		}},
	} {
		t.Run("C4/a scope below has ended when a goroutine learns of the end "+test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				up := cancel.New(background)
				s := cancel.New(up)
				leaf := cancel.New(s)
				leaf.Done()
				woken := 0
				r.Go("wait", func() {
					test.wait(r, up, func() {
						wantEndedRun(r, "the scope", s)
						wantEndedRun(r, "the scope below that", leaf)
						woken++
					})
				})
				r.Go("cancel", func() { up.Cancel(errA) })
				r.Go("cancel in between", func() { s.Cancel(errA) })
				r.Check(func() {
					if woken != 1 {
						r.Errorf("woken %d times, want 1", woken)
					}
					r.Saw("woken")
				})
			}, "woken")
		})
	}

	for name, of := range map[string]func(ctx context.Context) error{"an echo": cancel.Err, "the cause": context.Cause} {
		t.Run("C9/"+name+" from another branch that ended before", func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				up := cancel.New(background)
				s := cancel.New(cancel.New(up))
				beside := cancel.New(cancel.New(up))
				r.Go("cancel", func() { up.Cancel(errA) })
				for name, scopes := range map[string][2]*cancel.Scope{"a": {s, beside}, "b": {beside, s}} {
					r.Go(name, func() {
						err := of(scopes[0])
						if err == nil {
							r.Saw("not ended yet")
							return
						}
						r.Saw("ended")
						if !scopes[1].IsEcho(err) {
							r.Errorf("IsEcho() = false, want true")
						}
					})
				}
			}, "not ended yet", "ended")
		})
	}

	t.Run("C1/Done is always the same", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background)
			ctx, stop := context.WithCancel(up)
			s := cancel.New(ctx)
			var done [2]<-chan struct{}
			for i, name := range []string{"a", "b"} {
				r.Go(name, func() {
					done[i] = s.Done()
					if again := s.Done(); again != done[i] {
						r.Errorf("a second call of Done() returns another channel")
					}
				})
			}
			r.Go("cancel", func() {
				up.Cancel(errA)
				wantEndedRun(r, "the scope", s)
			})
			r.Check(func() {
				stop()
				if done[0] != done[1] {
					r.Errorf("Done() returned different channels")
				}
				r.Saw("the same")
				wantNoHubs(r)
			})
		}, "the same")
	})
}

func TestSchedulesOthers(t *testing.T) {
	background := context.Background()
	errA, errB := errors.New("a"), errors.New("b")

	t.Run("C9/IsEcho with EchoIf against Cancel", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background, cancel.EchoIf(func(err error) bool { return err == errB }))
			s := cancel.New(up)
			r.Go("cancel", func() { up.Cancel(errA) })
			r.Go("echo", func() {
				was := s.Err() != nil
				switch is := s.IsEcho(errB); {
				case is:
					r.Saw("an echo")
				case was:
					r.Errorf("IsEcho() = false after the scope had ended")
				default:
					r.Saw("not an echo")
				}
			})
			r.Check(func() {
				if !s.IsEcho(errB) || !s.IsEcho(errA) || s.IsEcho(errors.New("c")) {
					r.Errorf("IsEcho() is wrong at the end")
				}
			})
		}, "an echo", "not an echo")
	})

	t.Run("C9/IsEcho at a deadline that moves", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := cancel.New(background, cancel.Timeout(time.Second))
			r.Cleanup(s.Close)
			r.Clock(time.Second)
			r.Go("move", func() { s.SetTimeout(time.Hour) })
			r.Go("echo", func() {
				is := s.IsEcho(context.DeadlineExceeded)
				if is && s.Err() == nil {
					r.Errorf("IsEcho() = true, Err() = nil")
				}
				if is {
					r.Saw("an echo")
				} else {
					r.Saw("not an echo")
				}
			})
		}, "an echo", "not an echo")
	})

	t.Run("C5/CancelAs against Cancel", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			other := cancel.New(background, cancel.Name("other"))
			other.Cancel(errA)
			err := cancel.Err(other).(*cancel.Error)
			s := cancel.New(background)
			below := cancel.New(s)
			below.Done()
			r.Go("as", func() {
				s.CancelAs(err)
				wantEndedRun(r, "the scope below", below)
			})
			r.Go("cancel", func() {
				s.Cancel(errB)
				wantEndedRun(r, "the scope below", below)
			})
			r.Check(func() {
				causeIs(r, below, map[error]string{errA: "CancelAs first", errB: "Cancel first"})
				if first := context.Cause(s) == errA; s.IsEcho(err) != first || (cancel.Err(below) == error(err)) != first {
					r.Errorf("IsEcho() = %v, want %v", !first, first)
				}
			})
		}, "CancelAs first", "Cancel first")
	})

	for _, test := range []struct {
		name string
		make func() (ctx context.Context, end func())
	}{
		{"C4/Follow a scope that is canceled", func() (context.Context, func()) {
			p := cancel.New(background)
			return p, func() { p.Cancel(errA) }
		}},
		{"C4/Follow a standard context that is canceled", func() (context.Context, func()) {
			ctx, stop := context.WithCancelCause(background)
			return ctx, func() { stop(errA) }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				ctx, end := test.make()
				s := cancel.New(background)
				below := cancel.New(s)
				below.Done()
				r.Go("end", end)
				r.Go("follow", func() {
					done := ctx.Err() != nil
					stop := s.Follow(ctx)
					if done {
						wantEndedRun(r, "the scope, when Follow has returned,", s)
					}
					if s.Err() != nil {
						r.Saw("the end came first")
					} else {
						r.Saw("Follow came first")
					}
					if stop() {
						r.Saw("stopped in time")
						if s.Err() != nil {
							r.Errorf("stop() = true, and the scope has ended")
						}
						s.Cancel(errB)
					}
				})
				r.Check(func() {
					wantEndedRun(r, "the scope below", below)
					if s.Err() == nil {
						r.Errorf("Err() = nil")
					}
					s.Close()
				})
			}, "Follow came first", "the end came first", "stopped in time")
		})
	}

	t.Run("C13/two scopes that follow each other", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			a, b := cancel.New(background), cancel.New(background)
			below := cancel.New(b)
			a.Follow(b)
			b.Follow(a)
			r.Go("a", func() {
				a.Cancel(errA)
				wantEndedRun(r, "a", a)
			})
			r.Go("b", func() {
				b.Cancel(errB)
				wantEndedRun(r, "b", b)
				wantEndedRun(r, "below b", below)
			})
			r.Check(func() {
				wantEndedRun(r, "a", a)
				wantEndedRun(r, "b", b)
				switch ca, cb := context.Cause(a), context.Cause(b); {
				case ca == errA && cb == errA:
					r.Saw("a first")
				case ca == errB && cb == errB:
					r.Saw("b first")
				case ca == errA && cb == errB:
					r.Saw("each by itself")
				default:
					r.Errorf("causes %v and %v", ca, cb)
				}
			})
		}, "a first", "b first", "each by itself")
	})

	t.Run("C12/Shutdown against Close", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background)
			s := cancel.New(up)
			l := cancel.UntilStop(s)
			r.Go("shutdown", func() {
				s.Shutdown(time.Second)
				wantEndedRun(r, "the result of UntilStop", l)
			})
			r.Go("close", s.Close)
			r.Clock(time.Second)
			r.Check(func() {
				causeIs(r, l, map[error]string{cancel.ErrStopping: "stopped", cancel.ErrClosed: "closed", cancel.ErrGraceExpired: "the grace was over first"})
				causeIs(r, s, map[error]string{cancel.ErrGraceExpired: "the grace expired", cancel.ErrClosed: "Close came first"})
				wantKids(r, "the scope above", up, 0)
			})
		}, "stopped", "closed", "the grace was over first", "the grace expired", "Close came first")
	})
}
