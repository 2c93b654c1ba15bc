package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

func TestFor(t *testing.T) {
	for _, limit := range []int{1, 3, 100} {
		bubble(t, fmt.Sprintf("N11/each index once, %d at a time", limit), func(t *testing.T, ctx context.Context) {
			const count = 20
			start := time.Now()
			var calls [count]atomic.Int32
			var crowd kit.Crowd
			err := nursery.For(ctx, count, func(ctx context.Context, i int) error {
				calls[i].Add(1)
				defer crowd.Enter()()
				return cancel.Sleep(ctx, time.Second)
			}, nursery.Limit(limit))
			for i := range calls {
				if n := calls[i].Load(); n != 1 {
					t.Errorf("index %d was called %d times, want once", i, n)
				}
			}
			if want := min(limit, count); err != nil || crowd.Most() > want {
				t.Errorf("For() = %v, %d at a time, want nil, %d", err, crowd.Most(), want)
			}
			wantTime(t, start, time.Duration((count+limit-1)/limit)*time.Second)
		})
	}
	bubble(t, "N11/without a limit one call per processor", func(t *testing.T, ctx context.Context) {
		start, procs := time.Now(), runtime.GOMAXPROCS(0)
		err := nursery.For(ctx, 10*procs, func(ctx context.Context, _ int) error { return cancel.Sleep(ctx, time.Second) })
		if err != nil {
			t.Errorf("For() = %v, want nil", err)
		}
		wantTime(t, start, 10*time.Second)
	})
	bubble(t, "N11/in order", func(t *testing.T, ctx context.Context) {
		var order []int
		err := nursery.For(ctx, 5, func(_ context.Context, i int) error { order = append(order, i); return nil }, nursery.Limit(1))
		if want := []int{0, 1, 2, 3, 4}; err != nil || !slices.Equal(order, want) {
			t.Errorf("For() = %v in the order %v, want nil, %v", err, order, want)
		}
		if err := nursery.For(ctx, 0, func(context.Context, int) error { return errBoom }); err != nil {
			t.Errorf("For() = %v, want nil", err)
		}
	})
	bubble(t, "N2/a failure cancels the others, and no other call begins", func(t *testing.T, ctx context.Context) {
		var begun atomic.Int32
		err := nursery.For(ctx, 1000, func(ctx context.Context, i int) error {
			begun.Add(1)
			if i == 4 {
				return errBoom
			}
			return cancel.Sleep(ctx, time.Second)
		}, nursery.Limit(3))
		if f := failures(t, err); len(f) != 1 || !isItem(f[0], 4, errBoom) || begun.Load() > 6 {
			t.Errorf("For() = %v after %d calls, want boom after at most 6", err, begun.Load())
		}
	})
	bubble(t, "N12/with KeepGoing the other calls go on", func(t *testing.T, ctx context.Context) {
		var begun atomic.Int32
		err := nursery.For(ctx, 100, func(ctx context.Context, i int) error {
			begun.Add(1)
			if i%10 == 0 {
				return errors.New(strconv.Itoa(i))
			}
			return nil
		}, nursery.Limit(3), nursery.KeepGoing())
		if len(failures(t, err)) != 10 || begun.Load() != 100 {
			t.Errorf("For() = %v after %d calls, want 10 failures after 100", err, begun.Load())
		}
	})
	bubble(t, "N6/a cancellation that left items undone is an error, even if no call returns it", func(t *testing.T, ctx context.Context) {
		for _, deaf := range []bool{true, false} {
			scope := cancel.New(ctx, cancel.Timeout(2500*time.Millisecond))
			begun := 0
			err := nursery.For(scope, 5, func(ctx context.Context, i int) error {
				begun++
				if deaf {
					time.Sleep(time.Second)
					return nil
				}
				return cancel.Sleep(ctx, time.Second)
			}, nursery.Limit(1))
			if !scope.IsEcho(err) || begun != 3 {
				t.Errorf("For() = %v after %d calls, want the deadline after 3", err, begun)
			}
		}
		scope := cancel.New(ctx)
		err := nursery.For(scope, 3, func(_ context.Context, i int) error {
			if i == 2 {
				scope.Cancel(nil)
			}
			return nil
		}, nursery.Limit(1))
		if err != nil {
			t.Errorf("For() = %v, want nil because no item was left undone", err)
		}
		err = nursery.For(ctx, 3, func(ctx context.Context, i int) error {
			cancel.FromContext(ctx).Cancel(io.EOF)
			return nil
		}, nursery.Limit(1))
		if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != io.EOF {
			t.Errorf("For() = %v, want the inner cancellation", err)
		}
	})
	for _, limit := range []int{1, 3} {
		bubble(t, fmt.Sprintf("N8/a panic continues in the caller, limit %d", limit), func(t *testing.T, ctx context.Context) {
			for _, at := range []int{0, 1, 5} {
				var begun atomic.Int32
				p := caught(t, func() {
					_ = nursery.For(ctx, 1000, func(ctx context.Context, i int) error {
						begun.Add(1)
						if i == at {
							explode("v")
						}
						return cancel.Sleep(ctx, time.Second)
					}, nursery.Limit(limit), nursery.KeepGoing())
				})
				if p.Value != "v" || begun.Load() > int32(at+limit) {
					t.Errorf("panic(%v) after %d calls, want v after at most %d", p.Value, begun.Load(), at+limit)
				}
			}
		})
		bubble(t, fmt.Sprintf("N8/with RecoverPanics and KeepGoing the other calls go on, limit %d", limit), func(t *testing.T, ctx context.Context) {
			var done atomic.Int32
			err := nursery.For(ctx, 50, func(_ context.Context, i int) error {
				if i%10 == 0 {
					panic(i)
				}
				done.Add(1)
				return nil
			}, nursery.Limit(limit), nursery.KeepGoing(), nursery.RecoverPanics())
			if len(failures(t, err)) != 5 || done.Load() != 45 {
				t.Errorf("For() = %v, %d done, want 5 panics and 45 done", err, done.Load())
			}
		})
		bubble(t, fmt.Sprintf("N9/Goexit continues in the caller, limit %d", limit), func(t *testing.T, ctx context.Context) {
			for _, at := range []int{0, 1, 2} {
				how := runToEnd(func() {
					_ = nursery.For(ctx, 100, func(ctx context.Context, i int) error {
						if i == at {
							runtime.Goexit()
						}
						return cancel.Sleep(ctx, time.Second)
					}, nursery.Limit(limit))
				})
				if how != "called Goexit" {
					t.Errorf("For %s, want Goexit", how)
				}
			}
		})
	}
	bubble(t, "N7/bad input panics at the call", func(t *testing.T, ctx context.Context) {
		var none context.Context
		fn := func(context.Context, int) error { return nil }
		mustPanic(t, "nursery: For: nil context", func() { _ = nursery.For(none, 1, fn) })
		mustPanic(t, "nursery: For: nil function", func() { _ = nursery.For(ctx, 1, nil) })
		mustPanic(t, "nursery: For: count must not be negative, got -1", func() { _ = nursery.For(ctx, -1, fn) })
		mustPanic(t, "nursery: For: nil option", func() { _ = nursery.For(ctx, 1, fn, nil) })
		item := func(context.Context, int) (int, error) { return 0, nil }
		mustPanic(t, "nursery: Map: nil context", func() { _, _ = nursery.Map(none, []int{1}, item) })
		mustPanic(t, "nursery: Map: nil function", func() { _, _ = nursery.Map[int, int](ctx, nil, nil) })
	})
}

func TestMap(t *testing.T) {
	square := func(ctx context.Context, v int) (int, error) {
		if v < 0 {
			return 99, errBoom
		}
		return v * v, cancel.Sleep(ctx, time.Duration(10-v)*time.Second)
	}
	bubble(t, "N11/results in the order of the items", func(t *testing.T, ctx context.Context) {
		got, err := nursery.Map(ctx, []int{1, 2, 3, 4}, square, nursery.Limit(3))
		if err != nil || !slices.Equal(got, []int{1, 4, 9, 16}) {
			t.Errorf("Map() = %v, %v, want the squares", got, err)
		}
		got, err = nursery.Map(ctx, nil, square)
		if err != nil || got == nil || len(got) != 0 {
			t.Errorf("Map() = %v, %v, want an empty slice", got, err)
		}
	})
	bubble(t, "N2/a failure cancels the others", func(t *testing.T, ctx context.Context) {
		got, err := nursery.Map(ctx, []int{1, 2, -3, 4}, square, nursery.Limit(4))
		if f := failures(t, err); got != nil || len(f) != 1 || !isItem(f[0], 2, errBoom) {
			t.Errorf("Map() = %v, %v, want nil, boom", got, err)
		}
	})
	bubble(t, "N12/with KeepGoing Map returns the other results", func(t *testing.T, ctx context.Context) {
		got, err := nursery.Map(ctx, []int{1, -2, 3}, square, nursery.KeepGoing(), nursery.Name("squares"))
		if f := failures(t, err); !slices.Equal(got, []int{1, 0, 9}) || len(f) != 1 {
			t.Errorf("Map() = %v, %v, want 1, 0, 9 and boom", got, err)
		}
		if g := (*nursery.GroupError)(nil); !errors.As(err, &g) || g.Nursery() != "squares" {
			t.Errorf("Map() = %+v, want the name of the nursery", err)
		}
	})
	bubble(t, "N11/nested Map", func(t *testing.T, ctx context.Context) {
		got, err := nursery.Map(ctx, []int{1, 2, 3}, func(ctx context.Context, v int) ([]int, error) {
			return nursery.Map(ctx, []int{v, v + 1}, square, nursery.Limit(1))
		}, nursery.Limit(1))
		if want := "[[1 4] [4 9] [9 16]]"; err != nil || fmt.Sprint(got) != want {
			t.Errorf("Map() = %v, %v, want %s", got, err, want)
		}
	})
}
