package nursery_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A job is a task with a value.
type job = func(ctx context.Context) (int, error)

// after returns a job that takes d and returns v and err, unless it is canceled.
func after(d time.Duration, v int, err error) job {
	return func(ctx context.Context) (int, error) {
		if err := cancel.Sleep(ctx, d); err != nil {
			return -1, err
		}
		return v, err
	}
}

// wantTime fails the test unless exactly that time has passed since start.
func wantTime(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if d := time.Since(start); d != want {
		t.Errorf("it took %v, want %v", d, want)
	}
}

func TestGather(t *testing.T) {
	bubble(t, "N1/values in the order of the arguments", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		got, err := nursery.Gather(ctx, after(3*time.Second, 1, nil), after(time.Second, 2, nil), after(2*time.Second, 3, nil))
		if err != nil || !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("Gather() = %v, %v, want 1, 2, 3", got, err)
		}
		wantTime(t, start, 3*time.Second)
		none, err := nursery.Gather[int](ctx)
		if err != nil || none == nil || len(none) != 0 {
			t.Errorf("Gather() = %v, %v, want an empty slice", none, err)
		}
	})
	bubble(t, "N2/a failure cancels the others", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		got, err := nursery.Gather(ctx, after(time.Hour, 1, nil), after(time.Second, 2, errBoom), after(0, 3, nil))
		if got != nil || len(failures(t, err)) != 1 || failures(t, err)[0] != errBoom {
			t.Errorf("Gather() = %v, %v, want nil, boom", got, err)
		}
		wantTime(t, start, time.Second)
	})
	bubble(t, "N6/an outer cancellation", func(t *testing.T, ctx context.Context) {
		moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
			got, err := nursery.Gather(ctx, after(time.Hour, 1, nil), after(0, 2, nil))
			if got != nil {
				t.Errorf("Gather() = %v, want nil", got)
			}
			return err
		})
		if !moved || err != nil {
			t.Errorf("MoveOnAfter() = %v, %v, want true, nil", moved, err)
		}
	})
	bubble(t, "N5/a cancellation that Run does not report is an error if a value is missing", func(t *testing.T, ctx context.Context) {
		stop := func(ctx context.Context) (int, error) {
			cancel.FromContext(ctx).Cancel(io.EOF)
			return 1, nil
		}
		got, err := nursery.Gather(ctx, stop, after(time.Hour, 2, nil))
		if e := new(cancel.Error); got != nil || !errors.As(err, &e) || e.Reason.Cause != io.EOF {
			t.Errorf("Gather() = %v, %v, want the cancellation", got, err)
		}
		got, err = nursery.Gather(ctx, stop, func(context.Context) (int, error) { return 2, nil })
		if err != nil || !slices.Equal(got, []int{1, 2}) {
			t.Errorf("Gather() = %v, %v, want 1, 2", got, err)
		}
	})
}

func TestSettle(t *testing.T) {
	bubble(t, "N12/the result of each job", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		got := nursery.Settle(ctx, after(2*time.Second, 1, nil), after(time.Second, 2, errBoom), after(3*time.Second, 3, nil))
		if want := []nursery.Outcome[int]{{1, nil}, {2, errBoom}, {3, nil}}; !slices.Equal(got, want) {
			t.Errorf("Settle() = %v, want %v", got, want)
		}
		wantTime(t, start, 3*time.Second)
		if got := nursery.Settle[int](ctx); len(got) != 0 {
			t.Errorf("Settle() = %v, want an empty slice", got)
		}
	})
	bubble(t, "N6/results from before a deadline are kept", func(t *testing.T, ctx context.Context) {
		scope := cancel.New(ctx, cancel.Timeout(1500*time.Millisecond))
		got := nursery.Settle(scope, after(time.Second, 1, nil), after(2*time.Second, 2, nil), after(time.Second, 3, errBoom))
		if len(got) != 3 || got[0] != (nursery.Outcome[int]{1, nil}) || !scope.IsEcho(got[1].Err) || got[2].Err != errBoom {
			t.Errorf("Settle() = %v, want 1, the deadline, boom", got)
		}
	})
}

func TestRace(t *testing.T) {
	for name, err := range map[string]error{"value": nil, "error": errBoom} {
		bubble(t, "N16/the first job to return wins, and the others are joined: "+name, func(t *testing.T, ctx context.Context) {
			start := time.Now()
			joined := false
			got, e := nursery.Race(ctx, after(time.Hour, 1, nil), after(time.Second, 2, err), func(ctx context.Context) (int, error) {
				<-ctx.Done()
				time.Sleep(time.Second)
				joined = true
				return 3, io.EOF
			})
			if got != 2 || e != err || !joined {
				t.Errorf("Race() = %d, %v, joined %v, want 2, %v", got, e, joined, err)
			}
			wantTime(t, start, 2*time.Second)
		})
	}
	bubble(t, "N8/a panic of a job that lost continues", func(t *testing.T, ctx context.Context) {
		late := func(ctx context.Context) (int, error) { <-ctx.Done(); panic("late") }
		for _, race := range []func(context.Context, ...job) (int, error){nursery.Race[int], nursery.First[int]} {
			if p := caught(t, func() { _, _ = race(ctx, after(0, 1, nil), late) }); p.Value != "late" {
				t.Errorf("panic(%v), want late", p.Value)
			}
		}
	})
	bubble(t, "N16/an outer cancellation belongs to the outer scope", func(t *testing.T, ctx context.Context) {
		moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
			_, err := nursery.Race(ctx, after(time.Hour, 1, nil), after(time.Hour, 2, nil))
			return err
		})
		if !moved || err != nil {
			t.Errorf("MoveOnAfter() = %v, %v, want true, nil", moved, err)
		}
	})
}

func TestFirst(t *testing.T) {
	bubble(t, "N16/the first job to succeed wins, and the others are joined", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		got, err := nursery.First(ctx, after(time.Second, 1, errBoom), after(2*time.Second, 2, nil), after(time.Hour, 3, nil), func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			return 4, io.EOF
		}, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 5, nil
		})
		if got != 2 || err != nil {
			t.Errorf("First() = %d, %v, want 2, nil", got, err)
		}
		wantTime(t, start, 3*time.Second)
	})
	bubble(t, "N16/if no job succeeds the error holds all failures", func(t *testing.T, ctx context.Context) {
		got, err := nursery.First(ctx, after(2*time.Second, 1, errBoom), after(time.Second, 2, io.EOF))
		if f := failures(t, err); got != 0 || !slices.Equal(f, []error{io.EOF, errBoom}) {
			t.Errorf("First() = %d, %v, want EOF and boom", got, err)
		}
	})
	bubble(t, "N16/an outer cancellation is reported with earlier failures", func(t *testing.T, ctx context.Context) {
		scope := cancel.New(ctx, cancel.Timeout(2*time.Second))
		_, err := nursery.First(scope, after(time.Second, 1, errBoom), after(time.Hour, 2, nil), after(time.Hour, 3, nil))
		if f := failures(t, err); len(f) != 2 || f[0] != errBoom || !scope.IsEcho(f[1]) {
			t.Errorf("First() = %v, want boom and the deadline", err)
		}
	})
	bubble(t, "N5/a cancellation that Run does not report is an error", func(t *testing.T, ctx context.Context) {
		_, err := nursery.First(ctx, func(ctx context.Context) (int, error) {
			cancel.FromContext(ctx).Cancel(io.EOF)
			return 0, ctx.Err()
		}, after(time.Hour, 2, nil))
		if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != io.EOF {
			t.Errorf("First() = %v, want the cancellation", err)
		}
	})
}

// TestComputations tests what Gather and its kin have in common.
func TestComputations(t *testing.T) {
	computations := map[string]func(ctx context.Context, tasks ...job) error{
		"Gather": func(ctx context.Context, tasks ...job) error { _, err := nursery.Gather(ctx, tasks...); return err },
		"Settle": func(ctx context.Context, tasks ...job) error { nursery.Settle(ctx, tasks...); return nil },
		"Race":   func(ctx context.Context, tasks ...job) error { _, err := nursery.Race(ctx, tasks...); return err },
		"First":  func(ctx context.Context, tasks ...job) error { _, err := nursery.First(ctx, tasks...); return err },
	}
	for name, compute := range computations {
		bubble(t, "N7/bad input panics at the call: "+name, func(t *testing.T, ctx context.Context) {
			mustPanic(t, "nursery: "+name+": nil context", func() { _ = compute(nil, after(0, 1, nil)) })
			mustPanic(t, "nursery: "+name+": task 1 is nil", func() { _ = compute(ctx, after(0, 1, nil), nil) })
			if name == "Race" || name == "First" {
				if err := compute(ctx); err != nursery.ErrNoTasks {
					t.Errorf("%s() = %v, want ErrNoTasks", name, err)
				}
			}
		})
		bubble(t, "N8/a panic continues in the caller when all have returned: "+name, func(t *testing.T, ctx context.Context) {
			start := time.Now()
			p := caught(t, func() {
				_ = compute(ctx, func(context.Context) (int, error) { panic("v") }, func(ctx context.Context) (int, error) {
					<-ctx.Done()
					time.Sleep(time.Second)
					return 0, ctx.Err()
				})
			})
			if p.Value != "v" {
				t.Errorf("panic(%v), want v", p.Value)
			}
			wantTime(t, start, time.Second)
		})
		bubble(t, "N9/Goexit continues in the caller: "+name, func(t *testing.T, ctx context.Context) {
			how := runToEnd(func() {
				_ = compute(ctx, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }, after(time.Hour, 1, nil))
			})
			if how != "called Goexit" {
				t.Errorf("%s %s, want Goexit", name, how)
			}
		})
		bubble(t, "N1/a context that is done from the start: "+name, func(t *testing.T, ctx context.Context) {
			cancel.FromContext(ctx).Cancel(errBoom)
			ran := make(chan bool, 2)
			task := func(ctx context.Context) (int, error) { ran <- true; return 0, cancel.Err(ctx) }
			if err := compute(ctx, task, task); name != "Settle" && !cancel.FromContext(ctx).IsEcho(err) {
				t.Errorf("%s() = %v, want the cancellation", name, err)
			}
			if len(ran) != 2 {
				t.Errorf("%d tasks ran, want 2", len(ran))
			}
		})
	}
}
