package fromerrgroup_test

import (
	"context"
	"testing"
	"time"

	"github.com/oklog/run"
	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"
	"gopkg.in/tomb.v2"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A waiter runs two tasks and returns the first error.
type waiter = func(ctx context.Context, index, upload task) error

func waitErrgroup(ctx context.Context, index, upload task) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return index(ctx) })
	g.Go(func() error { return upload(ctx) })
	return g.Wait()
}

func waitConc(ctx context.Context, index, upload task) error {
	p := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	p.Go(index)
	p.Go(upload)
	return p.Wait()
}

func waitRun(ctx context.Context, index, upload task) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var g run.Group
	g.Add(func() error { return index(ctx) }, func(error) { stop() })
	g.Add(func() error { return upload(ctx) }, func(error) { stop() })
	return g.Run()
}

func waitTomb(ctx context.Context, index, upload task) error {
	t, ctx := tomb.WithContext(ctx)
	t.Go(func() error {
		t.Go(func() error { return upload(ctx) })
		return index(ctx)
	})
	return t.Wait()
}

func waitGrove(ctx context.Context, index, upload task) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(index)
		n.Go(upload)
		return nil
	})
}

var waiters = map[string]waiter{
	"errgroup": waitErrgroup, "import": waitImport, "conc": waitConc, "run": waitRun, "tomb": waitTomb, "Grove": waitGrove,
}

// In each of them the error of a task cancels the other, and comes out when both have
// returned.
func TestFirstErrorCancels(t *testing.T) {
	for name, wait := range waiters {
		inBubble(t, name, func(t *testing.T, ctx context.Context, passed func() time.Duration) {
			canceled := false
			err := wait(ctx, fails(errFull), func(ctx context.Context) error {
				err := waits(ctx)
				time.Sleep(time.Second) // cleans up
				canceled = true
				return err
			})
			mustBe(t, err, errFull)
			mustTake(t, passed, time.Second)
			if !canceled {
				t.Error("the other task has not returned")
			}
		})
	}
}

// A task that captures the outer context is not canceled.
func TestOuterContextCaptured(t *testing.T) {
	inBubble(t, "errgroup", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		g, _ := errgroup.WithContext(ctx)
		g.Go(func() error { return errFull })
		//grove:ok this shows the mistake
		g.Go(func() error { return cancel.Sleep(ctx, time.Hour) })
		mustBe(t, g.Wait(), errFull)
		mustTake(t, passed, time.Hour)
	})
}

// The zero Group cancels no tasks, and neither does a pool without WithCancelOnError.
func TestNobodyCanceled(t *testing.T) {
	inBubble(t, "errgroup", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		var g errgroup.Group
		g.Go(func() error { return errFull })
		g.Go(func() error { return cancel.Sleep(ctx, time.Hour) })
		mustBe(t, g.Wait(), errFull)
		mustTake(t, passed, time.Hour)
	})
	inBubble(t, "conc", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		p := pool.New().WithContext(ctx)
		p.Go(fails(errFull))
		p.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Hour) })
		mustBe(t, p.Wait(), errFull)
		mustTake(t, passed, time.Hour)
	})
}

// An actor that returns nil ends all others. A task that returns nil ends only itself.
func TestNilEndsAll(t *testing.T) {
	for name, wait := range waiters {
		inBubble(t, name, func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			uploaded := false
			err := wait(ctx, fails(nil), func(ctx context.Context) error {
				err := cancel.Sleep(ctx, time.Second)
				uploaded = err == nil
				return err
			})
			if err != nil {
				t.Errorf("error %v, want none", err)
			}
			if uploaded != (name != "run") {
				t.Errorf("the other task came to its end: %v", uploaded)
			}
		})
	}
}

// A tomb without tasks never ends.
func TestNothingStarted(t *testing.T) {
	t.Run("tomb", func(t *testing.T) {
		testutil.WantBlock(t, func(*testing.T, context.Context) {
			var tb tomb.Tomb
			for range []string{} {
				tb.Go(func() error { return nil })
			}
			_ = tb.Wait() // does not return
		})
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		if err := nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}

// A tomb is closed when it has no task left, even while its owner is starting more.
func TestAllDoneBeforeNext(t *testing.T) {
	inBubble(t, "tomb", func(t *testing.T, _ context.Context, _ func() time.Duration) {
		var tb tomb.Tomb
		tb.Go(func() error { return nil })
		testutil.WaitAllBlocked() // something that takes as long
		v := panicOf(func() { tb.Go(func() error { return nil }) })
		if v != "tomb.Go called after all goroutines terminated" {
			t.Errorf("Go panics with %v", v)
		}
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		ran := false
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(fails(nil))
			testutil.WaitAllBlocked()
			n.Go(func(context.Context) error { ran = true; return nil })
			return nil
		})
		if err != nil || !ran {
			t.Errorf("error %v, the second task ran: %v", err, ran)
		}
	})
}
