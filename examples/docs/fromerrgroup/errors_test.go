package fromerrgroup_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/oklog/run"
	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"gopkg.in/tomb.v2"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// failures returns three tasks that end one after the other: one fails, the next fails
// as it cleans up, and the last one is canceled.
func failures() (tasks [3]task) {
	var s testutil.Sequencer
	for i, err := range []error{errFull, errGone, nil} {
		tasks[i] = func(ctx context.Context) error {
			if i > 0 {
				<-ctx.Done()
			}
			return s.At(context.WithoutCancel(ctx), i, func(context.Context) error {
				time.Sleep(time.Second) // a second later the one before has been counted
				if err != nil {
					return err
				}
				return ctx.Err()
			})
		}
	}
	return tasks
}

func TestWhichErrors(t *testing.T) {
	for name, row := range map[string]struct {
		run  func(ctx context.Context, tasks [3]task) error
		want string
	}{
		"errgroup": {func(ctx context.Context, tasks [3]task) error {
			g, ctx := errgroup.WithContext(ctx)
			for _, task := range tasks {
				g.Go(func() error { return task(ctx) })
			}
			return g.Wait()
		}, "disk full"},
		"conc": {func(ctx context.Context, tasks [3]task) error {
			p := pool.New().WithContext(ctx).WithCancelOnError()
			for _, task := range tasks {
				p.Go(task)
			}
			return p.Wait()
		}, "disk full\n404: gone\ncontext canceled"},
		"run": {func(ctx context.Context, tasks [3]task) error {
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			var g run.Group
			for _, task := range tasks {
				g.Add(func() error { return task(ctx) }, func(error) { stop() })
			}
			return g.Run()
		}, "disk full"},
		"tomb": {func(ctx context.Context, tasks [3]task) error {
			tb, ctx := tomb.WithContext(ctx)
			for _, task := range tasks {
				tb.Go(func() error { return task(ctx) })
			}
			return tb.Wait()
		}, "disk full"},
		"Grove": {func(ctx context.Context, tasks [3]task) error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				for i, name := range []string{"index", "upload", "log"} {
					n.Go(tasks[i], nursery.Name(name))
				}
				return nil
			}, nursery.Name("backup"))
		}, `nursery "backup": 2 failures: task "index": disk full; task "upload": 404: gone`},
	} {
		inBubble(t, name, func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			if err := row.run(ctx, failures()); err == nil || err.Error() != row.want {
				t.Errorf("error %q, want %q", fmt.Sprint(err), row.want)
			}
			mustContainDoc(t, quote(row.want))
		})
	}
}

// A loop that waits for a semaphore, with the context of the group, gets an error of the
// context. It gets that before it can see the error that canceled the group, and returns
// without Wait.
func TestAcquireHidesError(t *testing.T) {
	later := func(context.Context) error {
		time.Sleep(time.Second)
		return errFull
	}
	inBubble(t, "errgroup", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		err := func() error {
			g, ctx := errgroup.WithContext(ctx)
			sem := semaphore.NewWeighted(2)
			for _, task := range []task{later, takes(time.Hour), waits, waits} {
				if err := sem.Acquire(ctx, 1); err != nil {
					return err
				}
				g.Go(func() error {
					defer sem.Release(1)
					return task(ctx)
				})
			}
			return g.Wait()
		}()
		mustBe(t, err, context.Canceled)
		mustTake(t, passed, time.Second) // and a task goes on
		time.Sleep(time.Hour)
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		l := nursery.NewLimiter(2)
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for _, task := range []task{later, takes(time.Hour), waits, waits} {
				if err := l.Acquire(ctx); err != nil {
					return err
				}
				n.Go(func(ctx context.Context) error {
					defer l.Release()
					return task(ctx)
				})
			}
			return nil
		})
		mustBe(t, err, errFull)
		mustTake(t, passed, time.Hour)
	})
}

// A task that was told to die returns tomb.ErrDying. If the tomb is not dying, that ends
// the process.
func TestDyingWhileAlive(t *testing.T) {
	_, errs := program.Start(t, "dying").Wait(2)
	mustContain(t, errs, "panic: tomb: Kill with ErrDying while still alive")
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		// The task knows better than the nursery why it gives up.
		err := waitGrove(ctx, fails(context.Canceled), fails(nil))
		mustBe(t, err, context.Canceled)
	})
}

func dying() {
	var tb tomb.Tomb
	tb.Go(func() error { return tomb.ErrDying })
	_ = tb.Wait()
}

// The cause of the context is the first error in an errgroup, and in a nursery with the
// name of the task. In a pool and in a tomb there is none, but a tomb has an Err.
func TestCause(t *testing.T) {
	for name, want := range map[string]error{
		"errgroup": errFull, "conc": context.Canceled, "tomb": context.Canceled, "Grove": errFull,
	} {
		inBubble(t, name, func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			var cause error
			err := waiters[name](ctx, fails(errFull), func(ctx context.Context) error {
				<-ctx.Done()
				cause = context.Cause(ctx)
				return ctx.Err()
			})
			mustBe(t, err, errFull)
			mustBe(t, cause, want)
		})
	}
	inBubble(t, "Grove, of a named task", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(fails(errFull), nursery.Name("index"))
			<-ctx.Done()
			if got, want := context.Cause(ctx).Error(), `task "index": disk full`; got != want {
				t.Errorf("cause %q, want %q", got, want)
			}
			return ctx.Err()
		})
		if !errors.Is(err, errFull) {
			t.Error(err)
		}
	})
	inBubble(t, "tomb, which has it itself", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		tb, ctx := tomb.WithContext(ctx)
		tb.Go(func() error {
			tb.Go(func() error { return errFull })
			<-ctx.Done()
			mustBe(t, tb.Err(), errFull)
			return nil
		})
		mustBe(t, tb.Wait(), errFull)
	})
}

// Nested nurseries, and what a log shows of them.
func Example_tree() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(fails(errFull), nursery.Name("disk"))
				n.Go(waits, nursery.Name("network"))
				return nil
			}, nursery.Name("stores"))
		}, nursery.Name("backup"))
		n.Go(waits, nursery.Name("clock"))
		return nil
	}, nursery.Name("service"))
	fmt.Printf("%+v\n", err)
	fmt.Println(errors.Is(err, errFull), errors.Is(err, context.Canceled))
	// Output:
	// nursery "service": 1 failure
	// └── task "backup": nursery "stores": 1 failure
	//     └── task "disk": disk full
	// true false
}

// A group in a group has one error in the end, without where it comes from.
func TestNestedGroups(t *testing.T) {
	inBubble(t, "errgroup", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return waitErrgroup(ctx, fails(errFull), waits) })
		g.Go(func() error { return waits(ctx) })
		if err := g.Wait(); err != errFull {
			t.Errorf("error %v", err)
		}
	})
}

// A cancellation from outside comes out as an error that says why.
func TestCanceledFromOutside(t *testing.T) {
	for name, want := range map[string]string{
		"errgroup": "context canceled", "conc": "context canceled", "run": "context canceled", "tomb": "context canceled",
		"Grove": `context canceled: disk full (canceled at errors_test.go:`,
	} {
		inBubble(t, name, func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			s := cancel.New(ctx)
			defer s.Close()
			time.AfterFunc(time.Second, func() { s.Cancel(errFull) })
			err := waiters[name](s, waits, waits)
			if err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
				t.Errorf("error %v, want %v", err, want)
			}
		})
	}
}
