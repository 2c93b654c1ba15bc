//go:build explore

package cancel_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/explore"
)

func TestSchedulesPrune(t *testing.T) {
	background := context.Background()

	t.Run("C8/two siblings close below a scope that has ended", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			up := cancel.New(root)
			mid := cancel.New(up)
			var siblings []*cancel.Scope
			for _, name := range []string{"a", "b"} {
				siblings = append(siblings, cancel.New(mid, cancel.Shielded(), cancel.Name(name)))
			}
			up.Cancel(errBoom)
			for _, s := range siblings {
				r.Go(s.Name(), func() {
					s.Close()
					if cancel.Kids(mid) == 1 {
						r.Saw(s.Name() + " left first")
					} else {
						r.Saw(s.Name() + " left last")
					}
				})
			}
			r.Check(func() {
				wantKids(r, "the scope above", mid, 0)
				wantKids(r, "the scope above that", up, 0)
				wantKids(r, "the root", root, 0)
			})
		}, "a left first", "b left first", "a left last", "b left last")
	})

	for name, shielded := range map[string]bool{
		"C8/the last child closes while its parent does":               false,
		"C8/the last child, which is shielded, closes with its parent": true,
	} {
		t.Run(name, func(t *testing.T) {
			outcomes := []string{"mid ended it", "it ended itself"}
			if shielded {
				outcomes = []string{"open when its parent was closed", "closed before its parent"}
			}
			explore.All(t, func(r *explore.Run) {
				root := cancel.New(background)
				mid := cancel.New(root, cancel.Name("mid"))
				leaf := cancel.New(mid, cancel.Name("leaf"))
				leaf.SetShield(shielded)
				leaf.Done()
				r.Go("leaf", func() {
					leaf.Close()
					wantEndedRun(r, "the child", leaf)
				})
				r.Go("mid", func() {
					mid.Close()
					switch {
					case !shielded:
						wantEndedRun(r, "the child", leaf)
					case leaf.Err() == nil:
						r.Saw("open when its parent was closed")
					default:
						r.Saw("closed before its parent")
					}
				})
				r.Check(func() {
					reason, _ := cancel.ReasonOf(leaf)
					switch {
					case reason.Scope == "mid" && !shielded:
						r.Saw("mid ended it")
					case reason.Scope != "leaf":
						r.Errorf("ReasonOf() = %v, want the end of leaf", reason)
					case !shielded:
						r.Saw("it ended itself")
					}
					wantKids(r, "the parent", mid, 0)
					wantKids(r, "the root", root, 0)
				})
			}, outcomes...)
		})
	}

	for name, opts := range map[string][]cancel.Option{
		"C8/a chain closes from both ends":                    nil,
		"C8/a chain of shielded scopes closes from both ends": {cancel.Shielded()},
	} {
		t.Run(name, func(t *testing.T) {
			outcomes := []string{
				"a: nothing is left", "b: nothing is left", "c: nothing is left",
				"b: something is left", "c: something is left",
			}
			if opts != nil { // otherwise Close also ends the scopes below
				outcomes = append(outcomes, "a: something is left")
			}
			explore.All(t, func(r *explore.Run) {
				root := cancel.New(background)
				a := cancel.New(root, append(opts, cancel.Name("a"))...)
				b := cancel.New(a, append(opts, cancel.Name("b"))...)
				c := cancel.New(b, append(opts, cancel.Name("c"))...)
				for _, s := range []*cancel.Scope{a, b, c} {
					r.Go(s.Name(), func() {
						s.Close()
						if cancel.Kids(root) == 0 {
							r.Saw(s.Name() + ": nothing is left")
						} else {
							r.Saw(s.Name() + ": something is left")
						}
					})
				}
				r.Check(func() {
					for _, s := range []*cancel.Scope{root, a, b, c} {
						wantKids(r, "a scope", s, 0)
					}
				})
			}, outcomes...)
		})
	}

	t.Run("C8/Close below while the scopes above are canceled", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			a := cancel.New(root)
			b := cancel.New(a)
			c := cancel.New(b, cancel.Shielded())
			leaf := cancel.New(c)
			r.Go("cancel", func() { a.Cancel(errBoom) })
			r.Go("close", func() {
				c.Close()
				if cancel.Kids(root) == 0 {
					r.Saw("all had left when Close returned")
				} else {
					r.Saw("some had not left when Close returned")
				}
			})
			r.Go("close-leaf", leaf.Close)
			r.Check(func() {
				wantEndedRun(r, "the scope below", leaf)
				for _, s := range []*cancel.Scope{root, a, b, c} {
					wantKids(r, "a scope", s, 0)
				}
			})
		}, "all had left when Close returned", "some had not left when Close returned")
	})
}

func TestSchedulesHelp(t *testing.T) {
	background := context.Background()
	errA, errB, errC := errors.New("a"), errors.New("b"), errors.New("c")

	// Goroutines cancel scopes at several heights. When a Cancel returns, everything
	// below must have ended.
	direct := func(s *cancel.Scope) context.Context { return s }
	standard := func(s *cancel.Scope) context.Context {
		ctx, stop := context.WithCancel(context.WithValue(s, key(1), 1))
		_ = stop // s ends it
		return ctx
	}
	for _, test := range []struct {
		name   string
		at     []string
		below  func(s *cancel.Scope) context.Context // the parent of the leaf
		parent func(s *cancel.Scope) context.Context // the parent of the other scopes
	}{
		{"C4/Cancel of three", []string{"root", "mid", "leaf"}, direct, direct},
		{"C4/Cancel of the root and in the middle, a standard context between", []string{"root", "mid"}, direct, standard},
		{"C4/Cancel of the root and of the leaf, standard contexts between", []string{"root", "leaf"}, standard, standard},
		{"C4/Cancel in the middle and of the leaf, standard contexts between", []string{"mid", "leaf"}, standard, standard},
	} {
		t.Run(test.name, func(t *testing.T) {
			var outcomes []string
			for _, name := range test.at {
				outcomes = append(outcomes, name+" first")
			}
			explore.All(t, func(r *explore.Run) {
				top := cancel.New(background)
				root := cancel.New(top, cancel.Name("root"))
				mid := cancel.New(test.parent(root), cancel.Name("mid"))
				leaf := cancel.New(test.below(mid), cancel.Name("leaf"))
				end := test.parent(leaf)
				calls := 0
				mid.OnDone(func() { calls++ })
				leaf.OnDone(func() { calls++ })
				all := []*cancel.Scope{root, mid, leaf}
				for i, s := range all {
					if !slices.Contains(test.at, s.Name()) {
						continue
					}
					r.Go(s.Name(), func() {
						s.Cancel(errors.New(s.Name()))
						for _, below := range all[i:] {
							wantEndedRun(r, below.Name()+", after Cancel of "+s.Name(), below)
						}
						wantEndedRun(r, "the end, after Cancel of "+s.Name(), end)
					})
				}
				r.Check(func() {
					cause := context.Cause(leaf)
					r.Saw(cause.Error() + " first")
					if context.Cause(end) != cause {
						r.Errorf("causes %v and %v, want the same", context.Cause(end), cause)
					}
					want := 2
					if mid.Err() == nil {
						want = 1
					}
					if calls != want {
						r.Errorf("%d calls of hooks, want %d", calls, want)
					}
					top.Close()
					for _, s := range append(all, top) {
						wantKids(r, "a scope", s, 0)
					}
					if n := cancel.Hubs(); n != 0 {
						r.Errorf("%d registrations are left", n)
					}
				})
			}, outcomes...)
		})
	}

	t.Run("C4/a hook cancels further up", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			top := cancel.New(background)
			root := cancel.New(top)
			mid, beside := cancel.New(root), cancel.New(root)
			leaf := cancel.New(mid)
			std, stop := context.WithCancel(beside)
			calls := 0
			leaf.OnDone(func() {
				calls++
				root.Cancel(errC)
				wantEndedRun(r, "beside, when the hook has canceled the root,", beside)
				wantEndedRun(r, "a standard context there", std)
			})
			r.Go("leaf", func() {
				leaf.Cancel(errA)
				r.Point("leaf canceled")
				if calls == 1 {
					r.Saw("Cancel of the leaf called the hook")
				}
			})
			r.Go("mid", func() {
				mid.Cancel(errB)
				wantEndedRun(r, "the leaf", leaf)
			})
			r.Check(func() {
				defer stop()
				wantEndedRun(r, "beside", beside)
				wantEndedRun(r, "a standard context there", std)
				if calls != 1 || context.Cause(root) != errC {
					r.Errorf("%d calls, Cause() = %v; want 1 and c", calls, context.Cause(root))
				}
				causeIs(r, leaf, map[error]string{errA: "the leaf first", errB: "the middle first"})
				for _, s := range []*cancel.Scope{top, root, mid, leaf} {
					wantKids(r, "a scope", s, 0)
				}
			})
		}, "Cancel of the leaf called the hook", "the leaf first", "the middle first")
	})

	for _, test := range []struct {
		name  string
		other func(root, mid *cancel.Scope)
		cause error
	}{
		{"C4/Cancel while another goroutine calls a hook", func(root, _ *cancel.Scope) { root.Cancel(errB) }, errB},
		{"C8/Close while another goroutine calls a hook further up", func(_, mid *cancel.Scope) { mid.Close() }, cancel.ErrClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				root := cancel.New(background)
				mid := cancel.New(root)
				leaf := cancel.New(mid)
				std, stop := context.WithCancel(context.WithValue(leaf, key(1), 1))
				foreign := cancel.New(std)
				foreign.Done()
				root.OnDone(func() { r.Point("in a hook") })
				leaf.OnDone(func() { r.Point("in a hook") })
				check := func() {
					wantEndedRun(r, "the leaf", leaf)
					wantEndedRun(r, "the standard context", std)
					wantEndedRun(r, "the scope below that", foreign)
				}
				r.Go("cancel", func() {
					root.Cancel(errA)
					check()
				})
				r.Go("other", func() {
					test.other(root, mid)
					check()
				})
				r.Check(func() {
					defer stop()
					causeIs(r, leaf, map[error]string{errA: "Cancel first", test.cause: "the other first"})
					for _, s := range []*cancel.Scope{root, mid, leaf} {
						wantKids(r, "a scope", s, 0)
					}
				})
			}, "Cancel first", "the other first")
		})
	}

	t.Run("C6/a timeout that has passed against Cancel above", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			mid := cancel.New(root)
			leaf := cancel.New(mid)
			std, stop := context.WithCancel(leaf)
			r.Go("cancel", func() { root.Cancel(errA) })
			r.Go("past", func() {
				mid.SetTimeout(0)
				wantEndedRun(r, "the scope", mid)
				wantEndedRun(r, "the leaf", leaf)
				wantEndedRun(r, "the standard context", std)
			})
			r.Go("lower", func() {
				canceled := mid.Err() != nil
				mid.SetShield(false)
				if canceled {
					wantEndedRun(r, "the leaf, when the shield was lowered,", leaf)
				}
			})
			r.Check(func() {
				defer stop()
				causeIs(r, leaf, map[error]string{errA: "Cancel first", context.DeadlineExceeded: "the timeout first"})
				wantKids(r, "the root", root, 0)
			})
		}, "Cancel first", "the timeout first")
	})

	// A shield is raised and lowered while the end of an outer scope passes it.
	t.Run("C7/Cancel above, while a shield is raised and lowered", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			root := cancel.New(background)
			mid := cancel.New(root)
			leaf := cancel.New(mid)
			std, stop := context.WithCancel(leaf)
			r.Go("cancel", func() { root.Cancel(errA) })
			r.Go("shield", func() {
				mid.SetShield(true)
				if mid.Err() == nil {
					r.Saw("the shield came first")
				} else {
					r.Saw("Cancel came first")
				}
				canceled := root.Err() != nil
				mid.SetShield(false)
				if canceled {
					wantEndedRun(r, "the scope", mid)
					wantEndedRun(r, "the leaf", leaf)
					wantEndedRun(r, "the standard context", std)
				}
			})
			r.Go("close", func() { leaf.Close() })
			r.Check(func() {
				defer stop()
				wantEndedRun(r, "the scope", mid)
				wantKids(r, "the root", root, 0)
				wantKids(r, "the scope", mid, 0)
			})
		}, "the shield came first", "Cancel came first")
	})
}
