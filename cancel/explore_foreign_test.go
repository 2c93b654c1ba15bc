//go:build explore

package cancel_test

import (
	"context"
	"errors"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/explore"
)

// wantNoHubs fails the scenario if a shared registration is left.
func wantNoHubs(r *explore.Run) {
	if n := cancel.Hubs(); n != 0 {
		r.Errorf("%d shared registrations are left, want 0", n)
	}
}

func TestSchedulesForeign(t *testing.T) {
	background := context.Background()

	// The walk of Cancel may already have passed when the scope is added to the list.
	t.Run("C4/New below a standard context against Cancel above", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			cancel.New(root).Done()
			std, stop := context.WithCancel(root)
			r.Check(func() { stop() })
			var leaf *cancel.Scope
			both := 0
			check := func() {
				if both++; both == 2 {
					wantEndedRun(r, "the leaf", leaf)
				}
			}
			r.Go("cancel", func() {
				root.Cancel(nil)
				check()
			})
			r.Go("new", func() {
				if root.Err() == nil {
					r.Saw("New came first")
				} else {
					r.Saw("Cancel came first")
				}
				s := cancel.New(std)
				s.Done()
				leaf = cancel.New(s)
				check()
			})
		}, "New came first", "Cancel came first")
	})
	errA, errB := errors.New("a"), errors.New("b")

	// kinds are the kinds of foreign contexts, below a scope or not, and how each ends.
	kinds := []struct {
		name   string
		shared bool // scopes below it share a registration
		make   func(parent context.Context) (ctx context.Context, end func())
	}{
		{"a standard context", true, func(parent context.Context) (context.Context, func()) {
			ctx, stop := context.WithCancelCause(parent)
			return ctx, func() { stop(errA) }
		}},
		{"a context of a foreign type", false, func(parent context.Context) (context.Context, func()) {
			c := &custom{parent: parent, done: make(chan struct{})}
			return c, func() { c.end(context.Canceled) }
		}},
	}
	for _, kind := range kinds {
		t.Run("C4/registration against the end of "+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				ctx, end := kind.make(background)
				s := cancel.New(ctx)
				below := cancel.New(s)
				r.Go("end", end)
				r.Go("done", func() {
					if isClosed(below.Done()) {
						r.Saw("the end came first")
						if below.Err() == nil {
							r.Errorf("Done() is closed, Err() = nil")
						}
					} else {
						r.Saw("Done came first")
					}
				})
				r.Go("err", func() {
					if s.Err() != nil && below.Err() == nil {
						r.Errorf("Err() = nil below, want an error as above")
					}
				})
				r.Check(func() {
					wantEndedRun(r, "the scope below", below)
					if context.Cause(below) != context.Cause(ctx) {
						r.Errorf("Cause() = %v, want %v", context.Cause(below), context.Cause(ctx))
					}
					wantNoHubs(r)
				})
			}, "Done came first", "the end came first")
		})

		t.Run("C8/registration against Close below "+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				ctx, end := kind.make(background)
				s := cancel.New(ctx)
				below := cancel.New(s)
				r.Cleanup(end)
				r.Go("close", s.Close)
				for _, test := range []struct {
					name string
					s    *cancel.Scope
				}{{"above", s}, {"below", below}} {
					r.Go(test.name, func() {
						if isClosed(test.s.Done()) {
							r.Saw(test.name + ": Close came first")
						} else {
							r.Saw(test.name + ": Done came first")
						}
					})
				}
				r.Check(func() {
					wantEndedRun(r, "the scope", s)
					wantEndedRun(r, "the scope below", below)
					wantKids(r, "the scope", s, 0)
					wantNoHubs(r)
				})
			}, "above: Done came first", "above: Close came first", "below: Done came first", "below: Close came first")
		})

		t.Run("C4/two scopes register with "+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				ctx, end := kind.make(background)
				var scopes []*cancel.Scope
				for _, name := range []string{"a", "b"} {
					s := cancel.New(context.WithValue(ctx, key(1), name), cancel.Name(name))
					scopes = append(scopes, s)
					r.Go(name, func() {
						if isClosed(s.Done()) {
							r.Saw(name + ": the end came first")
						} else {
							r.Saw(name + ": Done came first")
						}
					})
				}
				r.Go("end", end)
				r.Check(func() {
					for _, s := range scopes {
						wantEndedRun(r, s.Name(), s)
						if context.Cause(s) != context.Cause(ctx) {
							r.Errorf("Cause() = %v, want %v", context.Cause(s), context.Cause(ctx))
						}
					}
					wantNoHubs(r)
				})
			}, "a: Done came first", "a: the end came first", "b: Done came first", "b: the end came first")
		})

		t.Run("C8/the last one leaves while another joins, below "+kind.name, func(t *testing.T) {
			if !kind.shared {
				return // each scope has its own registration
			}
			explore.All(t, func(r *explore.Run) {
				ctx, end := kind.make(background)
				r.Cleanup(end)
				a, b := cancel.New(ctx), cancel.New(ctx)
				a.Done()
				r.Go("leave", a.Close)
				r.Go("join", func() {
					if cancel.Hubs() == 0 {
						r.Saw("left first")
					} else {
						r.Saw("joined first")
					}
					b.Done()
				})
				r.Check(func() {
					if n := cancel.Hubs(); n != 1 {
						r.Errorf("%d registrations, want 1", n)
					}
					wantOpenRun(r, b)
					b.Close()
					wantNoHubs(r)
				})
			}, "left first", "joined first")
		})

		t.Run("C8/the last one leaves, another joins, at the end of "+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				ctx, end := kind.make(background)
				a, b := cancel.New(ctx), cancel.New(ctx)
				a.Done()
				r.Go("leave", func() { a.Cancel(errB) })
				r.Go("join", func() { b.Done() })
				r.Go("end", end)
				r.Check(func() {
					wantEndedRun(r, "the scope that leaves", a)
					wantEndedRun(r, "the scope that joins", b)
					if context.Cause(b) != context.Cause(ctx) {
						r.Errorf("Cause() = %v, want %v", context.Cause(b), context.Cause(ctx))
					}
					causeIs(r, a, map[error]string{context.Cause(ctx): "the end came first", errB: "Cancel came first"})
					wantNoHubs(r)
				})
			}, "the end came first", "Cancel came first")
		})

		t.Run("C7/a shield against the end of "+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				ctx, end := kind.make(background)
				s := cancel.New(ctx, cancel.Shielded())
				below := cancel.New(s)
				below.Done()
				r.Go("end", end)
				r.Go("lower", func() {
					wantOpenRun(r, below)
					over := isClosed(ctx.Done())
					s.SetShield(false)
					if !over {
						r.Saw("lowered first")
						return
					}
					r.Saw("the end came first")
					wantEndedRun(r, "the scope", s)
					wantEndedRun(r, "the scope below", below)
				})
				r.Check(func() {
					wantEndedRun(r, "the scope", s)
					wantEndedRun(r, "the scope below", below)
					wantNoHubs(r)
				})
			}, "lowered first", "the end came first")
		})

		t.Run("C4/Cancel above a scope below "+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				up := cancel.New(background)
				ctx, end := kind.make(up)
				s := cancel.New(ctx)
				leaf := cancel.New(s)
				leaf.Done()
				r.Cleanup(end)
				r.Go("end", end)
				r.Go("cancel", func() {
					up.Cancel(errB)
					if ctx.Err() != nil { // at once for a standard context
						wantEndedRun(r, "the scope", s)
						wantEndedRun(r, "the leaf", leaf)
					}
				})
				r.Go("err", func() { _ = leaf.Err() })
				r.Check(func() {
					wantEndedRun(r, "the leaf", leaf)
					want := context.Cause(s)
					if context.Cause(leaf) != want {
						r.Errorf("causes %v and %v, want the same", context.Cause(leaf), want)
					}
					if want == errB {
						r.Saw("Cancel came first")
					} else {
						r.Saw("the end came first")
					}
					wantKids(r, "the scope above", up, 0)
					wantKids(r, "the scope", s, 0)
					wantNoHubs(r)
				})
			}, "Cancel came first", "the end came first")
		})
	}

	// A context with a method AfterFunc announces its end by a callback. Its Done channel
	// may stay open.
	for name, closes := range map[string]bool{"that closes Done": true, "that leaves Done open": false} {
		t.Run("C5/Cancel against the callback of a parent "+name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := newCalling(background)
				s := cancel.New(p)
				below := cancel.New(s)
				below.Done()
				r.Go("end", func() { p.end(closes, func() { r.Point("calling back") }) })
				r.Go("cancel", func() {
					s.Cancel(errB)
					wantEndedRun(r, "the scope", s)
					wantEndedRun(r, "the scope below", below)
				})
				r.Go("close", func() {
					below.Close()
					wantEndedRun(r, "the scope below", below)
				})
				r.Check(func() {
					wantEndedRun(r, "the scope", s)
					causeIs(r, s, map[error]string{context.Canceled: "the callback came first", errB: "Cancel came first"})
					if len(p.fs) != 0 {
						r.Errorf("%d registrations are left, want 0", len(p.fs))
					}
					wantKids(r, "the scope", s, 0)
				})
			}, "the callback came first", "Cancel came first")
		})

		t.Run("C8/New and Close against the callback of a parent "+name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := newCalling(background)
				r.Go("end", func() { p.end(closes, func() { r.Point("calling back") }) })
				r.Go("new", func() {
					s := cancel.New(p)
					below := cancel.New(s)
					if s.Err() == nil {
						r.Saw("New came first")
					} else {
						r.Saw("the callback came first")
					}
					below.Done()
					s.Close()
					wantEndedRun(r, "the scope", s)
					wantEndedRun(r, "the scope below", below)
				})
				r.Check(func() {
					if len(p.fs) != 0 {
						r.Errorf("%d registrations are left, want 0", len(p.fs))
					}
				})
			}, "New came first", "the callback came first")
		})

		t.Run("C7/a shield against the callback of a parent "+name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := newCalling(background)
				s := cancel.New(p, cancel.Shielded())
				below := cancel.New(s)
				below.Done()
				r.Go("end", func() { p.end(closes, func() { r.Point("calling back") }) })
				r.Go("lower", func() {
					wantOpenRun(r, below)
					s.SetShield(false)
					if s.Err() == nil {
						r.Saw("lowered first")
						return
					}
					r.Saw("the end came first")
					wantEndedRun(r, "the scope below", below)
				})
				r.Check(func() {
					wantEndedRun(r, "the scope", s)
					wantEndedRun(r, "the scope below", below)
				})
			}, "lowered first", "the end came first")
		})

		t.Run("C4/Cancel above a parent with a callback "+name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				up := cancel.New(background)
				p := newCalling(up)
				up.OnDone(func() { p.end(closes, func() { r.Point("calling back") }) })
				s := cancel.New(p)
				leaf := cancel.New(s)
				leaf.Done()
				r.Go("cancel", func() {
					up.Cancel(errB)
				})
				r.Go("again", func() {
					up.Cancel(errA)
				})
				r.Check(func() {
					wantEndedRun(r, "the scope", s)
					wantEndedRun(r, "the leaf", leaf)
					causeIs(r, leaf, map[error]string{errB: "b first", errA: "a first"})
					wantKids(r, "the scope above", up, 0)
				})
			}, "b first", "a first")
		})
	}

	t.Run("C8/Close of a scope with a hook, the last scope below an ended scope", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			mid := cancel.New(root)
			// These scopes keep mid in the tree when the scope with the hook leaves.
			s, last := cancel.New(mid, cancel.Shielded()), cancel.New(mid, cancel.Shielded())
			s.OnDone(func() { r.Point("in the hook") })
			mid.Cancel(errA)
			r.Go("close", func() {
				s.Close()
				r.Saw("closed")
			})
			r.Go("again", func() { s.Cancel(errB) })
			r.Check(func() {
				wantKids(r, "the scope above", mid, 1)
				last.Close()
				wantKids(r, "the scope above, later,", mid, 0)
				wantKids(r, "the root", root, 0)
			})
		}, "closed")
	})
}
