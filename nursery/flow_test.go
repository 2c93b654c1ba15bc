package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

// count returns a sequence of 0 to n-1 that counts the requested items.
func count(n int, asked *atomic.Int32) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			asked.Add(1)
			if !yield(i) {
				return
			}
		}
	}
}

// endless is a value of n for count that is never reached.
const endless = 1 << 30

func ints(n int) iter.Seq[int] { return count(n, new(atomic.Int32)) }

// streams lists the two functions that return a stream.
var streams = []struct {
	name string
	of   func(ctx context.Context, items iter.Seq[int], fn func(ctx context.Context, i int) (int, error), opts ...nursery.Option) iter.Seq2[int, error]
}{
	{"Stream", nursery.Stream[int, int]},
	{"StreamUnordered", nursery.StreamUnordered[int, int]},
}

// flows lists all functions with a sequence as the source. Each is adapted to return a
// stream without results.
var flows = append(slices.Clip(streams), streams[0])

func init() {
	flows[2].name = "Each"
	flows[2].of = func(ctx context.Context, items iter.Seq[int], fn func(ctx context.Context, i int) (int, error), opts ...nursery.Option) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			err := nursery.Each(ctx, items, func(ctx context.Context, i int) error {
				_, err := fn(ctx, i)
				return err
			}, opts...)
			if err != nil {
				yield(0, err)
			}
		}
	}
}

// drain returns all values of a stream and the error of the last pair.
func drain(seq iter.Seq2[int, error]) (values []int, err error) {
	for v, e := range seq {
		if e == nil {
			values = append(values, v)
		}
		err = e
	}
	return values, err
}

// double sleeps for a second and returns 2i.
func double(ctx context.Context, i int) (int, error) { return 2 * i, cancel.Sleep(ctx, time.Second) }

func TestFlow(t *testing.T) {
	for _, f := range flows {
		for _, limit := range []int{1, 3, 100} {
			bubble(t, fmt.Sprintf("N11/%s/each item once, %d at a time", f.name, limit), func(t *testing.T, ctx context.Context) {
				const n = 20
				start := time.Now()
				var calls [n]atomic.Int32
				var crowd kit.Crowd
				_, err := drain(f.of(ctx, ints(n), func(ctx context.Context, i int) (int, error) {
					calls[i].Add(1)
					defer crowd.Enter()()
					return double(ctx, i)
				}, nursery.Limit(limit)))
				for i := range calls {
					if n := calls[i].Load(); n != 1 {
						t.Errorf("item %d was processed %d times, want once", i, n)
					}
				}
				if want := min(limit, n); err != nil || crowd.Most() != want {
					t.Errorf("got %v, %d at a time, want nil, %d", err, crowd.Most(), want)
				}
				wantTime(t, start, time.Duration((n+limit-1)/limit)*time.Second)
			})
		}
		bubble(t, "N11/"+f.name+"/without a limit one per processor", func(t *testing.T, ctx context.Context) {
			start := time.Now()
			if _, err := drain(f.of(ctx, ints(10*runtime.GOMAXPROCS(0)), double)); err != nil {
				t.Errorf("got %v, want nil", err)
			}
			wantTime(t, start, 10*time.Second)
		})
		bubble(t, "N11/"+f.name+"/the calls begin in the order of the items", func(t *testing.T, ctx context.Context) {
			var order []int
			_, err := drain(f.of(ctx, ints(5), func(_ context.Context, i int) (int, error) {
				order = append(order, i)
				return i, nil
			}, nursery.Limit(1)))
			if want := []int{0, 1, 2, 3, 4}; err != nil || !slices.Equal(order, want) {
				t.Errorf("got %v in the order %v, want nil, %v", err, order, want)
			}
		})
		bubble(t, "N11/"+f.name+"/no items", func(t *testing.T, ctx context.Context) {
			for v, err := range f.of(ctx, ints(0), double) {
				t.Errorf("got %v, %v, want nothing", v, err)
			}
		})
		bubble(t, "N11/"+f.name+"/an item is requested only when a slot is free", func(t *testing.T, ctx context.Context) {
			var asked, finished atomic.Int32
			scope := cancel.New(ctx, cancel.Timeout(9500*time.Millisecond))
			_, err := drain(f.of(scope, count(endless, &asked), func(ctx context.Context, i int) (int, error) {
				defer finished.Add(1)
				_, err := double(ctx, i)
				if a, f := asked.Load(), finished.Load(); a > f+3 {
					t.Errorf("requested %d items when %d were finished", a, f)
				}
				return i, err
			}, nursery.Limit(3)))
			if !scope.IsEcho(err) || asked.Load() != 30 {
				t.Errorf("got %v after %d items were requested, want the deadline after 30", err, asked.Load())
			}
		})
		bubble(t, "N2/"+f.name+"/a failure cancels the others, and no other call begins", func(t *testing.T, ctx context.Context) {
			var begun atomic.Int32
			var last error
			for _, err := range f.of(ctx, ints(endless), func(ctx context.Context, i int) (int, error) {
				begun.Add(1)
				if i == 4 {
					return 0, errBoom
				}
				return double(ctx, i)
			}, nursery.Limit(3), nursery.Name("flow")) {
				if last != nil {
					t.Errorf("got %v after %v, want nothing after an error", err, last)
				}
				last = err
			}
			if f := failures(t, last); len(f) != 1 || !isItem(f[0], 4, errBoom) || begun.Load() > 6 {
				t.Errorf("got %v after %d calls, want boom after at most 6", last, begun.Load())
			}
			if g := (*nursery.GroupError)(nil); !errors.As(last, &g) || g.Nursery() != "flow" {
				t.Errorf("got %+v, want the name of the nursery", last)
			}
		})
		bubble(t, "N6/"+f.name+"/a cancellation that left items undone is an error, even if no call returns it", func(t *testing.T, ctx context.Context) {
			for _, deaf := range []bool{true, false} {
				scope := cancel.New(ctx, cancel.Timeout(2500*time.Millisecond))
				begun := 0
				_, err := drain(f.of(scope, ints(5), func(ctx context.Context, i int) (int, error) {
					begun++
					if deaf {
						time.Sleep(time.Second)
						return 0, nil
					}
					return double(ctx, i)
				}, nursery.Limit(1)))
				if e := new(cancel.Error); !scope.IsEcho(err) || !errors.As(err, &e) || begun != 3 {
					t.Errorf("got %v after %d calls, want the deadline after 3", err, begun)
				}
			}
			_, err := drain(f.of(ctx, ints(3), func(ctx context.Context, i int) (int, error) {
				cancel.FromContext(ctx).Cancel(io.EOF)
				return 0, nil
			}, nursery.Limit(1)))
			if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != io.EOF {
				t.Errorf("got %v, want the inner cancellation", err)
			}
			_, err = drain(f.of(ctx, ints(1), func(ctx context.Context, i int) (int, error) {
				_ = cancel.Sleep(ctx, time.Second) // until the source has ended
				cancel.FromContext(ctx).Cancel(io.EOF)
				return 0, ctx.Err()
			}, nursery.Limit(2)))
			if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != io.EOF {
				t.Errorf("got %v, want the inner cancellation of the last call", err)
			}
			scope := cancel.New(ctx)
			_, err = drain(f.of(scope, ints(3), func(ctx context.Context, i int) (int, error) {
				if i == 2 {
					time.Sleep(time.Second)
					scope.Cancel(nil)
				}
				return 0, nil
			}, nursery.Limit(4)))
			if err != nil {
				t.Errorf("got %v, want nil because no item was left undone", err)
			}
		})
		bubble(t, "N6/"+f.name+"/canceled before a worker has taken the last item", func(t *testing.T, ctx context.Context) {
			for range 100 { // a worker may have taken it
				scope := cancel.New(ctx)
				called := false
				_, err := drain(f.of(scope, func(yield func(int) bool) {
					yield(1)
					scope.Cancel(nil)
				}, func(context.Context, int) (int, error) { called = true; return 0, nil }, nursery.Limit(2)))
				if called != (err == nil) {
					t.Fatalf("got %v, called: %v, want an error if not called", err, called)
				}
			}
		})
		bubble(t, "N6/"+f.name+"/canceled from the start", func(t *testing.T, ctx context.Context) {
			var asked atomic.Int32
			scope := cancel.New(ctx)
			scope.Cancel(io.EOF)
			_, err := drain(f.of(scope, count(3, &asked), double))
			if !scope.IsEcho(err) || asked.Load() != 0 {
				t.Errorf("got %v, %d items requested, want the cancellation, 0", err, asked.Load())
			}
		})
		bubble(t, "N1/"+f.name+"/canceled while the source blocks", func(t *testing.T, ctx context.Context) {
			start := time.Now()
			scope := cancel.New(ctx, cancel.Timeout(time.Second))
			called, cleaned := false, false
			_, err := drain(f.of(scope, func(yield func(int) bool) {
				time.Sleep(3 * time.Second)
				if yield(1) {
					t.Error("yield returned true, want false")
				}
				cleaned = true
			}, func(context.Context, int) (int, error) { called = true; return 0, nil }))
			if !scope.IsEcho(err) || called || !cleaned {
				t.Errorf("got %v, called: %v, cleaned: %v, want the deadline, false, true", err, called, cleaned)
			}
			wantTime(t, start, 3*time.Second)
		})
		bubble(t, "N8/"+f.name+"/a panic of a call continues in the caller", func(t *testing.T, ctx context.Context) {
			for _, at := range []int{0, 1, 5} {
				var begun atomic.Int32
				p := caught(t, func() {
					drain(f.of(ctx, ints(endless), func(ctx context.Context, i int) (int, error) {
						begun.Add(1)
						if i == at {
							explode("v")
						}
						return double(ctx, i)
					}, nursery.Limit(3)))
				})
				if p.Value != "v" || begun.Load() > int32(at+3) {
					t.Errorf("panic(%v) after %d calls, want v after at most %d", p.Value, begun.Load(), at+3)
				}
				wantStack(t, p, "nursery_test.explode")
			}
		})
		bubble(t, "N8/"+f.name+"/a panic of the source continues in the caller", func(t *testing.T, ctx context.Context) {
			for _, after := range []int{0, 2} {
				v := recovered(func() {
					drain(f.of(ctx, func(yield func(int) bool) {
						for i := range after {
							yield(i)
						}
						explode("v")
					}, double, nursery.Limit(3)))
				})
				if p, ok := v.(*nursery.PanicError); ok && f.name != "Each" { // the source of Each runs in the caller
					wantStack(t, p, "nursery_test.explode")
					v = p.Value
				}
				if v != "v" {
					t.Errorf("panic(%v), want v", v)
				}
			}
			_, err := drain(f.of(ctx, func(func(int) bool) { explode("v") }, double, nursery.RecoverPanics()))
			if p := (*nursery.PanicError)(nil); !errors.As(err, &p) || p.Value != "v" {
				t.Errorf("with RecoverPanics got %v, want the panic", err)
			}
		})
		bubble(t, "N9/"+f.name+"/Goexit of a call or of the source continues in the caller", func(t *testing.T, ctx context.Context) {
			for _, at := range []int{0, 1, 5} {
				how := runToEnd(func() {
					drain(f.of(ctx, ints(endless), func(ctx context.Context, i int) (int, error) {
						if i == at {
							runtime.Goexit()
						}
						return double(ctx, i)
					}, nursery.Limit(3), nursery.KeepGoing(), nursery.RecoverPanics()))
				})
				if how != "called Goexit" {
					t.Errorf("Goexit in a call: %s, want Goexit", how)
				}
			}
			for _, after := range []int{0, 2} {
				how := runToEnd(func() {
					drain(f.of(ctx, func(yield func(int) bool) {
						for i := range after {
							yield(i)
						}
						runtime.Goexit()
					}, double, nursery.Limit(3)))
				})
				if how != "called Goexit" {
					t.Errorf("Goexit in the source: %s, want Goexit", how)
				}
			}
		})
		bubble(t, "N11/"+f.name+"/the caller and the calls may be locked to their threads", func(t *testing.T, ctx context.Context) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			_, err := drain(f.of(ctx, func(yield func(int) bool) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				ints(10)(yield)
			}, func(ctx context.Context, i int) (int, error) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				return double(ctx, i)
			}, nursery.Limit(3)))
			if err != nil {
				t.Errorf("got %v, want nil", err)
			}
		})
		bubble(t, "N7/"+f.name+"/bad input panics at the call", func(t *testing.T, ctx context.Context) {
			var none context.Context
			// The stream of Each panics during the loop, the others before it.
			mustPanic(t, "nursery: "+f.name+": nil context", func() { drain(f.of(none, ints(1), double)) })
			mustPanic(t, "nursery: "+f.name+": nil sequence", func() { drain(f.of(ctx, nil, double)) })
			mustPanic(t, "nursery: "+f.name+": nil option", func() { drain(f.of(ctx, ints(1), double, nil)) })
			if f.name != "Each" {
				mustPanic(t, "nursery: "+f.name+": nil function", func() { f.of(ctx, ints(1), nil) })
				mustPanic(t, "nursery: "+f.name+": nil context", func() { f.of(none, ints(1), double) })
			} else {
				mustPanic(t, "nursery: Each: nil function", func() { _ = nursery.Each(ctx, ints(1), nil) })
			}
		})
	}
}

// wantStack fails the test unless the stack of a panic begins with the function.
func wantStack(t *testing.T, p *nursery.PanicError, function string) {
	t.Helper()
	_, frames, _ := strings.Cut(string(p.Stack), "\n")
	if !strings.Contains(strings.SplitN(frames, "\n", 2)[0], function) {
		t.Errorf("the stack begins with\n%s\nwant %s", frames, function)
	}
}

func TestEach(t *testing.T) {
	bubble(t, "N12/with KeepGoing the other calls go on", func(t *testing.T, ctx context.Context) {
		var begun atomic.Int32
		err := nursery.Each(ctx, ints(100), func(ctx context.Context, i int) error {
			begun.Add(1)
			switch {
			case i%20 == 0:
				panic(i)
			case i%10 == 0:
				return errBoom
			}
			return nil
		}, nursery.Limit(3), nursery.KeepGoing(), nursery.RecoverPanics())
		if len(failures(t, err)) != 10 || begun.Load() != 100 {
			t.Errorf("Each() = %v after %d calls, want 10 failures after 100", err, begun.Load())
		}
	})
	bubble(t, "N12/a panic of the source does not stop calls in progress", func(t *testing.T, ctx context.Context) {
		var done atomic.Int32
		err := nursery.Each(ctx, func(yield func(int) bool) {
			ints(3)(yield)
			panic("v")
		}, func(ctx context.Context, i int) error {
			err := cancel.Sleep(ctx, time.Second)
			done.Add(1)
			return err
		}, nursery.Limit(5), nursery.KeepGoing(), nursery.RecoverPanics())
		if len(failures(t, err)) != 1 || done.Load() != 3 {
			t.Errorf("Each() = %v, %d done, want the panic, 3", err, done.Load())
		}
	})
	bubble(t, "N11/the source runs in the caller's goroutine", func(t *testing.T, ctx context.Context) {
		how := runToEnd(func() {
			defer func() {
				if recover() != nil {
					t.Error("recovered a panic, want Goexit")
				}
			}()
			_ = nursery.Each(ctx, func(func(int) bool) { runtime.Goexit() }, func(context.Context, int) error { return nil })
		})
		if how != "called Goexit" {
			t.Errorf("Each %s, want Goexit", how)
		}
	})
	bubble(t, "N11/nested Each", func(t *testing.T, ctx context.Context) {
		var calls atomic.Int32
		err := nursery.Each(ctx, ints(5), func(ctx context.Context, n int) error {
			return nursery.Each(ctx, ints(n), func(context.Context, int) error { calls.Add(1); return nil }, nursery.Limit(1))
		}, nursery.Limit(1))
		if err != nil || calls.Load() != 10 {
			t.Errorf("Each() = %v, %d calls, want nil, 10", err, calls.Load())
		}
	})
}
