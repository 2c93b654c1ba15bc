package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestTask(t *testing.T) {
	bubble(t, "N14/many calls of Wait return the same result", func(t *testing.T, ctx context.Context) {
		var got atomic.Int32
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(ctx context.Context) (int32, error) { return 3, cancel.Sleep(ctx, time.Second) })
			for range 10 {
				n.Go(func(ctx context.Context) error {
					v, err := task.Wait(ctx)
					got.Add(v)
					return err
				})
			}
			return nil
		})
		if err != nil || got.Load() != 30 {
			t.Errorf("Run() = %v, sum %d, want nil, 30", err, got.Load())
		}
	})
	bubble(t, "N14/a result takes precedence over a done ctx", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(context.Context) (int, error) { return 3, nil })
			<-task.Done()
			done := cancel.New(ctx)
			defer done.Close()
			done.Cancel(nil)
			for range 100 {
				if v, err := task.Wait(done); v != 3 || err != nil {
					t.Fatalf("Wait() = %v, %v, want 3, nil", v, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N14/tasks may wait for each other across nurseries", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(ctx context.Context) (string, error) { return "v", cancel.Sleep(ctx, time.Second) })
			return nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error {
				v, err := task.Wait(ctx)
				if v != "v" {
					t.Errorf("Wait() = %q, %v, want v, nil", v, err)
				}
				return err
			})
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	for name, opts := range map[string][]nursery.TaskOption{"without a name": nil, "with a name": {nursery.Name("x")}} {
		bubble(t, "N14/a recovered panic returned by a waiting task adds nothing: "+name, func(t *testing.T, ctx context.Context) {
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				task := nursery.Spawn(n, func(context.Context) (int, error) { panic("p") }, opts...)
				_, err := task.Wait(context.WithoutCancel(ctx))
				return err
			}, nursery.RecoverPanics())
			if got := failures(t, err); len(got) != 1 {
				t.Errorf("failures = %v, want the panic once", got)
			}
		})
		bubble(t, "N14/a panic returned by a waiting task is not among its own Others: "+name, func(t *testing.T, ctx context.Context) {
			p := caught(t, func() {
				_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					task := nursery.Spawn(n, func(context.Context) (int, error) { panic("p") }, opts...)
					_, err := task.Wait(context.WithoutCancel(ctx))
					return err
				})
			})
			if p.Value != "p" || len(p.Others) > 0 {
				t.Errorf("panic(%v) with %v, want p with none", p.Value, p.Others)
			}
		})
	}
	for name, opts := range map[string][]nursery.Option{"": nil, ", recovered": {nursery.RecoverPanics()}} {
		bubble(t, "N14/a panic repeated by a waiting task counts once"+name, func(t *testing.T, ctx context.Context) {
			var err error
			v := recovered(func() {
				err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					task := nursery.Spawn(n, func(context.Context) (int, error) { panic("p") })
					if _, err := task.Wait(context.WithoutCancel(ctx)); err != nil {
						panic(err)
					}
					return nil
				}, opts...)
			})
			if p, ok := v.(*nursery.PanicError); ok && len(p.Others) > 0 || err != nil && len(failures(t, err)) != 1 {
				t.Errorf("Run() = %v, panic %+v, want p once", err, v)
			}
		})
	}
	bubble(t, "N14/a failure wrapped by a waiting task adds nothing", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(context.Context) (int, error) { return 0, errBoom })
			_, err := task.Wait(context.WithoutCancel(ctx))
			return fmt.Errorf("part one: %w", err)
		})
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom {
			t.Errorf("failures = %v, want only boom", got)
		}
	})
	bubble(t, "N14/Wait in a sibling, when the failure cancels both", func(t *testing.T, ctx context.Context) {
		for range 100 { // Wait may see either event first; the result is the same
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				task := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, cancel.Sleep(ctx, time.Second) })
				bad := nursery.Spawn(n, func(context.Context) (int, error) { return 0, errBoom }, nursery.Name("bad"))
				n.Go(func(ctx context.Context) error { _, err := task.Wait(ctx); return err })
				_, err := bad.Wait(ctx)
				return err
			})
			if got := failures(t, err); len(got) != 1 || !errors.Is(got[0], errBoom) {
				t.Fatalf("failures = %v, want only boom", got)
			}
		}
	})
	bubble(t, "N14/a task is canceled, then its nursery", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			slow := func(ctx context.Context) (int, error) {
				<-ctx.Done()
				time.Sleep(time.Second)
				return 0, cancel.Err(ctx)
			}
			task := nursery.Spawn(n, slow)
			task.Cancel(io.EOF)
			n.Go(failing(time.Second/2, errBoom))
			_, err := task.Wait(context.WithoutCancel(ctx))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Wait() = %v, want a cancellation", err)
			}
			return err
		})
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom {
			t.Errorf("failures = %v, want only boom", got)
		}
	})
	bubble(t, "N14/canceling a task cancels its inner nursery", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 1, nursery.Run(ctx, parked) })
			n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) })
			synctest.Wait()
			task.Cancel(nil)
			v, err := task.Wait(ctx)
			if v != 1 || !errors.Is(err, context.Canceled) || time.Since(start) > 0 {
				t.Errorf("Wait() = %v, %v, want 1, the cancellation", v, err)
			}
			return nil
		})
		if d := time.Since(start); err != nil || d != time.Minute {
			t.Errorf("Run() = %v after %v, want nil after 1m", err, d)
		}
	})
	bubble(t, "N14/a sibling's real error survives a task's cancellation", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, errors.Join(ctx.Err(), errBoom) })
			task.Cancel(nil)
			return nil
		})
		if got := failures(t, err); len(got) != 1 || !errors.Is(got[0], errBoom) {
			t.Errorf("failures = %v, want a failure with boom", got)
		}
	})
	bubble(t, "N14/Wait with a deadline returns its timeout", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 1, cancel.Sleep(ctx, time.Hour) })
			werr := cancel.FailAfter(ctx, time.Second, func(ctx context.Context) error {
				_, err := task.Wait(ctx)
				return err
			})
			if e := new(cancel.TimeoutError); !errors.As(werr, &e) {
				t.Errorf("FailAfter(Wait) = %v, want a timeout", werr)
			}
			task.Cancel(nil)
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

func TestSpawn(t *testing.T) {
	bubble(t, "N14/Wait returns the result, even later", func(t *testing.T, ctx context.Context) {
		var task *nursery.Task[string]
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task = nursery.Spawn(n, func(ctx context.Context) (string, error) { return "v", cancel.Sleep(ctx, time.Second) })
			select {
			case <-task.Done():
				t.Error("Done before the task had ended")
			default:
			}
			v, err := task.Wait(ctx)
			if v != "v" || err != nil {
				t.Errorf("Wait() = %q, %v, want v, nil", v, err)
			}
			return err
		})
		done := cancel.New(ctx)
		done.Cancel(nil)
		if v, werr := task.Wait(done); v != "v" || werr != nil || err != nil {
			t.Errorf("Wait() = %q, %v, want v, nil; Run() = %v", v, werr, err)
		}
		<-task.Done()
		task.Cancel(nil)
		done.Close()
	})
	bubble(t, "N14/a failure is the nursery's, and returning it again adds nothing", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(context.Context) (int, error) { return 7, errBoom }, nursery.Name("x"))
			v, err := task.Wait(context.WithoutCancel(ctx))
			if v != 7 || !errors.Is(err, errBoom) {
				t.Errorf("Wait() = %d, %v, want 7, boom", v, err)
			}
			return err
		})
		if got := failures(t, err); len(got) != 1 || got[0].Error() != `task "x": boom` {
			t.Errorf("failures = %v, want only the failure of x", got)
		}
	})
	bubble(t, "N14/Cancel cancels only the task, and its echo is not a failure", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
			task.Cancel(io.EOF)
			_, err := task.Wait(ctx)
			if !isCancel(io.EOF)(err) {
				t.Errorf("Wait() = %v, want the cancellation", err)
			}
			other := nursery.Spawn(n, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, errBoom })
			if ctx.Err() != nil {
				t.Error("Cancel of a task reached its siblings")
			}
			other.Cancel(nil)
			return nil
		})
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom {
			t.Errorf("failures = %v, want only the real error", got)
		}
	})
	bubble(t, "N14/Wait gives up without affecting the task", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 3, cancel.Sleep(ctx, time.Minute) })
			moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
				_, err := task.Wait(ctx)
				return err
			})
			if !moved || err != nil {
				t.Errorf("MoveOnAfter(Wait) = %v, %v, want true, nil", moved, err)
			}
			if v, err := task.Wait(ctx); v != 3 || err != nil {
				t.Errorf("Wait() = %v, %v, want 3, nil", v, err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N14/Wait reports a panic, a Goexit and the nursery's end", func(t *testing.T, ctx context.Context) {
		var tasks []*nursery.Task[int]
		spawn := func(n *nursery.Nursery, end func(ctx context.Context) error) {
			tasks = append(tasks, nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, end(ctx) }))
		}
		caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				spawn(n, func(context.Context) error { panic("p") })
				spawn(n, func(context.Context) error { runtime.Goexit(); return nil })
				spawn(n, cancel.Forever)
				return nil
			})
		})
		_, err := tasks[0].Wait(ctx)
		if p, ok := err.(*nursery.PanicError); !ok || p.Value != "p" {
			t.Errorf("Wait() = %v, want the PanicError", err)
		}
		if _, err := tasks[1].Wait(ctx); err != nursery.ErrGoexit {
			t.Errorf("Wait() = %v, want ErrGoexit", err)
		}
		if _, err := tasks[2].Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait() = %v, want the cancellation", err)
		}
	})
	bubble(t, "N14/a queued task can be canceled, and runs", func(t *testing.T, ctx context.Context) {
		ran := false
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(failing(time.Second, nil))
			task := nursery.Spawn(n, func(ctx context.Context) (int, error) { ran = true; return 0, cancel.Err(ctx) })
			task.Cancel(io.EOF)
			_, err := task.Wait(ctx)
			if !isCancel(io.EOF)(err) || !ran {
				t.Errorf("Wait() = %v, ran %v, want the cancellation, true", err, ran)
			}
			return nil
		}, nursery.Limit(1))
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}
