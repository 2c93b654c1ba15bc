package errgroup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/errgroup"
	"github.com/grove-go/grove/testutil"
)

var (
	bubble    = kit.Bubble
	mustPanic = kit.MustPanic
)

var (
	errFull = errors.New("disk full")
	errGone = errors.New("404: gone")
)

// fails returns a task that fails at once.
func fails(err error) func() error { return func() error { return err } }

// after returns a task that fails when so much time has passed.
func after(d time.Duration, err error) func() error {
	return func() error {
		time.Sleep(d)
		return err
	}
}

// untilDone returns a task that waits for ctx, and then returns what f returns.
func untilDone(ctx context.Context, f func() error) func() error {
	return func() error {
		<-ctx.Done()
		return f()
	}
}

// lineBelow returns the place of the line below its caller, as errgroup shows places.
func lineBelow() string {
	_, _, line, _ := runtime.Caller(1)
	return "group_test.go:" + strconv.Itoa(line+1)
}

// wantWait fails the test unless Wait returns the very error.
func wantWait(t *testing.T, g *errgroup.Group, want error) {
	t.Helper()
	if err := g.Wait(); err != want {
		t.Errorf("Wait() = %v, want %v", err, want)
	}
}

// wantFailures fails the test unless Err holds these errors, each in a TaskError.
func wantFailures(t *testing.T, g *errgroup.Group, want ...error) {
	t.Helper()
	err := g.Err()
	if len(want) == 0 {
		if err != nil {
			t.Errorf("Err() = %v, want nil", err)
		}
		return
	}
	group, ok := errors.AsType[*nursery.GroupError](err)
	if !ok {
		t.Fatalf("Err() = %v (%T), want a *GroupError", err, err)
	}
	failures := group.Unwrap()
	if len(failures) != len(want) {
		t.Fatalf("Err() = %v, want %d failures", err, len(want))
	}
	for i, f := range failures {
		if task, ok := f.(*nursery.TaskError); !ok || task.Err != want[i] {
			t.Errorf("failure %d is %v (%T), want a *TaskError with %v", i, f, f, want[i])
		}
	}
}

// panicOf returns what fn panics with, or nil.
func panicOf(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

func TestWait(t *testing.T) {
	bubble(t, "E2/the first error, itself", func(t *testing.T, ctx context.Context) {
		g, _ := errgroup.WithContext(ctx)
		g.Go(after(2*time.Second, errGone))
		g.Go(after(time.Second, errFull))
		g.Go(fails(nil))
		wantWait(t, g, errFull)
		wantWait(t, g, errFull)
		wantFailures(t, g, errFull, errGone)
	})
	bubble(t, "E2/nil", func(t *testing.T, ctx context.Context) {
		g, _ := errgroup.WithContext(ctx)
		g.Go(fails(nil))
		wantWait(t, g, nil)
		wantFailures(t, g)
	})
	bubble(t, "E2/no task", func(t *testing.T, ctx context.Context) {
		var zero errgroup.Group
		wantWait(t, &zero, nil)
		g, ctx := errgroup.WithContext(ctx)
		wantWait(t, g, nil)
		wantWait(t, g, nil)
		wantFailures(t, g)
		if ctx.Err() != context.Canceled {
			t.Errorf("Err() = %v after Wait, want context.Canceled", ctx.Err())
		}
	})
	bubble(t, "E2/an error of an uncomparable type", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return list{"a", "b"} })
		g.Go(untilDone(ctx, func() error { return list{"c"} }))
		g.Go(untilDone(ctx, func() error { return context.Cause(ctx) }))
		g.Go(untilDone(ctx, ctx.Err))
		if err, ok := g.Wait().(list); !ok || err[0] != "a" {
			t.Errorf("Wait() = %v, want the list with a", err)
		}
		if got := len(kit.Failures(g.Err())); got != 3 {
			t.Errorf("Err() = %v, want 3 failures", g.Err())
		}
	})
	bubble(t, "E10/by several goroutines", func(t *testing.T, ctx context.Context) {
		g, _ := errgroup.WithContext(ctx)
		g.Go(after(time.Hour, errFull)) // in virtual time, so Wait blocks durably
		var waiters sync.WaitGroup
		for range 3 {
			waiters.Go(func() { wantWait(t, g, errFull) })
		}
		waiters.Wait()
	})
	bubble(t, "E10/Go begins anew", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(fails(nil))
		wantWait(t, g, nil)
		g.Go(after(time.Second, errFull))
		g.Go(after(2*time.Second, errGone))
		wantWait(t, g, errFull)
		g.Go(fails(io.EOF))
		wantWait(t, g, errFull)
		wantFailures(t, g, errFull, errGone, io.EOF)
		if context.Cause(ctx) != context.Canceled {
			t.Errorf("Cause() = %v, want the cause of the first Wait, context.Canceled", context.Cause(ctx))
		}
	})
	bubble(t, "E10/a WithContext that was waited for without tasks", func(t *testing.T, ctx context.Context) {
		g, _ := errgroup.WithContext(ctx)
		wantWait(t, g, nil)
		g.Go(fails(errFull))
		wantWait(t, g, errFull)
	})
	bubble(t, "E8/tasks of tasks", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		var ran kit.Crowd
		g.Go(func() error {
			ran.Enter()
			time.Sleep(time.Second)
			g.Go(func() error {
				ran.Enter()
				time.Sleep(time.Second)
				g.Go(func() error {
					time.Sleep(time.Second)
					ran.Enter()
					return errFull
				})
				return nil
			})
			return nil
		})
		wantWait(t, &g, errFull)
		if ran.Now() != 3 {
			t.Errorf("%d tasks have run, want 3", ran.Now())
		}
	})
}

// A list is an error that == cannot compare.
type list []string

func (l list) Error() string { return strings.Join(l, ", ") }

func TestErr(t *testing.T) {
	bubble(t, "E3/without what a cancellation made tasks return", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(fails(errFull))
		g.Go(untilDone(ctx, ctx.Err))
		g.Go(untilDone(ctx, func() error { return fmt.Errorf("index: %w", cancel.Err(ctx)) }))
		g.Go(untilDone(ctx, func() error { return errGone }))
		wantWait(t, g, errFull)
		wantFailures(t, g, errFull, errGone)
	})
	bubble(t, "E3/but with what equals or wraps the cause", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		wrapped := fmt.Errorf("read: %w", io.EOF)
		g.Go(fails(io.EOF))
		g.Go(after(time.Second, io.EOF))
		g.Go(after(2*time.Second, wrapped))
		g.Go(untilDone(ctx, ctx.Err))
		wantWait(t, g, io.EOF)
		wantFailures(t, g, io.EOF, io.EOF, wrapped)
	})
	bubble(t, "E3/a cancellation from outside", func(t *testing.T, ctx context.Context) {
		outer, stop := context.WithCancelCause(ctx)
		g, ctx := errgroup.WithContext(outer)
		first := fmt.Errorf("index: %w", context.Canceled)
		g.Go(untilDone(ctx, func() error { return first }))
		g.Go(untilDone(ctx, func() error { time.Sleep(time.Second); return ctx.Err() }))
		g.Go(untilDone(ctx, func() error { time.Sleep(time.Second); return errGone }))
		stop(errFull)
		wantWait(t, g, first)
		wantFailures(t, g, first, errGone)
		if context.Cause(ctx) != errFull {
			t.Errorf("Cause() = %v, want %v", context.Cause(ctx), errFull)
		}
	})
	bubble(t, "E3/a cancellation from outside and nothing else", func(t *testing.T, ctx context.Context) {
		outer, stop := context.WithCancel(ctx)
		g, ctx := errgroup.WithContext(outer)
		for range 3 {
			g.Go(untilDone(ctx, ctx.Err))
			g.Go(untilDone(ctx, func() error { return context.Cause(ctx) }))
		}
		stop()
		wantWait(t, g, context.Canceled)
		wantFailures(t, g, context.Canceled)
	})
	bubble(t, "E3/the cancellation by Wait", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		wantWait(t, g, nil)
		g.Go(fails(errFull))
		g.Go(after(time.Second, ctx.Err()))
		g.Go(after(time.Second, errGone))
		wantWait(t, g, errFull)
		wantFailures(t, g, errFull, errGone)
	})
	bubble(t, "E3/a nursery in a task", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(fails(errFull))
		g.Go(func() error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return untilDone(ctx, ctx.Err)() })
				n.Go(func(ctx context.Context) error { return untilDone(ctx, func() error { return errGone })() })
				return nil
			})
		})
		wantWait(t, g, errFull)
		failures := kit.Failures(g.Err())
		if len(failures) != 2 {
			t.Fatalf("Err() = %v, want 2 failures", g.Err())
		}
		inner, ok := errors.AsType[*nursery.GroupError](failures[1])
		if !ok || len(inner.Unwrap()) != 1 || inner.Unwrap()[0] != errGone {
			t.Errorf("the second failure is %v, want a group of %v", failures[1], errGone)
		}
	})
	bubble(t, "E3/a zero Group has no context", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		g.Go(fails(errFull))
		g.Go(after(time.Second, context.Canceled))
		g.Go(after(2*time.Second, context.DeadlineExceeded))
		wantWait(t, &g, errFull)
		wantFailures(t, &g, errFull, context.Canceled, context.DeadlineExceeded)
	})
	bubble(t, "E3/not before Wait", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		g.Go(fails(errFull))
		testutil.WaitAllBlocked()
		wantFailures(t, &g)
		wantWait(t, &g, errFull)
		wantFailures(t, &g, errFull)
	})
	bubble(t, "E3/the place of the task", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		place := lineBelow()
		g.Go(func() error { return errFull })
		g.Go(server{}.serve)
		_ = g.Wait()
		var got []string
		for _, f := range kit.Failures(g.Err()) {
			got = append(got, f.Error())
		}
		slices.Sort(got)
		if want := []string{`task "errgroup_test.server.serve": 404: gone`, fmt.Sprintf("task %q: disk full", place)}; !slices.Equal(got, want) {
			t.Errorf("the failures are %q, want %q", got, want)
		}
	})
}

// A server has a method that is a task.
type server struct{}

func (server) serve() error { return errGone }

func TestCause(t *testing.T) {
	bubble(t, "E6/the error itself, and the task in the reason", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		place := lineBelow()
		g.Go(func() error { return errFull })
		<-ctx.Done()
		if ctx.Err() != context.Canceled || context.Cause(ctx) != errFull {
			t.Errorf("Err() = %v, Cause() = %v, want context.Canceled, %v", ctx.Err(), context.Cause(ctx), errFull)
		}
		r, ok := cancel.ReasonOf(ctx)
		if !ok || r.Source != cancel.SourceTask || r.Task != place || r.Cause != errFull {
			t.Errorf("ReasonOf() = %#v, want the task %s with %v", r, place, errFull)
		}
		if want := fmt.Sprintf("context canceled: disk full (task %q failed)", r.Task); cancel.Err(ctx).Error() != want {
			t.Errorf("Err() = %v, want %s", cancel.Err(ctx), want)
		}
		wantWait(t, g, errFull)
		if context.Cause(ctx) != errFull {
			t.Errorf("Cause() = %v after Wait, want %v", context.Cause(ctx), errFull)
		}
	})
	bubble(t, "E6/of a panic", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { panic("bug") })
		<-ctx.Done()
		if p, ok := errors.AsType[*nursery.PanicError](context.Cause(ctx)); !ok || p.Value != "bug" {
			t.Errorf("Cause() = %v, want the panic", context.Cause(ctx))
		}
		panicOf(func() { _ = g.Wait() })
	})
	bubble(t, "E6/contexts of package context below", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		below, stop := context.WithCancel(ctx)
		defer stop()
		g.Go(fails(errFull))
		<-below.Done()
		if context.Cause(below) != errFull {
			t.Errorf("Cause() = %v, want %v", context.Cause(below), errFull)
		}
		wantWait(t, g, errFull)
	})
	bubble(t, "E6/of Wait", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(fails(nil))
		wantWait(t, g, nil)
		if ctx.Err() != context.Canceled || context.Cause(ctx) != context.Canceled {
			t.Errorf("Err() = %v, Cause() = %v after Wait, want context.Canceled", ctx.Err(), context.Cause(ctx))
		}
	})
	bubble(t, "E6/a zero Group cancels nothing", func(t *testing.T, ctx context.Context) {
		var g errgroup.Group
		g.Go(fails(errFull))
		g.Go(func() error { return cancel.Sleep(ctx, time.Hour) })
		start := time.Now()
		wantWait(t, &g, errFull)
		if d := time.Since(start); d != time.Hour {
			t.Errorf("Wait returned after %v, want an hour", d)
		}
	})
}

func TestPanic(t *testing.T) {
	bubble(t, "E4/Wait panics when all have returned", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		returned := false
		g.Go(func() error { explode(); return nil })
		g.Go(untilDone(ctx, func() error {
			time.Sleep(time.Second)
			returned = true
			return errGone
		}))
		g.Go(untilDone(ctx, ctx.Err))
		v := panicOf(func() { _ = g.Wait() })
		p, ok := v.(*nursery.PanicError)
		if !ok || p.Value != "bug" || !returned {
			t.Fatalf("panic(%v), the other task has returned: %t, want a *PanicError with bug, true", v, returned)
		}
		if len(p.Others) != 1 || !errors.Is(p.Others[0], errGone) {
			t.Errorf("Others = %v, want %v", p.Others, errGone)
		}
		stack := string(p.Stack)
		if !strings.Contains(stack, "errgroup_test.explode") || strings.Contains(stack, "nursery.(*") || strings.Contains(stack, "errgroup.(*Group)") {
			t.Errorf("the stack has not only the frames of the task:\n%s", stack)
		}
		if again := panicOf(func() { _ = g.Wait() }); again != v {
			t.Errorf("the second Wait: panic(%v), want the same", again)
		}
		failures := kit.Failures(g.Err())
		if len(failures) != 2 || !errors.Is(failures[0], errGone) || failures[1].(*nursery.PanicError).Value != "bug" {
			t.Errorf("Err() = %v, want both failures", g.Err())
		}
	})
	bubble(t, "E4/two panics", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		g.Go(func() error { time.Sleep(time.Second); panic("second") })
		g.Go(func() error { panic("first") })
		p, ok := panicOf(func() { _ = g.Wait() }).(*nursery.PanicError)
		if !ok || p.Value != "first" || len(p.Others) != 1 {
			t.Fatalf("panic(%v), want the first with the second", p)
		}
		if q, ok := p.Others[0].(*nursery.PanicError); !ok || q.Value != "second" {
			t.Errorf("Others = %v, want the second", p.Others)
		}
	})
	bubble(t, "E4/after an error", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(fails(errFull))
		g.Go(untilDone(ctx, func() error { panic("bug") }))
		if p, ok := panicOf(func() { _ = g.Wait() }).(*nursery.PanicError); !ok || p.Value != "bug" || !errors.Is(p, errFull) {
			t.Errorf("panic(%v), want bug with %v", p, errFull)
		}
	})
	bubble(t, "E4/of a zero Group", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		g.Go(func() error { panic("bug") })
		g.Go(after(time.Second, context.Canceled)) // not because of the panic
		if p, ok := panicOf(func() { _ = g.Wait() }).(*nursery.PanicError); !ok || p.Value != "bug" || !errors.Is(p, context.Canceled) {
			t.Errorf("panic(%v), want bug with context.Canceled", p)
		}
	})
	bubble(t, "E4/in two rounds", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		for _, value := range []string{"first", "second"} {
			g.Go(func() error { panic(value) })
			if p, ok := panicOf(func() { _ = g.Wait() }).(*nursery.PanicError); !ok || p.Value != "first" {
				t.Errorf("panic(%v), want the first", p)
			}
		}
		if n := len(kit.Failures(g.Err())); n != 2 {
			t.Errorf("Err has %d failures, want both panics", n)
		}
	})
	bubble(t, "E4/in a later round", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		g.Go(fails(errFull))
		wantWait(t, &g, errFull)
		g.Go(func() error { panic("bug") })
		if v := panicOf(func() { _ = g.Wait() }); v == nil {
			t.Error("Wait did not panic")
		}
	})
	bubble(t, "E4/a panic of a method of the error", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(fails(errFull))
		g.Go(untilDone(ctx, func() error { return badError{} }))
		if p, ok := panicOf(func() { _ = g.Wait() }).(*nursery.PanicError); !ok || p.Value != "bad error" {
			t.Errorf("panic(%v), want bad error", p)
		}
	})
	bubble(t, "E4/PassPanics of a nursery around", func(t *testing.T, ctx context.Context) {
		v := panicOf(func() {
			_ = nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error {
				g, _ := errgroup.WithContext(ctx)
				g.Go(func() error { panic(errFull) })
				return g.Wait()
			}, nursery.PassPanics(func(any) bool { return true }))
		})
		if v != errFull {
			t.Errorf("panic(%v), want %v", v, errFull)
		}
	})
	t.Run("E4/is written to standard error if Wait is not called", func(t *testing.T) {
		out := kit.CaptureStderr(t)
		testutil.Bubble(t, func(t *testing.T, _ context.Context) {
			var g errgroup.Group
			g.Go(func() error { panic("bug") })
			time.Sleep(time.Hour)
			panicOf(func() { _ = g.Wait() })
		})
		for _, want := range []string{"errgroup: after ", "Wait has not been called", "panicked: bug", "TestPanic"} {
			if !strings.Contains(out(), want) {
				t.Errorf("standard error has %q, want %q in it", out(), want)
			}
		}
	})
}

func explode() { panic("bug") }

// A badError has a method that panics.
type badError struct{}

func (badError) Error() string { return "bad" }
func (badError) Unwrap() error { panic("bad error") }

func TestGoexit(t *testing.T) {
	bubble(t, "E5/counts as nil", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(1)
		g.Go(func() error { runtime.Goexit(); return nil })
		g.Go(fails(nil)) // there is a token again
		testutil.WaitAllBlocked()
		if ctx.Err() != nil {
			t.Errorf("the context is canceled: %v", context.Cause(ctx))
		}
		wantWait(t, g, nil)
		wantFailures(t, g)
	})
}

func TestLimit(t *testing.T) {
	bubble(t, "E7/Go blocks at the limit", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		var crowd kit.Crowd
		g.SetLimit(3)
		start := time.Now()
		for range 9 {
			g.Go(func() error {
				defer crowd.Enter()()
				time.Sleep(time.Second)
				return nil
			})
		}
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("the calls of Go took %v, want 2s", d)
		}
		wantWait(t, &g, nil)
		if crowd.Most() != 3 {
			t.Errorf("%d tasks ran at a time, want 3", crowd.Most())
		}
	})
	bubble(t, "E7/a failure cancels before the next task begins", func(t *testing.T, ctx context.Context) {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(1)
		g.Go(after(time.Second, errFull))
		g.Go(func() error {
			if ctx.Err() == nil {
				t.Error("the context is not canceled")
			}
			return nil
		})
		wantWait(t, g, errFull)
	})
	t.Run("E7/of 0", func(t *testing.T) {
		var g errgroup.Group
		g.SetLimit(0)
		if g.TryGo(fails(nil)) {
			t.Error("TryGo() = true, want false")
		}
		testutil.WantBlock(t, func(*testing.T, context.Context) {
			var g errgroup.Group
			g.SetLimit(0)
			g.Go(fails(nil))
		})
	})
	bubble(t, "E7/is taken back", func(t *testing.T, _ context.Context) {
		var g errgroup.Group
		g.SetLimit(1)
		g.Go(after(time.Second, nil))
		g.SetLimit(-1)
		for range 10 {
			if !g.TryGo(after(time.Second, nil)) {
				t.Error("TryGo() = false, want true")
			}
		}
		wantWait(t, &g, nil)
	})
	bubble(t, "E11/SetLimit while tasks run", func(t *testing.T, _ context.Context) {
		for _, limited := range []bool{false, true} {
			var g errgroup.Group
			if limited {
				g.SetLimit(5)
			}
			g.Go(after(time.Second, nil))
			g.Go(after(2*time.Second, nil))
			g.Go(after(2*time.Second, nil))
			mustPanic(t, "errgroup: Group.SetLimit: no task must be running, got 3", func() { g.SetLimit(2) })
			time.Sleep(1500 * time.Millisecond)
			mustPanic(t, "errgroup: Group.SetLimit: no task must be running, got 2", func() { g.SetLimit(2) })
			time.Sleep(time.Second)
			g.SetLimit(2) // nothing runs, though Wait has not been called
			wantWait(t, &g, nil)
			g.SetLimit(1)
		}
	})
	t.Run("E11/nil", func(t *testing.T) {
		var g errgroup.Group
		mustPanic(t, "errgroup: Group.Go: nil task", func() { g.Go(nil) })
		mustPanic(t, "errgroup: Group.TryGo: nil task", func() { g.TryGo(nil) })
		mustPanic(t, "errgroup: WithContext: nil context", func() {
			var none context.Context
			errgroup.WithContext(none)
		})
	})
}

// E9: leak checks find a Group that was never waited for.
func TestNeverWaitedFor(t *testing.T) {
	t.Run("E9/a zero Group", func(t *testing.T) {
		testutil.WantLeak(t, func(*testing.T, context.Context) {
			var g errgroup.Group
			g.Go(fails(nil))
			g.Go(fails(nil))
		})
	})
	t.Run("E9/WithContext", func(t *testing.T) {
		testutil.WantLeak(t, func(_ *testing.T, ctx context.Context) {
			g, _ := errgroup.WithContext(ctx)
			g.Go(fails(errFull))
		})
	})
	t.Run("E9/the first task calls Goexit", func(t *testing.T) {
		testutil.WantLeak(t, func(*testing.T, context.Context) {
			var g errgroup.Group
			g.Go(func() error { runtime.Goexit(); return nil })
		})
	})
	t.Run("E9/the second time", func(t *testing.T) {
		testutil.WantLeak(t, func(t *testing.T, _ context.Context) {
			var g errgroup.Group
			g.Go(fails(nil))
			wantWait(t, &g, nil)
			g.Go(fails(nil))
		})
	})
	t.Run("E9/outside of a bubble", func(t *testing.T) {
		var g errgroup.Group
		done := make(chan struct{})
		g.Go(func() error { close(done); return nil })
		<-done
		report := leaks(t)
		if want := "(*bodylessNursery).untilJoin"; !strings.Contains(report, want) || !strings.Contains(report, "errgroup.(*Group)") {
			t.Errorf("the leak check reports %q, want %s in it", report, want)
		}
		wantWait(t, &g, nil)
		if report := leaks(t); report != "" {
			t.Errorf("after Wait the leak check reports %s", report)
		}
	})
	bubble(t, "E9/WithContext without a task is no leak of a goroutine", func(t *testing.T, ctx context.Context) {
		errgroup.WithContext(ctx)
	})
}

// leaks returns what the leak check reports.
func leaks(t *testing.T) string {
	r := &recorder{TB: t}
	testutil.VerifyNone(r)
	return r.report
}

// A recorder keeps what a leak check reports.
type recorder struct {
	testing.TB
	report string
}

func (r *recorder) Helper()           {}
func (r *recorder) Error(args ...any) { r.report += fmt.Sprint(args...) }

// E8: when Wait has returned, nothing of the Group is left, whichever task was the last.
func TestNothingIsLeft(t *testing.T) {
	for _, tasks := range []int{1, 2, 10} {
		for _, early := range []bool{false, true} {
			t.Run(fmt.Sprintf("E8/%d tasks, before Wait: %t", tasks, early), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, ctx := errgroup.WithContext(t.Context())
					running := 0
					var mu sync.Mutex
					for i := range tasks {
						mu.Lock()
						running++
						mu.Unlock()
						g.Go(func() error {
							if !early {
								time.Sleep(time.Duration(tasks-i) * time.Second)
							}
							mu.Lock()
							defer mu.Unlock()
							running--
							return nil
						})
					}
					if early {
						synctest.Wait()
					}
					wantWait(t, g, nil)
					mu.Lock()
					defer mu.Unlock()
					if running != 0 || ctx.Err() == nil {
						t.Errorf("Wait has returned, but %d tasks run, and the context has the error %v", running, ctx.Err())
					}
				})
			})
		}
	}
}

// TestStress starts tasks from many goroutines, in many rounds, and waits for them from
// several.
func TestStress(t *testing.T) {
	for range 200 {
		var g errgroup.Group
		var started, ran kit.Crowd
		var callers sync.WaitGroup
		for i := range 4 {
			callers.Go(func() {
				for range 10 {
					started.Enter()
					g.Go(func() error {
						ran.Enter()
						return nil
					})
				}
			})
			if i%2 == 0 {
				callers.Go(func() { wantWait(t, &g, nil) })
			}
		}
		callers.Wait()
		wantWait(t, &g, nil)
		if started.Now() != 40 || ran.Now() != 40 {
			t.Fatalf("%d tasks were started, and %d have run, want 40", started.Now(), ran.Now())
		}
	}
}
