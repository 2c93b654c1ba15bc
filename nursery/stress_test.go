package nursery_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

// A wood runs random trees of nurseries in real time and counts the live tasks. The tasks
// fail, panic, exit, cancel and start each other.
type wood struct {
	*kit.Dice
	t     *testing.T
	alive atomic.Int64
}

func (w *wood) task(depth int) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		w.alive.Add(1)
		defer w.alive.Add(-1)
		switch w.Roll(14) {
		case 0:
			return errBoom
		case 1:
			if w.Roll(4) == 0 {
				panic("p")
			}
		case 2:
			if w.Roll(4) == 0 {
				runtime.Goexit()
			}
		case 3:
			return cancel.Sleep(ctx, w.Micros(100))
		case 4:
			cancel.FromContext(ctx).Cancel(nil)
			return ctx.Err()
		case 5:
			return cancel.Forever(ctx)
		case 6:
			return cancel.FailAfter(ctx, w.Micros(200), cancel.Forever)
		case 7:
			return cancel.Shield(ctx, w.Micros(200), cancel.Forever)
		case 8, 9, 10:
			if depth > 0 {
				return w.nursery(ctx, depth-1)
			}
		case 11:
			runtime.Gosched()
		}
		return nil
	}
}

func (w *wood) nursery(ctx context.Context, depth int) error {
	var opts []nursery.Option
	for i, o := range []nursery.Option{nursery.Limit(1 + w.Roll(3)), nursery.KeepGoing(), nursery.RecoverPanics()} {
		if w.Roll(3+i) == 0 {
			opts = append(opts, o)
		}
	}
	before := w.alive.Load()
	own := atomic.Int64{} // live tasks of this nursery and its descendants
	track := func(task func(ctx context.Context) error) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			own.Add(1)
			defer own.Add(-1)
			return task(ctx)
		}
	}
	defer func() {
		if n := own.Load(); n != 0 {
			w.t.Errorf("Run returned with %d of its tasks alive (%d tasks before)", n, before)
		}
	}()
	return cancel.FailAfter(ctx, 20*time.Millisecond, func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range w.Roll(6) {
				task := track(w.task(depth))
				switch w.Roll(4) {
				case 0:
					n.Go(task, nursery.Name("x"))
				case 1:
					n.Go(task, nursery.Daemon())
				case 2:
					t := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 1, task(ctx) })
					if w.Roll(2) == 0 {
						t.Cancel(nil)
					}
				case 3:
					_, _ = nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error {
						if w.Roll(2) == 0 {
							started(1)
						}
						return task(ctx)
					})
				}
			}
			n.Go(func(ctx context.Context) error { n.Go(track(w.task(0))); return nil })
			return w.task(0)(ctx)
		}, opts...)
	})
}

func TestStressTrees(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i := range uint64(200) {
		w := &wood{Dice: kit.NewDice(seed, i), t: t}
		ctx, stop := context.WithCancel(t.Context())
		if w.Roll(3) == 0 {
			time.AfterFunc(w.Micros(300), stop)
		}
		runToEnd(func() { _ = w.nursery(ctx, 3) })
		stop()
		if n := w.alive.Load(); n != 0 || t.Failed() {
			t.Fatalf("N1: tree %d: %d tasks are alive", i, n)
		}
	}
}

func TestStressLateGo(t *testing.T) {
	for _, limit := range []int{0, 1, 3} {
		for range 1000 {
			var n *nursery.Nursery
			var ran, accepted, refused atomic.Int64
			ready := make(chan struct{})
			var late sync.WaitGroup
			for range 3 {
				late.Go(func() {
					<-ready
					for range 4 {
						func() {
							defer func() {
								if recover() != nil {
									refused.Add(1)
								} else {
									accepted.Add(1)
								}
							}()
							n.Go(func(context.Context) error { ran.Add(1); return nil })
						}()
					}
				})
			}
			opts := []nursery.Option{nursery.Name("n")}
			if limit > 0 {
				opts = append(opts, nursery.Limit(limit))
			}
			err := nursery.Run(t.Context(), func(_ context.Context, m *nursery.Nursery) error { n = m; close(ready); return nil }, opts...)
			after := ran.Load()
			late.Wait()
			if err != nil || after != ran.Load() || ran.Load() != accepted.Load() || accepted.Load()+refused.Load() != 12 {
				t.Fatalf("N7: Run() = %v; %d ran before its return and %d in all, %d were accepted and %d refused",
					err, after, ran.Load(), accepted.Load(), refused.Load())
			}
		}
	}
}

// TestStressStart races the three participants that decide a Start: the task, the caller
// and the nursery.
func TestStressStart(t *testing.T) {
	var started, given int
	for range 2000 {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			caller := cancel.New(ctx)
			defer caller.Close()
			begin := make(chan struct{})
			n.Go(func(context.Context) error { <-begin; caller.Cancel(nil); return nil })
			n.Go(func(context.Context) error { <-begin; runtime.Gosched(); n.Cancel(nil); return nil })
			v, err := nursery.Start(caller, n, func(ctx context.Context, started func(int)) error {
				close(begin)
				runtime.Gosched()
				started(42)
				return cancel.Forever(ctx)
			})
			switch {
			case err == nil && v == 42:
				started++
			case errors.Is(err, context.Canceled) && v == 0:
				given++
			default:
				t.Errorf("N13: Start() = %v, %v", v, err)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("Run() = %v, want nil", err)
		}
	}
	if started == 0 || given == 0 {
		t.Errorf("started %d times, gave up %d times, want each at least once", started, given)
	}
}

// TestStressFirst checks that an echo is never recorded before its failure.
func TestStressFirst(t *testing.T) {
	for range 2000 {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for range 4 {
				n.Go(cancel.Forever)
			}
			n.Go(func(context.Context) error { return errBoom })
			return cancel.Forever(ctx)
		})
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom {
			t.Fatalf("N4: failures = %v, want only boom", got)
		}
	}
}

// TestStressSource has the source of a stream panic before the calls for its items begin.
// The calls are dropped, and the loop must learn that no more results come.
func TestStressSource(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 400 {
				for _, stream := range []func(ctx context.Context, items iter.Seq[int], fn func(ctx context.Context, i int) (int, error), opts ...nursery.Option) iter.Seq2[int, error]{
					nursery.Stream[int, int], nursery.StreamUnordered[int, int],
				} {
					_, err := drain(stream(t.Context(), func(yield func(int) bool) { yield(0); yield(1); panic("p") }, double, nursery.Limit(3), nursery.RecoverPanics()))
					if p := new(nursery.PanicError); !errors.As(err, &p) {
						t.Errorf("N8: the stream ended with %v, want the panic", err)
					}
				}
			}
		})
	}
	all.Wait()
}
