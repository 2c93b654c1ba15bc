package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// fallible returns a source for EachFrom: the numbers below n, and then err if it is not
// nil.
func fallible(n int, err error) func(ctx context.Context) iter.Seq2[int, error] {
	return func(context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n {
				if !yield(i, nil) {
					return
				}
			}
			if err != nil {
				synctest.Wait() // all calls have begun
				yield(0, err)
			}
		}
	}
}

// calls are the helper functions, for count items. The error of a stream is the last one.
var calls = map[string]func(ctx context.Context, count int, fn func(ctx context.Context, i int) error, opts ...nursery.Option) error{
	"For": nursery.For,
	"Map": func(ctx context.Context, count int, fn func(ctx context.Context, i int) error, opts ...nursery.Option) error {
		_, err := nursery.Map(ctx, slices.Collect(ints(count)), func(ctx context.Context, i int) (int, error) { return i, fn(ctx, i) }, opts...)
		return err
	},
	"Each": func(ctx context.Context, count int, fn func(ctx context.Context, i int) error, opts ...nursery.Option) error {
		return nursery.Each(ctx, ints(count), fn, opts...)
	},
	"EachFrom": func(ctx context.Context, count int, fn func(ctx context.Context, i int) error, opts ...nursery.Option) error {
		return nursery.EachFrom(ctx, fallible(count, nil), fn, opts...)
	},
	"Stream": func(ctx context.Context, count int, fn func(ctx context.Context, i int) error, opts ...nursery.Option) error {
		_, err := drain(nursery.Stream(ctx, ints(count), func(ctx context.Context, i int) (int, error) { return i, fn(ctx, i) }, opts...))
		return err
	},
	"StreamUnordered": func(ctx context.Context, count int, fn func(ctx context.Context, i int) error, opts ...nursery.Option) error {
		_, err := drain(nursery.StreamUnordered(ctx, ints(count), func(ctx context.Context, i int) (int, error) { return i, fn(ctx, i) }, opts...))
		return err
	},
}

// N11: the failure of a call says which item it was for.
func TestItems(t *testing.T) {
	for name, call := range calls {
		bubble(t, "N11/"+name+"/an error", func(t *testing.T, ctx context.Context) {
			err := call(ctx, 9, func(ctx context.Context, i int) error {
				if i == 7 {
					return errBoom
				}
				return nil
			}, nursery.Limit(2))
			item, ok := errors.AsType[*nursery.ItemError](err)
			if !ok || item.Item != 7 || item.Err != errBoom || err.Error() != "item 7: boom" {
				t.Errorf("err = %v, want item 7: boom", err)
			}
		})
		bubble(t, "N11/"+name+"/a panic that is recovered", func(t *testing.T, ctx context.Context) {
			err := call(ctx, 9, func(ctx context.Context, i int) error {
				if i == 7 {
					panic("oops")
				}
				return nil
			}, nursery.Limit(2), nursery.RecoverPanics())
			item, ok := errors.AsType[*nursery.ItemError](err)
			if !ok || item.Item != 7 || message(err) != "item 7 panicked: oops" {
				t.Errorf("err = %v, want item 7 panicked: oops", err)
			}
		})
		bubble(t, "N11/"+name+"/a panic", func(t *testing.T, ctx context.Context) {
			p := caught(t, func() {
				_ = call(ctx, 9, func(ctx context.Context, i int) error {
					if i == 7 {
						panic("oops")
					}
					return nil
				}, nursery.Limit(2))
			})
			if i, ok := p.Item(); !ok || i != 7 || message(p) != "item 7 panicked: oops" {
				t.Errorf("panic(%v), Item() = %d, %v, want item 7", p, i, ok)
			}
		})
		bubble(t, "N11/"+name+"/a panic of a task inside", func(t *testing.T, ctx context.Context) {
			err := call(ctx, 1, func(ctx context.Context, i int) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { panic("oops") }, nursery.Name("inner"))
					return nil
				})
			}, nursery.Limit(1), nursery.RecoverPanics())
			p, ok := errors.AsType[*nursery.PanicError](err)
			if want := `item 0: task "inner" panicked: oops`; !ok || message(err) != want {
				t.Fatalf("err = %v, want %s", err, want)
			}
			if i, ok := p.Item(); ok {
				t.Errorf("Item() = %d, want none: the panic is one of a task", i)
			}
		})
		bubble(t, "N4/"+name+"/an echo in a group of an item is dropped", func(t *testing.T, ctx context.Context) {
			scope := cancel.New(ctx)
			err := call(scope, 1, func(ctx context.Context, i int) error {
				scope.Cancel(nil)
				return nursery.NewGroupError("inner", errBoom, cancel.Err(ctx))
			}, nursery.Limit(1))
			leaves := slices.Collect(nursery.Leaves(failures(t, err)[0]))
			if len(leaves) != 1 || leaves[0] != errBoom {
				t.Errorf("the failure of the item has the leaves %v, want boom alone", leaves)
			}
		})
	}
}

// N3: Split keeps the index of an item.
func TestSplitItems(t *testing.T) {
	err := nursery.NewGroupError("g", &nursery.ItemError{Item: 2, Err: errors.Join(io.EOF, errBoom)}, io.EOF)
	matched, rest := nursery.Split(err, func(err error) bool { return err == io.EOF })
	if got, want := fmt.Sprint(matched), `nursery "g": 2 failures: item 2: EOF; EOF`; got != want {
		t.Errorf("matched = %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(rest), "item 2: boom"; got != want {
		t.Errorf("rest = %s, want %s", got, want)
	}
}

// TestUndone checks that a canceled helper function that left items undone says so, even
// if its calls returned nil.
func TestUndone(t *testing.T) {
	for name, call := range calls {
		bubble(t, "N11/items left undone: "+name, func(t *testing.T, ctx context.Context) {
			scope := cancel.New(ctx)
			begun := 0
			err := call(scope, 3, func(context.Context, int) error {
				begun++
				scope.Cancel(errBoom)
				return nil
			}, nursery.Limit(1))
			if !scope.IsEcho(err) || begun != 1 {
				t.Errorf("%s() = %v after %d calls, want the cancellation after 1", name, err, begun)
			}
		})
	}
}

func TestEachFrom(t *testing.T) {
	bubble(t, "N11/a failure ends a sequence that blocks", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](1)
		defer s.Close()
		_ = s.Send(ctx, 5)
		err := nursery.EachFrom(ctx, r.All, func(context.Context, int) error { return errBoom }, nursery.Limit(4))
		if f := failures(t, err); len(f) != 1 || !isItem(f[0], 0, errBoom) {
			t.Errorf("EachFrom() = %v, want boom", err)
		}
	})
	bubble(t, "N11/a cancellation ends it", func(t *testing.T, ctx context.Context) {
		scope := cancel.New(ctx, cancel.Timeout(time.Second))
		s, r := channel.New[int](1)
		defer s.Close()
		err := nursery.EachFrom(scope, r.All, func(context.Context, int) error { return nil })
		if !scope.IsEcho(err) {
			t.Errorf("EachFrom() = %v, want the cancellation", err)
		}
	})
	bubble(t, "N11/the end of a channel", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](3)
		sum := 0
		for i := range 3 {
			_ = s.Send(ctx, i)
		}
		s.Close()
		err := nursery.EachFrom(ctx, r.All, func(_ context.Context, i int) error { sum += i; return nil }, nursery.Limit(1))
		wantNoError(t, err)
		if sum != 3 {
			t.Errorf("sum = %d, want 3", sum)
		}
	})
	for _, opts := range [][]nursery.Option{{nursery.Limit(2)}, {nursery.Limit(2), nursery.KeepGoing()}} {
		bubble(t, fmt.Sprintf("N2/an error of the sequence, KeepGoing %v", len(opts) > 1), func(t *testing.T, ctx context.Context) {
			var canceled atomic.Int32
			err := nursery.EachFrom(ctx, fallible(2, io.EOF), func(ctx context.Context, i int) error {
				if err := cancel.Sleep(ctx, time.Second); err != nil {
					canceled.Add(1)
					return err
				}
				return nil
			}, append(opts, nursery.Limit(3))...)
			if f := failures(t, err); len(f) != 1 || f[0] != io.EOF {
				t.Errorf("EachFrom() = %v, want EOF", err)
			}
			if got, want := canceled.Load(), int32(4-2*len(opts)); got != want {
				t.Errorf("%d calls were canceled, want %d", got, want)
			}
		})
	}
	bubble(t, "N7/bad input panics at the call", func(t *testing.T, ctx context.Context) {
		fn := func(context.Context, int) error { return nil }
		mustPanic(t, "nursery: EachFrom: nil context", func() { _ = nursery.EachFrom(nil, fallible(1, nil), fn) }) //lint:ignore SA1012 must panic
		mustPanic(t, "nursery: EachFrom: nil sequence", func() { _ = nursery.EachFrom(ctx, nil, fn) })
		mustPanic(t, "nursery: EachFrom: nil function", func() { _ = nursery.EachFrom[int](ctx, fallible(1, nil), nil) })
	})
}

func TestTryGo(t *testing.T) {
	for name, opts := range map[string][]nursery.Option{
		"no limit": nil, "Limit": {nursery.Limit(1)}, "LimitBy": {nursery.LimitBy(nursery.NewLimiter(1))},
	} {
		for kind, task := range map[string][]nursery.TaskOption{
			"a task": nil, "a daemon": {nursery.Daemon()}, "a named task": {nursery.Name("x")},
			"with values": {nursery.Values(context.Background())},
		} {
			bubble(t, "N7/"+name+"/"+kind, func(t *testing.T, ctx context.Context) {
				var n *nursery.Nursery
				ran := 0
				count := func(context.Context) error { ran++; return nil }
				err := nursery.Run(ctx, func(_ context.Context, in *nursery.Nursery) error {
					n = in
					n.Cancel(nil) // a canceled nursery accepts tasks
					return n.TryGo(count, task...)
				}, opts...)
				wantNoError(t, err)
				for range 2 {
					if err := n.TryGo(count, task...); err != nursery.ErrEnded {
						t.Errorf("TryGo() = %v after the end, want ErrEnded", err)
					}
				}
				if ran != 1 {
					t.Errorf("%d tasks ran, want only the accepted task", ran)
				}
				if s := n.Stats(); s != (nursery.Stats{Finished: 1}) {
					t.Errorf("Stats() = %+v, want one task", s)
				}
			})
		}
	}
	mustPanic(t, "nursery: Nursery.TryGo: nil task", func() { _ = new(nursery.Nursery).TryGo(nil) })
	mustPanic(t, "nursery: Nursery.TryGo: this Nursery does not come from nursery.Run", func() {
		_ = new(nursery.Nursery).TryGo(func(context.Context) error { return nil })
	})
}

type valueKey struct{}

func TestValues(t *testing.T) {
	// starts are the ways to start a task.
	starts := map[string]func(ctx context.Context, n *nursery.Nursery, task func(ctx context.Context) error, opts ...nursery.TaskOption){
		"Go": func(_ context.Context, n *nursery.Nursery, task func(ctx context.Context) error, opts ...nursery.TaskOption) {
			n.Go(task, opts...)
		},
		"Spawn": func(_ context.Context, n *nursery.Nursery, task func(ctx context.Context) error, opts ...nursery.TaskOption) {
			nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, task(ctx) }, opts...)
		},
		"Start": func(_ context.Context, n *nursery.Nursery, task func(ctx context.Context) error, opts ...nursery.TaskOption) {
			_, err := nursery.Start(context.Background(), n, func(ctx context.Context, started func(int)) error {
				started(1)
				return task(ctx)
			}, opts...)
			if err != nil {
				panic(err)
			}
		},
	}
	for name, start := range starts {
		bubble(t, "N23/"+name+"/the values of one context, the cancellation of the other", func(t *testing.T, ctx context.Context) {
			outer := context.WithValue(ctx, valueKey{}, "nursery")
			request, end := context.WithCancel(context.WithValue(ctx, valueKey{}, "request"))
			defer end()
			err := nursery.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
				n.Scope().SetTimeout(time.Hour)
				start(ctx, n, func(ctx context.Context) error {
					end()
					child, stop := context.WithCancel(ctx)
					defer stop()
					if v := child.Value(valueKey{}); v != "request" || ctx.Err() != nil || child.Err() != nil {
						t.Errorf("value %v, Err() = %v, %v, want the value of the request and an open context", v, ctx.Err(), child.Err())
					}
					if d, ok := ctx.Deadline(); !ok || time.Until(d) != time.Hour {
						t.Errorf("Deadline() = %v, %v, want the nursery's deadline", d, ok)
					}
					if got, want := cancel.Path(ctx), "/app/work"; !strings.HasSuffix(got, want) {
						t.Errorf("Path() = %q, want %q at its end", got, want)
					}
					n.Cancel(errBoom)
					if child.Err() == nil || context.Cause(child) != errBoom || context.Cause(ctx) != errBoom {
						t.Errorf("cause %v, %v, want boom: the nursery was canceled", context.Cause(child), context.Cause(ctx))
					}
					return cancel.Err(ctx)
				}, nursery.Values(request), nursery.Name("work"))
				return nil
			}, nursery.Name("app"))
			wantNoError(t, err)
		})
		bubble(t, "N23/"+name+"/a stop reaches the task", func(t *testing.T, ctx context.Context) {
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				start(ctx, n, func(ctx context.Context) error {
					<-cancel.UntilStop(ctx).Done()
					return nil
				}, nursery.Values(context.Background()))
				n.Scope().Stop()
				return nil
			})
			wantNoError(t, err)
		})
	}
	bubble(t, "N23/Start keeps the values of its caller", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			got, err := nursery.Start(context.WithValue(ctx, valueKey{}, 17), n, func(ctx context.Context, started func(any)) error {
				started(ctx.Value(valueKey{}))
				return nil
			})
			if got != 17 {
				t.Errorf("value %v, want 17", got)
			}
			return err
		})
		wantNoError(t, err)
	})
	bubble(t, "N21/a task with the values of another task does not get its token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				// It has the token. What the daemon opens must not give that back.
				n.Go(func(ctx context.Context) error {
					return nursery.Run(ctx, func(context.Context, *nursery.Nursery) error {
						if s := l.Stats(); s.Borrowed != 1 {
							t.Errorf("Stats() = %+v, want the token of the task borrowed", s)
						}
						return nil
					}, nursery.LimitBy(l))
				}, nursery.Daemon(), nursery.Values(ctx))
				return cancel.Sleep(ctx, time.Second)
			})
			return nil
		}, nursery.LimitBy(l))
		wantNoError(t, err)
	})
	mustPanic(t, "nursery: Values: nil context", func() { nursery.Values(nil) }) //lint:ignore SA1012 must panic
}

func TestTaskStop(t *testing.T) {
	bubble(t, "N14/Stop and Shutdown reach the task alone", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			wait := func(ctx context.Context) (error, error) {
				<-cancel.UntilStop(ctx).Done()
				first := ctx.Err()
				return first, cancel.Sleep(ctx, time.Minute)
			}
			a, b := nursery.Spawn(n, wait), nursery.Spawn(n, wait)
			a.Stop()
			if first, err := a.Wait(ctx); first != nil || err != nil {
				t.Errorf("Wait() = %v, %v, want nil, nil: a stop is not a cancellation", first, err)
			}
			b.Shutdown(time.Second)
			if _, err := b.Wait(ctx); !errors.Is(err, context.Canceled) || err.(*cancel.Error).Reason.Cause != cancel.ErrGraceExpired {
				t.Errorf("Wait() = %v, want a cancellation because the grace is over", err)
			}
			return cancel.Err(ctx)
		})
		wantNoError(t, err)
	})
}

func TestNewGroupError(t *testing.T) {
	if err := nursery.NewGroupError("x", nil, nil); err != nil {
		t.Errorf("NewGroupError() = %v, want nil without errors", err)
	}
	errs := []error{nil, io.EOF, nil, errBoom}
	err := nursery.NewGroupError("x", errs...)
	if got := failures(t, err); !slices.Equal(got, []error{io.EOF, errBoom}) || errs[0] != nil || errs[1] != io.EOF {
		t.Errorf("failures %v of %v, want EOF and boom, and the argument as it was", got, errs)
	}
}

func TestLogValue(t *testing.T) {
	var many []error
	for i := range 100 {
		many = append(many, &nursery.ItemError{Item: i, Err: &nursery.TaskError{Task: "t", Err: nursery.NewGroupError("in", errBoom)}})
	}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "err", nursery.NewGroupError("g", many...))
	got := b.String()
	for _, want := range []string{
		"err.nursery=g ", "err.failures.0.item=0 err.failures.0.err.task=t err.failures.0.err.err.msg=boom",
		"err.failures.9.item=9 ", "err.failures.more=90",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("logged %s, want %s in it", got, want)
		}
	}
	if strings.Contains(got, "failures.10.") {
		t.Errorf("logged %s, want ten failures", got)
	}
}
