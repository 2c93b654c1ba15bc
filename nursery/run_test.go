package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestRunJoins(t *testing.T) {
	bubble(t, "N1/waits for tasks that tasks have started", func(t *testing.T, ctx context.Context) {
		var ended atomic.Int32
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				n.Go(func(ctx context.Context) error {
					defer ended.Add(1)
					return cancel.Sleep(ctx, 2*time.Second)
				})
				defer ended.Add(1)
				return cancel.Sleep(ctx, time.Second)
			})
			return nil
		})
		if d := time.Since(start); err != nil || ended.Load() != 2 || d != 2*time.Second {
			t.Errorf("Run() = %v after %v with %d tasks ended, want nil after 2s with 2", err, d, ended.Load())
		}
	})
	bubble(t, "N1/waits for a task that is slow to notice", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { time.Sleep(time.Minute); return nil })
			return errBoom
		})
		if d := time.Since(start); !errors.Is(err, errBoom) || d != time.Minute {
			t.Errorf("Run() = %v after %v, want boom after 1m", err, d)
		}
	})
	bubble(t, "N1/an empty nursery returns at once, even if canceled", func(t *testing.T, ctx context.Context) {
		cancel.FromContext(ctx).Cancel(nil)
		called := false
		err := nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { called = true; return nil })
		if err != nil || !called {
			t.Errorf("Run() = %v, called %v, want nil, true", err, called)
		}
	})
	bubble(t, "N1/a nursery may be passed to other goroutines", func(t *testing.T, ctx context.Context) {
		nurseries := make(chan *nursery.Nursery)
		ran := false
		err := nursery.Run(ctx, func(ctx context.Context, outer *nursery.Nursery) error {
			outer.Go(func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					nurseries <- n
					return cancel.Sleep(ctx, time.Second)
				})
			})
			(<-nurseries).Go(func(ctx context.Context) error { ran = true; return nil })
			return nil
		})
		if err != nil || !ran {
			t.Errorf("Run() = %v, ran %v, want nil, true", err, ran)
		}
	})
}

func TestFailure(t *testing.T) {
	bubble(t, "N2/a task's failure cancels siblings and body", func(t *testing.T, ctx context.Context) {
		var causes [2]error
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(failing(time.Second, errBoom), nursery.Name("bad"))
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				causes[0] = context.Cause(ctx)
				return ctx.Err()
			})
			<-ctx.Done()
			causes[1] = context.Cause(ctx)
			if ctx != context.Context(n.Scope()) {
				t.Error("the body's context is not the nursery's scope")
			}
			return ctx.Err()
		})
		if got := failures(t, err); len(got) != 1 || !errors.Is(got[0], errBoom) {
			t.Errorf("failures = %v, want only boom", got)
		}
		for _, c := range causes {
			if task, ok := c.(*nursery.TaskError); !ok || task.Task != "bad" || task.Err != errBoom {
				t.Errorf("Cause() = %#v, want a TaskError of bad", c)
			}
		}
	})
	bubble(t, "N2/the body's failure cancels the tasks", func(t *testing.T, ctx context.Context) {
		var reason cancel.Reason
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				err := cancel.Forever(ctx)
				reason, _ = cancel.ReasonOf(ctx)
				return err
			})
			return errBoom
		}, nursery.Name("n"))
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom {
			t.Errorf("failures = %v, want only boom", got)
		}
		if reason.Source != cancel.SourceTask || reason.Scope != "n" {
			t.Errorf("ReasonOf() = %v, want a task's failure in n", reason)
		}
	})
	bubble(t, "N3/a single failure is a group with its message", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(failing(0, errBoom))
			return nil
		}, nursery.Name("n"))
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom || err.Error() != "boom" {
			t.Errorf("Run() = %q with %v, want boom", err, got)
		}
	})
	bubble(t, "N3/failures are in the order in which they happened", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for i := 5; i > 0; i-- {
				n.Go(func(context.Context) error {
					time.Sleep(time.Duration(i) * time.Second)
					return fmt.Errorf("after %ds", i)
				})
			}
			time.Sleep(2500 * time.Millisecond)
			return errors.New("body")
		}, nursery.Name("n"))
		const want = `nursery "n": 6 failures: after 1s; after 2s; body; after 3s; after 4s; after 5s`
		if err.Error() != want {
			t.Errorf("Run() = %q, want %q", err, want)
		}
	})
	bubble(t, "N3/errors of nested nurseries nest, and other groups stay unchanged", func(t *testing.T, ctx context.Context) {
		joined := errors.Join(io.EOF, context.Canceled)
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return joined })
			}, nursery.Name("inner"))
			return nil
		})
		task, ok := failures(t, err)[0].(*nursery.TaskError)
		if !ok || task.Task != "inner" {
			t.Fatalf("failure = %v, want a TaskError of inner", err)
		}
		if got := failures(t, task.Err); len(got) != 1 || got[0] != joined {
			t.Errorf("inner failures = %v, want the joined error unchanged", got)
		}
		if !errors.Is(err, io.EOF) {
			t.Error("errors.Is(err, io.EOF) = false, want true")
		}
	})
}

// otherEnd returns the error of an unrelated context.
func otherEnd() error {
	s := cancel.New(context.Background())
	defer s.Close()
	s.Cancel(io.EOF)
	return cancel.Err(s)
}

// parked is a body that starts a task which waits until it is canceled.
func parked(_ context.Context, n *nursery.Nursery) error {
	n.Go(cancel.Forever)
	return nil
}

func TestEnd(t *testing.T) {
	bubble(t, "N7/a context used after the end says so", func(t *testing.T, ctx context.Context) {
		var kept context.Context
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { kept = ctx; return nil }, nursery.Name("crawl"))
		if err != nil || kept.Err() != context.Canceled {
			t.Fatalf("Run() = %v, Err() = %v, want nil, Canceled", err, kept.Err())
		}
		if got := context.Cause(kept); !errors.Is(got, cancel.ErrClosed) || got.Error() != `scope "crawl" has ended` {
			t.Errorf("Cause() = %v, want an error that says the scope has ended", got)
		}
	})
	bubble(t, "N7/a task accepted after a cancellation runs", func(t *testing.T, ctx context.Context) {
		var got error
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Cancel(nil)
			n.Go(func(ctx context.Context) error { got = ctx.Err(); return got })
			return nil
		})
		if err != nil || got != context.Canceled {
			t.Errorf("Run() = %v, the task saw %v, want nil, Canceled", err, got)
		}
	})
	bubble(t, "N7/bad input panics at the call", func(t *testing.T, ctx context.Context) {
		var ended *nursery.Nursery
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			ended = n
			mustPanic(t, "nursery: Nursery.Go: nil task", func() { n.Go(nil) })
			mustPanic(t, "nursery: Nursery.Go: nil option", func() { n.Go(cancel.Forever, nil) })
			mustPanic(t, "nursery: Start: nil context", func() { var none context.Context; startNil(none, n) })
			mustPanic(t, "nursery: Start: nil nursery", func() { startNil(ctx, nil) })
			mustPanic(t, "nursery: Start: nil task", func() { startNil(ctx, n) })
			mustPanic(t, "nursery: Spawn: nil nursery", func() { nursery.Spawn[int](nil, nil) })
			mustPanic(t, "nursery: Spawn: nil task", func() { nursery.Spawn[int](n, nil) })
			task := nursery.Spawn(n, func(context.Context) (int, error) { return 1, nil })
			mustPanic(t, "nursery: Task.Wait: nil context", func() { var none context.Context; _, _ = task.Wait(none) })
			return nil
		}, nursery.Name("crawl"))
		if err != nil {
			t.Fatal(err)
		}
		body := func(context.Context, *nursery.Nursery) error { return nil }
		mustPanic(t, `nursery: Nursery.Go: the nursery "crawl" has ended`, func() { ended.Go(cancel.Forever) })
		mustPanic(t, `nursery: Nursery.Go: the nursery "crawl" has ended`, func() { ended.Go(cancel.Forever) })
		mustPanic(t, `nursery: Spawn: the nursery "crawl" has ended`, func() {
			nursery.Spawn(ended, func(context.Context) (int, error) { return 1, nil })
		})
		mustPanic(t, `nursery: Start: the nursery "crawl" has ended`, func() {
			nursery.Start(ctx, ended, func(context.Context, func(int)) error { return nil })
		})
		mustPanic(t, "nursery: Run: nil context", func() { runNil(body) })
		mustPanic(t, "nursery: Run: nil body", func() { nursery.Run(ctx, nil) })
		mustPanic(t, "nursery: Run: nil option", func() { nursery.Run(ctx, body, nil) })
		mustPanic(t, "nursery: Main: nil body", func() { nursery.Main(nil) })
		mustPanic(t, "nursery: Limit: n must be at least 1, got 0", func() { nursery.Limit(0) })
		mustPanic(t, "nursery: PanicGrace: d must not be negative, got -1s", func() { nursery.PanicGrace(-time.Second) })
		mustPanic(t, "nursery: Grace: d must not be negative, got -1s", func() { nursery.Grace(-time.Second) })
		mustPanic(t, "nursery: Split: nil match", func() { nursery.Split(errBoom, nil) })
		var zero nursery.Nursery
		mustPanic(t, "nursery: Nursery.Go: this Nursery does not come from nursery.Run", func() { zero.Go(cancel.Forever) })
		mustPanic(t, "nursery: Nursery.Cancel: this Nursery does not come from nursery.Run", func() { zero.Cancel(nil) })
		mustPanic(t, "nursery: Nursery.Scope: this Nursery does not come from nursery.Run", func() { zero.Scope() })
	})
	bubble(t, "N7/Go after the end in a limited nursery panics too", func(t *testing.T, ctx context.Context) {
		var ended *nursery.Nursery
		if err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { ended = n; return nil }, nursery.Limit(1)); err != nil {
			t.Fatal(err)
		}
		mustPanic(t, "nursery: Nursery.Go: the nursery has ended", func() { ended.Go(cancel.Forever) })
	})
}

func startNil(ctx context.Context, n *nursery.Nursery) {
	_, _ = nursery.Start[int](ctx, n, nil)
}

func runNil(body func(context.Context, *nursery.Nursery) error) {
	var none context.Context
	_ = nursery.Run(none, body)
}
