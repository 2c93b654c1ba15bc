package fromerrgroup_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sourcegraph/conc/panics"
	"github.com/sourcegraph/conc/pool"
	"github.com/thejerf/suture/v4"

	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A panic ends the process, with the other task in the middle of its work.
func TestPanicEndsProcess(t *testing.T) {
	for _, name := range []string{"errgroup", "run", "tomb"} {
		t.Run(name, func(t *testing.T) {
			printed, errs := program.Start(t, "panic "+name).Wait(2)
			if strings.Contains(printed, "cleaned up") {
				t.Error("the other task has cleaned up")
			}
			mustContain(t, errs, "panic: bug", "fromerrgroup_test.bug")
		})
	}
	t.Run("Grove", func(t *testing.T) {
		printed, errs := program.Start(t, "panic Grove").Wait(2)
		mustContain(t, printed, "cleaned up")
		mustContain(t, errs, "bug", "fromerrgroup_test.bug")
	})
}

// panicking is a process with two tasks, and one of them panics.
func panicking(wait waiter) {
	began := make(chan struct{})
	err := wait(context.Background(), func(context.Context) error {
		<-began
		bug()
		return nil
	}, func(ctx context.Context) error {
		defer fmt.Println("cleaned up")
		close(began)
		return waits(ctx)
	})
	fmt.Println("end:", err)
}

func bug() { panic("bug") }

// A panic is kept until the other tasks have returned. A pool cancels them only if it is
// told to. The value is wrapped, and errors are dropped.
func TestPanicIsKept(t *testing.T) {
	inBubble(t, "conc", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		p := pool.New().WithContext(ctx)
		p.Go(func(context.Context) error { panic(errFull) })
		p.Go(fails(errGone))
		p.Go(takes(time.Hour))
		v := panicOf(func() { _ = p.Wait() })
		mustTake(t, passed, time.Hour)
		r, ok := v.(*panics.Recovered)
		if !ok || r.Value != errFull {
			t.Fatalf("Wait panics with %v", v)
		}
		if errors.Is(r.AsError(), errGone) {
			t.Error("the error is there")
		}
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		v := panicOf(func() {
			_ = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { panic(errFull) })
				n.Go(func(ctx context.Context) error { return errors.Join(errGone, waits(ctx)) })
				return nil
			})
		})
		mustTake(t, passed, 0)
		p, ok := v.(*nursery.PanicError)
		if !ok || p.Value != errFull {
			t.Fatalf("Run panics with %v", v)
		}
		if !errors.Is(errors.Join(p.Others...), errGone) {
			t.Error("the error is not there")
		}
	})
}

// A call of runtime.Goexit, as by t.FailNow, counts as success, or makes all callers wait.
func TestGoexit(t *testing.T) {
	goexit := func(context.Context) error {
		runtime.Goexit()
		return nil
	}
	for _, name := range []string{"errgroup", "import", "conc"} {
		inBubble(t, name, func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			if err := waiters[name](ctx, goexit, fails(nil)); err != nil {
				t.Error(err)
			}
		})
	}
	for _, name := range []string{"run", "tomb"} {
		t.Run(name, func(t *testing.T) {
			testutil.WantBlock(t, func(_ *testing.T, ctx context.Context) {
				_ = waiters[name](ctx, goexit, fails(nil)) // does not return
			})
		})
	}
	inBubble(t, "suture", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		ctx, stop := context.WithTimeout(ctx, time.Hour)
		defer stop()
		runs := 0
		_ = restartSuture(ctx, func(ctx context.Context) error {
			if runs++; runs == 1 {
				return goexit(ctx)
			}
			return waits(ctx)
		}, func(e suture.Event) {
			if e.Type() != suture.EventTypeServiceTerminate {
				t.Errorf("event %v", e)
			}
		})
		if runs != 2 {
			t.Errorf("it ran %d times", runs)
		}
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		returned := false
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = waitGrove(ctx, goexit, waits)
			returned = true
		})
		wg.Wait()
		if returned {
			t.Error("Run returns")
		}
	})
}
