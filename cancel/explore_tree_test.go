//go:build explore

package cancel_test

import (
	"context"
	"errors"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/explore"
)

// wantKids fails the scenario unless n scopes are listed in s.
func wantKids(r *explore.Run, what string, s *cancel.Scope, n int) {
	if got := cancel.Kids(s); got != n {
		r.Errorf("%d scopes are listed in %s, want %d", got, what, n)
	}
}

// ended returns a chain of n scopes below parent, the outermost canceled. Nothing is
// below them, so all have left the tree.
func ended(parent *cancel.Scope, n int) []*cancel.Scope {
	chain := nest(parent, n)
	chain[0].Cancel(errBoom)
	return chain
}

func TestSchedulesLink(t *testing.T) {
	background := context.Background()

	for _, test := range []struct {
		name  string
		end   func(s *cancel.Scope)
		cause error
	}{
		{"C4/New against Cancel of the scope above", func(s *cancel.Scope) { s.Cancel(errBoom) }, errBoom},
		{"C4/New against Close of the scope above", (*cancel.Scope).Close, cancel.ErrClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				up := cancel.New(background)
				s := cancel.New(up)
				var below, beside *cancel.Scope
				r.Go("end", func() { test.end(s) })
				r.Go("new", func() {
					below = cancel.New(s)
					if below.Err() == nil {
						r.Saw("New came first")
					} else {
						r.Saw("the end came first")
						wantEndedRun(r, "the scope below", below)
					}
				})
				r.Go("beside", func() { beside = cancel.New(s, cancel.Name("beside")) })
				r.Check(func() {
					for _, c := range []*cancel.Scope{below, beside} {
						wantEndedRun(r, "the scope below", c)
						if !errors.Is(context.Cause(c), test.cause) {
							r.Errorf("Cause() = %v below, want %v", context.Cause(c), test.cause)
						}
						wantKids(r, "the scope below", c, 0)
					}
					wantKids(r, "the scope that ended", s, 0)
					wantKids(r, "the scope above", up, 0)
				})
			}, "New came first", "the end came first")
		})
	}

	t.Run("C4/New and Cancel of the new scope against Cancel above", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			up := cancel.New(background)
			s := cancel.New(up)
			errA, errB := errors.New("a"), errors.New("b")
			r.Go("above", func() { s.Cancel(errA) })
			r.Go("new", func() {
				below := cancel.New(s)
				leaf := cancel.New(below)
				below.Cancel(errB)
				wantEndedRun(r, "the scope below", below)
				wantEndedRun(r, "the scope below that", leaf)
				r.Check(func() {
					causeIs(r, below, map[error]string{errA: "Cancel above came first", errB: "Cancel below came first"})
					if context.Cause(leaf) != context.Cause(below) {
						r.Errorf("causes %v and %v, want the same", context.Cause(leaf), context.Cause(below))
					}
				})
			})
			r.Check(func() {
				wantKids(r, "the scope that ended", s, 0)
				wantKids(r, "the scope above", up, 0)
			})
		}, "Cancel above came first", "Cancel below came first")
	})

	t.Run("C12/New of a shielded scope below a scope that is leaving the tree", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			up := cancel.New(root)
			mid := cancel.New(up)
			last := cancel.New(mid, cancel.Shielded())
			up.Cancel(errBoom)
			wantKids(r, "the root, before,", root, 1)
			r.Go("close", last.Close)
			r.Go("new", func() {
				if cancel.Kids(root) == 0 {
					r.Saw("the scopes above had left")
				} else if cancel.Kids(up) == 0 {
					r.Saw("one had left")
				} else {
					r.Saw("none had left")
				}
				s := cancel.New(mid, cancel.Shielded())
				wantOpenRun(r, s)
				wantKids(r, "the scope above that", up, 1)
				wantKids(r, "the root", root, 1)
				r.Check(func() {
					wantKids(r, "the scope above", mid, 1)
					wantKids(r, "the scope above that", up, 1)
					wantKids(r, "the root", root, 1)
					l := cancel.UntilStop(s)
					root.Stop()
					if context.Cause(l) != cancel.ErrStopping {
						r.Errorf("Cause() = %v, want %v", context.Cause(l), cancel.ErrStopping)
					}
					s.Close()
					wantKids(r, "the scope above, later,", mid, 0)
					wantKids(r, "the scope above that, later,", up, 0)
					wantKids(r, "the root, later,", root, 0)
				})
			})
		}, "the scopes above had left", "one had left", "none had left")
	})

	t.Run("C12/two scopes return their ancestors to the tree", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			chain := ended(root, 3)
			leaf := chain[2]
			wantKids(r, "the root, before,", root, 0)
			var listening []context.Context
			var scopes []*cancel.Scope
			for _, name := range []string{"a", "b"} {
				r.Go(name, func() {
					if cancel.Kids(leaf) == 0 {
						r.Saw(name + " finds no other")
					} else {
						r.Saw(name + " finds the other")
					}
					s := cancel.New(leaf, cancel.Shielded())
					scopes = append(scopes, s)
					listening = append(listening, cancel.UntilStop(s))
				})
			}
			r.Check(func() {
				wantKids(r, "the root", root, 1)
				wantKids(r, "the first in the chain", chain[0], 1)
				wantKids(r, "the second", chain[1], 1)
				wantKids(r, "the last", leaf, 2)
				root.Stop()
				for i, l := range listening {
					if context.Cause(l) != cancel.ErrStopping {
						r.Errorf("Cause() = %v, want %v", context.Cause(l), cancel.ErrStopping)
					}
					wantKids(r, "the root, still,", root, 1)
					scopes[i].Close()
				}
				for _, s := range append(chain, root) {
					wantKids(r, "a scope above, later,", s, 0)
				}
			})
		}, "a finds no other", "a finds the other", "b finds no other", "b finds the other")
	})

	t.Run("C12/New while a scope that returned the same ancestors to the tree is closed", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			chain := ended(root, 2)
			leaf := chain[1]
			var s *cancel.Scope
			r.Go("new-and-close", func() {
				cancel.New(leaf, cancel.Shielded()).Close()
				if cancel.Kids(root) == 0 {
					r.Saw("closed first")
				}
			})
			r.Go("new", func() {
				s = cancel.New(leaf, cancel.Shielded())
				if cancel.Kids(leaf) == 2 {
					r.Saw("both at once")
				}
			})
			r.Check(func() {
				wantKids(r, "the root", root, 1)
				wantKids(r, "the first in the chain", chain[0], 1)
				wantKids(r, "the last", leaf, 1)
				s.Close()
				wantKids(r, "the root, later,", root, 0)
				wantKids(r, "the first in the chain, later,", chain[0], 0)
				wantKids(r, "the last, later,", leaf, 0)
			})
		}, "closed first", "both at once")
	})

	// An enclosing scope is canceled while a scope below it is listed again.
	t.Run("C4/Cancel of a scope while a scope below it returns to the tree", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			up := cancel.New(root)
			leaf := ended(up, 2)[1]
			r.Go("cancel", func() { up.Cancel(nil) })
			r.Go("new", func() {
				s := cancel.New(leaf, cancel.Shielded())
				if up.Err() == nil {
					r.Saw("New came first")
				} else {
					r.Saw("Cancel came first")
				}
				wantOpenRun(r, s)
				wantKids(r, "the scope above", leaf, 1)
				r.Check(func() {
					wantKids(r, "the root", root, 1)
					wantKids(r, "the scope canceled", up, 1)
					l := cancel.UntilStop(s)
					root.Stop()
					if l.Err() == nil {
						r.Errorf("Err() = nil after Stop, want it canceled")
					}
					s.SetShield(false)
					wantEndedRun(r, "the scope, when the shield was lowered,", s)
					wantKids(r, "the scope canceled, later,", up, 0)
					wantKids(r, "the root, later,", root, 0)
				})
			})
		}, "New came first", "Cancel came first")
	})

	t.Run("C12/Stop while a scope returns to the tree", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			leaf := ended(root, 2)[1]
			r.Go("stop", root.Stop)
			r.Go("new", func() {
				s := cancel.New(leaf, cancel.Shielded())
				l := cancel.UntilStop(s)
				if l.Err() == nil {
					r.Saw("listened first")
				} else {
					r.Saw("Stop came first")
				}
				r.Check(func() {
					if l.Err() == nil || context.Cause(l) != cancel.ErrStopping {
						r.Errorf("Cause() = %v, want %v", context.Cause(l), cancel.ErrStopping)
					}
					wantOpenRun(r, s)
					s.Close()
					wantKids(r, "the root", root, 0)
				})
			})
		}, "listened first", "Stop came first")
	})
}

func TestSchedulesListen(t *testing.T) {
	background := context.Background()
	for _, test := range []struct {
		name  string
		other func(s *cancel.Scope)
		cause map[error]string
	}{
		{"C12/UntilStop against Stop", (*cancel.Scope).Stop, map[error]string{cancel.ErrStopping: "stopping"}},
		{"C12/UntilStop against Close", (*cancel.Scope).Close, map[error]string{cancel.ErrClosed: "closed"}},
		{"C12/UntilStop against Cancel", func(s *cancel.Scope) { s.Cancel(errBoom) }, map[error]string{errBoom: "canceled"}},
		{"C12/UntilStop against Stop and Close", func(s *cancel.Scope) { s.Stop(); s.Close() },
			map[error]string{cancel.ErrStopping: "stopping", cancel.ErrClosed: "closed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			outcomes := []string{"listened first", "the other came first"}
			for _, name := range test.cause {
				outcomes = append(outcomes, name)
			}
			explore.All(t, func(r *explore.Run) {
				root := cancel.New(background)
				s := cancel.New(root)
				shielded := cancel.New(s, cancel.Shielded())
				var l, below context.Context
				r.Go("other", func() { test.other(s) })
				r.Go("listen", func() {
					l = cancel.UntilStop(s)
					if l.Err() == nil {
						r.Saw("listened first")
					} else {
						r.Saw("the other came first")
					}
				})
				r.Go("listen-below", func() { below = cancel.UntilStop(shielded) })
				r.Check(func() {
					wantEndedRun(r, "the result of UntilStop", l)
					causeIs(r, l, test.cause)
					wantOpenRun(r, shielded)
					if test.cause[cancel.ErrStopping] == "" {
						wantOpenRun(r, below)
					} else if context.Cause(below) != cancel.ErrStopping {
						r.Errorf("Cause() = %v further down, want %v", context.Cause(below), cancel.ErrStopping)
					}
					shielded.Close()
					s.Close()
					wantKids(r, "the scope", s, 0)
					wantKids(r, "the root", root, 0)
				})
			}, outcomes...)
		})
	}

	for _, test := range []struct {
		name  string
		below func(s *cancel.Scope) context.Context
	}{
		{"C12/two listeners of the same scope", func(s *cancel.Scope) context.Context { return s }},
		{"C12/two listeners of the same standard context", func(s *cancel.Scope) context.Context {
			ctx, stop := context.WithCancel(s)
			_ = stop // s ends it
			return ctx
		}},
		{"C12/two listeners of the same context without cancel", func(s *cancel.Scope) context.Context {
			return context.WithoutCancel(s)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				root := cancel.New(background)
				s := cancel.New(root)
				ctx := test.below(s)
				listening := make(map[string]context.Context)
				for _, name := range []string{"a", "b"} {
					r.Go(name, func() {
						l := cancel.UntilStop(ctx)
						listening[name] = l
						if l.Err() == nil {
							r.Saw(name + " is stopped")
						} else {
							r.Saw(name + " comes too late")
						}
					})
				}
				r.Go("stop", root.Stop)
				r.Check(func() {
					for name, l := range listening {
						wantEndedRun(r, name, l)
						if context.Cause(l) != cancel.ErrStopping {
							r.Errorf("Cause() = %v, want %v", context.Cause(l), cancel.ErrStopping)
						}
					}
					wantKids(r, "the scope", s, 0)
					wantOpenRun(r, s)
					leaves(r, s, root)
				})
			}, "a is stopped", "b is stopped", "a comes too late", "b comes too late")
		})
	}

	t.Run("C12/two listeners share a registration", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := cancel.New(background)
			listening := make(map[string]context.Context)
			for _, name := range []string{"a", "b"} {
				r.Go(name, func() {
					if cancel.Kids(s) == 0 {
						r.Saw(name + " finds none")
					} else {
						r.Saw(name + " finds one")
					}
					listening[name] = cancel.UntilStop(s)
				})
			}
			r.Check(func() {
				if listening["a"] != listening["b"] {
					r.Errorf("2 registrations, want 1")
				}
				wantKids(r, "the scope", s, 1)
				leaves(r, s, s)
			})
		}, "a finds none", "b finds none", "a finds one", "b finds one")
	})

	t.Run("C12/UntilStop of a context without cancel against Close", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			s := cancel.New(root)
			ctx := context.WithoutCancel(s)
			r.Go("close", s.Close)
			for _, name := range []string{"a", "b"} {
				r.Go(name, func() {
					l := cancel.UntilStop(ctx)
					if l.Err() != nil {
						r.Errorf("Err() = %v, want nil because only a stop cancels it", l.Err())
					}
				})
			}
			r.Check(func() {
				wantKids(r, "the scope", s, 0)
				switch n := cancel.Kids(root); n {
				case 0:
					r.Saw("listened to the scope")
				case 1:
					r.Saw("listened to the root")
				default:
					r.Errorf("%d scopes are listed in the root, want at most 1", n)
				}
				l := cancel.UntilStop(ctx)
				wantKids(r, "the root, later,", root, 1)
				root.Stop()
				wantEndedRun(r, "the result of UntilStop", l)
				wantKids(r, "the root, after the stop,", root, 0)
			})
		}, "listened to the scope", "listened to the root")
	})

	// A listener that is dropped leaves the tree with the last scope below.
	for _, shielded := range []bool{false, true} {
		name := "C4/New below a listener that is dropped and stopped"
		if shielded {
			name += ", shielded at first"
		}
		t.Run(name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				root := cancel.New(background)
				s := cancel.New(root)
				l := cancel.UntilStop(context.WithoutCancel(s))
				r.Go("close", s.Close)
				r.Go("stop", root.Stop)
				r.Go("new", func() {
					var below *cancel.Scope
					if shielded {
						below = cancel.New(l, cancel.Shielded())
						below.SetShield(false)
					} else {
						below = cancel.New(l)
					}
					r.Check(func() {
						if l.Err() == nil {
							r.Saw("the stop missed the listener")
							wantOpenRun(r, below)
						} else {
							r.Saw("the stop reached the listener")
							wantEndedRun(r, "the scope below", below)
						}
						below.Close()
						wantKids(r, "the root", root, 0)
					})
				})
			}, "the stop missed the listener", "the stop reached the listener")
		})
	}

	t.Run("C4/New below a listener that stays in the tree and is stopped", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			s := cancel.New(root)
			l := cancel.UntilStop(context.WithoutCancel(s))
			other := cancel.New(l)
			s.Close()
			r.Go("stop", root.Stop)
			r.Go("new", func() {
				if l.Err() == nil {
					r.Saw("before the stop")
				} else {
					r.Saw("after the stop")
				}
				below := cancel.New(l)
				r.Check(func() {
					wantEndedRun(r, "the other scope", other)
					wantEndedRun(r, "the scope below", below)
					wantKids(r, "the root", root, 0)
				})
			})
		}, "before the stop", "after the stop")
	})

	t.Run("C12/a new listener of a context without cancel, while the scope is closed", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			s := cancel.New(root)
			ctx := context.WithoutCancel(s)
			cancel.UntilStop(ctx)
			r.Go("close", s.Close)
			r.Go("close-root", root.Close)
			r.Go("again", func() {
				if s.Err() == nil {
					r.Saw("listened first")
				} else if root.Err() == nil {
					r.Saw("one is closed")
				} else {
					r.Saw("both are closed")
				}
				wantOpenRun(r, cancel.UntilStop(ctx))
			})
			r.Check(func() {
				wantKids(r, "the scope", s, 0)
				wantKids(r, "the root", root, 0)
				l := cancel.UntilStop(ctx) // no open scope is left to forward a stop
				root.Stop()
				s.Stop()
				wantOpenRun(r, context.WithoutCancel(l))
				wantKids(r, "the root, later,", root, 0)
			})
		}, "listened first", "one is closed", "both are closed")
	})
}
