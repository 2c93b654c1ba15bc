package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestStreamOrder(t *testing.T) {
	// backwards lets later items return earlier.
	backwards := func(ctx context.Context, i int) (int, error) {
		return i, cancel.Sleep(ctx, time.Duration(4-i%4)*time.Second)
	}
	bubble(t, "N15/Stream keeps the order of the items", func(t *testing.T, ctx context.Context) {
		for _, limit := range []int{1, 2, 4, 7} {
			got, err := drain(nursery.Stream(ctx, ints(40), backwards, nursery.Limit(limit)))
			if err != nil || len(got) != 40 || !slices.IsSorted(got) {
				t.Errorf("limit %d: got %v, %v, want 0 to 39 in order", limit, got, err)
			}
		}
	})
	bubble(t, "N15/StreamUnordered yields results as they come", func(t *testing.T, ctx context.Context) {
		got, err := drain(nursery.StreamUnordered(ctx, ints(4), backwards, nursery.Limit(4)))
		if err != nil || !slices.Equal(got, []int{3, 2, 1, 0}) {
			t.Errorf("got %v, %v, want 3 2 1 0", got, err)
		}
	})
	bubble(t, "N15/a result is yielded as soon as possible, even while the source blocks", func(t *testing.T, ctx context.Context) {
		for _, f := range streams {
			start := time.Now()
			for v, err := range f.of(ctx, func(yield func(int) bool) {
				yield(1)
				time.Sleep(time.Hour)
			}, double) {
				if v != 2 || err != nil {
					t.Errorf("%s: got %v, %v, want 2", f.name, v, err)
				}
				wantTime(t, start, time.Second)
			}
		}
	})
	bubble(t, "N15/each loop starts over", func(t *testing.T, ctx context.Context) {
		for _, f := range streams {
			s := f.of(ctx, ints(3), double)
			for range 2 {
				if got, err := drain(s); err != nil || len(got) != 3 {
					t.Errorf("%s: got %v, %v, want 3 results", f.name, got, err)
				}
			}
		}
	})
	bubble(t, "N15/a stream of a stream", func(t *testing.T, ctx context.Context) {
		for _, f := range streams {
			values := func(yield func(int) bool) {
				for v, err := range f.of(ctx, ints(endless), double, nursery.Limit(3)) {
					if err != nil {
						t.Errorf("got %v, want nil", err)
					}
					if !yield(v) {
						return
					}
				}
			}
			var got []int
			for v, err := range nursery.Stream(ctx, values, double, nursery.Limit(1)) {
				if got = append(got, v); err != nil || len(got) == 3 {
					break
				}
			}
			if slices.Sort(got); !slices.Equal(got, []int{0, 4, 8}) {
				t.Errorf("%s: got %v, want 0, 4 and 8", f.name, got)
			}
		}
	})
}

func TestStreamWindow(t *testing.T) {
	for _, f := range streams {
		bubble(t, "N11/"+f.name+"/results that the loop has not taken count", func(t *testing.T, ctx context.Context) {
			var asked atomic.Int32
			taken := int32(0)
			for _, err := range f.of(ctx, count(20, &asked), func(_ context.Context, i int) (int, error) { return i, nil }, nursery.Limit(3)) {
				taken++
				synctest.Wait()
				if want := min(20, taken+3); err != nil || asked.Load() != want {
					t.Errorf("%d items requested when %d were taken, %v, want %d, nil", asked.Load(), taken, err, want)
				}
			}
		})
	}
	bubble(t, "N11/a slow call holds up later results", func(t *testing.T, ctx context.Context) {
		var begun atomic.Int32
		for _, err := range nursery.Stream(ctx, ints(10), func(ctx context.Context, i int) (int, error) {
			begun.Add(1)
			if i > 0 {
				return i, nil
			}
			return i, cancel.Sleep(ctx, time.Second)
		}, nursery.Limit(4)) {
			// Taking the result frees a slot, and another call may have begun in it.
			if n := begun.Load(); n != 4 && n != 5 || err != nil {
				t.Errorf("%d calls begun at the first result, %v, want 4 or 5, nil", n, err)
			}
			return
		}
	})
}

func TestStreamFailure(t *testing.T) {
	bubble(t, "N15/Stream yields the results before the failure", func(t *testing.T, ctx context.Context) {
		got, err := drain(nursery.Stream(ctx, ints(endless), func(_ context.Context, i int) (int, error) {
			if i == 4 {
				return 0, errBoom
			}
			return i, nil
		}, nursery.Limit(3)))
		if f := failures(t, err); !slices.Equal(got, []int{0, 1, 2, 3}) || len(f) != 1 || !isItem(f[0], 4, errBoom) {
			t.Errorf("got %v, %v, want 0 1 2 3, boom", got, err)
		}
	})
	bubble(t, "N15/Stream yields no results after a missing one", func(t *testing.T, ctx context.Context) {
		got, err := drain(nursery.Stream(ctx, ints(4), func(ctx context.Context, i int) (int, error) {
			switch i {
			case 1: // canceled
				return i, cancel.Sleep(ctx, time.Hour)
			case 2:
				time.Sleep(time.Second)
				return 0, errBoom
			}
			return i, nil
		}, nursery.Limit(4)))
		if f := failures(t, err); !slices.Equal(got, []int{0}) || len(f) != 1 || !isItem(f[0], 2, errBoom) {
			t.Errorf("got %v, %v, want 0, boom", got, err)
		}
	})
	bubble(t, "N15/StreamUnordered yields all results, and the failure last", func(t *testing.T, ctx context.Context) {
		got, err := drain(nursery.StreamUnordered(ctx, ints(3), func(ctx context.Context, i int) (int, error) {
			switch i {
			case 1:
				time.Sleep(time.Second)
				return 0, errBoom
			case 2:
				<-ctx.Done()
			}
			return i, nil
		}, nursery.Limit(3)))
		if f := failures(t, err); len(f) != 1 || !isItem(f[0], 1, errBoom) || !slices.Contains(got, 0) || !slices.Contains(got, 2) {
			t.Errorf("got %v, %v, want 0 and 2 among them, boom", got, err)
		}
	})
	for _, f := range streams {
		bubble(t, "N15/"+f.name+"/the error comes when all calls have returned", func(t *testing.T, ctx context.Context) {
			var running atomic.Int32
			for _, err := range f.of(ctx, ints(3), func(ctx context.Context, i int) (int, error) {
				running.Add(1)
				defer running.Add(-1)
				if i == 0 {
					return 0, errBoom
				}
				<-ctx.Done()
				time.Sleep(time.Second)
				return 0, ctx.Err()
			}, nursery.Limit(3)) {
				if len(failures(t, err)) != 1 || running.Load() != 0 {
					t.Errorf("got %v while %d calls are running, want boom, 0", err, running.Load())
				}
			}
		})
		bubble(t, "N12/"+f.name+"/with KeepGoing each item has a pair", func(t *testing.T, ctx context.Context) {
			var got []string
			for v, err := range f.of(ctx, ints(8), func(_ context.Context, i int) (int, error) {
				switch i % 4 {
				case 1:
					return 99, errBoom
				case 2:
					panic(i)
				}
				return i, nil
			}, nursery.Limit(1), nursery.KeepGoing(), nursery.RecoverPanics()) {
				if p := (*nursery.PanicError)(nil); errors.As(err, &p) {
					wantStack(t, p, "nursery_test.TestStreamFailure")
				}
				got = append(got, fmt.Sprintf("%d %v", v, message(err)))
			}
			want := []string{
				"0 <nil>", "0 item 1: boom", "0 item 2 panicked: 2", "3 <nil>",
				"4 <nil>", "0 item 5: boom", "0 item 6 panicked: 6", "7 <nil>",
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
		bubble(t, "N12/"+f.name+"/with KeepGoing a cancellation is an error for each begun item and one for the rest", func(t *testing.T, ctx context.Context) {
			scope := cancel.New(ctx, cancel.Timeout(1500*time.Millisecond))
			var values, errs int
			for _, err := range f.of(scope, ints(endless), double, nursery.Limit(3), nursery.KeepGoing()) {
				if err == nil {
					values++
				} else if errs++; !scope.IsEcho(err) {
					t.Errorf("got %v, want the deadline", err)
				}
			}
			if values != 3 || errs != 4 {
				t.Errorf("got %d values and %d errors, want 3 and 4", values, errs)
			}
		})
		bubble(t, "N12/"+f.name+"/a panic of the source with KeepGoing comes last", func(t *testing.T, ctx context.Context) {
			got, err := drain(f.of(ctx, func(yield func(int) bool) {
				ints(2)(yield)
				panic("v")
			}, double, nursery.Limit(3), nursery.KeepGoing(), nursery.RecoverPanics()))
			if len(got) != 2 || len(failures(t, err)) != 1 {
				t.Errorf("got %v, %v, want 2 results and the panic", got, err)
			}
		})
	}
}

// N12: an error behind a result that is lost is not lost.
func TestStreamKeepsErrors(t *testing.T) {
	bubble(t, "N8/behind a panic", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			for _, err := range nursery.Stream(ctx, ints(3), func(_ context.Context, i int) (int, error) {
				if i == 0 {
					time.Sleep(time.Second)
					panic("oops")
				}
				return 0, errBoom
			}, nursery.Limit(3), nursery.KeepGoing()) {
				t.Errorf("got a pair with the error %v, want none", err)
			}
		})
		if len(p.Others) != 2 || !isItem(p.Others[0], 1, errBoom) || !isItem(p.Others[1], 2, errBoom) {
			t.Errorf("Others = %v, want the errors of items 1 and 2", p.Others)
		}
	})
	bubble(t, "N12/behind an item that was canceled while it waited for a token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		scope := cancel.New(ctx)
		var last error
		for _, err := range nursery.Stream(scope, ints(2), func(_ context.Context, i int) (int, error) {
			if i == 0 { // it has the token, and item 1 waits
				time.Sleep(time.Second)
				return 0, nil
			}
			return 0, errBoom
		}, nursery.Limit(2), nursery.KeepGoing(), nursery.LimitBy(l)) {
			if err == nil {
				scope.Cancel(nil)
			}
			last = err
		}
		if last == nil {
			t.Error("the last pair has no error, want boom or the cancellation")
		}
	})
}

func TestStreamLeft(t *testing.T) {
	for _, f := range streams {
		// leave loops over a stream and calls the function leave in the loop. After the
		// loop, all calls and the source must have returned.
		leave := func(t *testing.T, ctx context.Context, leave func() (stay bool)) {
			var running atomic.Int32
			defer func() {
				if r := running.Load(); r != 0 {
					t.Errorf("%d calls are running after the loop, want 0", r)
				}
			}()
			for range f.of(ctx, func(yield func(int) bool) {
				running.Add(1)
				defer running.Add(-1)
				defer time.Sleep(time.Second)
				ints(endless)(yield)
			}, func(ctx context.Context, i int) (int, error) {
				running.Add(1)
				defer running.Add(-1)
				if i == 0 {
					return 0, nil
				}
				<-ctx.Done()
				time.Sleep(time.Second)
				if cause := context.Cause(ctx); cause.Error() != "the loop over the stream was left" {
					t.Errorf("the cause is %v, want an error that says the loop was left", cause)
				}
				return 0, errBoom // dropped
			}, nursery.Limit(3)) {
				synctest.Wait()
				if !leave() {
					break
				}
			}
		}
		bubble(t, "N15/"+f.name+"/break", func(t *testing.T, ctx context.Context) {
			start := time.Now()
			leave(t, ctx, func() bool { return false })
			wantTime(t, start, time.Second)
		})
		bubble(t, "N15/"+f.name+"/a panic of the loop continues unchanged", func(t *testing.T, ctx context.Context) {
			defer func() {
				if v := recover(); v != "mine" {
					t.Errorf("panic(%v), want mine", v)
				}
			}()
			leave(t, ctx, func() bool { panic("mine") })
		})
		bubble(t, "N15/"+f.name+"/Goexit of the loop", func(t *testing.T, ctx context.Context) {
			if how := runToEnd(func() { leave(t, ctx, func() bool { runtime.Goexit(); return true }) }); how != "called Goexit" {
				t.Errorf("it %s, want Goexit", how)
			}
		})
		bubble(t, "N15/"+f.name+"/pulled, and stopped", func(t *testing.T, ctx context.Context) {
			var running atomic.Int32
			next, stop := iter.Pull2(f.of(ctx, ints(endless), func(ctx context.Context, i int) (int, error) {
				running.Add(1)
				defer running.Add(-1)
				return double(ctx, i)
			}, nursery.Limit(3)))
			for range 4 {
				if _, err, ok := next(); err != nil || !ok {
					t.Errorf("next() = %v, %v, want a result", err, ok)
				}
			}
			stop()
			if r := running.Load(); r != 0 {
				t.Errorf("%d calls are running after stop, want 0", r)
			}
		})
		bubble(t, "N15/"+f.name+"/return from nested loops", func(t *testing.T, ctx context.Context) {
			got := func() int {
				for range f.of(ctx, ints(endless), double, nursery.Limit(3)) {
					for v := range f.of(ctx, ints(endless), double, nursery.Limit(3)) {
						return v + 1
					}
				}
				return 0
			}()
			if got%2 != 1 {
				t.Errorf("got %d, want an odd number", got)
			}
		})
		bubble(t, "N15/"+f.name+"/a panic or Goexit while the loop is being left", func(t *testing.T, ctx context.Context) {
			last := func(end func()) func() {
				return func() {
					for range f.of(ctx, ints(endless), func(ctx context.Context, i int) (int, error) {
						if i > 0 {
							<-ctx.Done()
							end()
						}
						return 0, nil
					}, nursery.Limit(2)) {
						synctest.Wait()
						break
					}
				}
			}
			if p := caught(t, last(func() { panic("v") })); p.Value != "v" {
				t.Errorf("panic(%v), want v", p.Value)
			}
			if how := runToEnd(last(runtime.Goexit)); how != "called Goexit" {
				t.Errorf("it %s, want Goexit", how)
			}
		})
		bubble(t, "N15/"+f.name+"/a panic in the loop and one of a call", func(t *testing.T, ctx context.Context) {
			p := caught(t, func() {
				for range f.of(ctx, ints(endless), func(ctx context.Context, i int) (int, error) {
					if i > 0 {
						<-ctx.Done()
						panic("call")
					}
					return 0, nil
				}, nursery.Limit(2)) {
					synctest.Wait()
					panic("loop")
				}
			})
			if p.Value != "call" {
				t.Errorf("panic(%v), want the later panic, of the call", p.Value)
			}
			func() {
				defer func() {
					if v := recover(); v != "loop" {
						t.Errorf("panic(%v), want the panic of the loop, not Goexit", v)
					}
				}()
				for range f.of(ctx, ints(endless), func(ctx context.Context, i int) (int, error) {
					if i > 0 {
						<-ctx.Done()
						runtime.Goexit()
					}
					return 0, nil
				}, nursery.Limit(2)) {
					synctest.Wait()
					panic("loop")
				}
			}()
		})
		bubble(t, "N15/"+f.name+"/a panic in the loop over the last pair", func(t *testing.T, ctx context.Context) {
			defer func() {
				if err, ok := recover().(error); !ok || !isItem(err, 0, errBoom) {
					t.Errorf("panic(%v), want boom", err)
				}
			}()
			for _, err := range f.of(ctx, ints(1), func(context.Context, int) (int, error) { return 0, errBoom }) {
				panic(err.(*nursery.GroupError).Unwrap()[0])
			}
		})
	}
}
