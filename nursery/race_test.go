package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// TestStressCause has several tasks fail at once.
func TestStressCause(t *testing.T) {
	for range 3000 {
		var cause error
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 4 {
				n.Go(func(context.Context) error { return fmt.Errorf("failure %d", i) })
			}
			<-ctx.Done()
			cause = context.Cause(ctx)
			return nil
		})
		got := failures(t, err)
		if e, ok := cause.(*nursery.TaskError); !ok || e.Err != got[0] {
			t.Fatalf("N2: Cause() = %v, want the first of %v", cause, got)
		}
		if len(got) != 4 {
			t.Fatalf("N3: failures = %v, want 4", got)
		}
	}
}

// TestStressStats calls Stats while a nursery ends in every possible way.
func TestStressStats(t *testing.T) {
	bodies := []func(ctx context.Context, n *nursery.Nursery) error{
		func(context.Context, *nursery.Nursery) error { return errBoom },
		func(context.Context, *nursery.Nursery) error { panic("p") },
		func(ctx context.Context, _ *nursery.Nursery) error { return goexit(ctx) },
		func(context.Context, *nursery.Nursery) error { return nil },
	}
	for i := range 400 {
		handed := make(chan *nursery.Nursery, 1)
		stop := make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() {
			for n := <-handed; ; {
				s := n.Stats()
				if s.Running < 0 || s.Queued < 0 || s.Finished < 0 || s.Failed < 0 || s.Running > 5 {
					t.Errorf("N19: Stats() = %+v", s)
				}
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		})
		runToEnd(func() {
			_ = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				handed <- n
				for range 3 {
					n.Go(func(ctx context.Context) error { runtime.Gosched(); return ctx.Err() })
				}
				n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.EOF }, nursery.Daemon())
				return bodies[i%len(bodies)](ctx, n)
			})
		})
		close(stop)
		reader.Wait()
	}
}

// TestStressPrune cancels a nursery while it processes a group of failures that would all
// be echoes a moment later.
func TestStressPrune(t *testing.T) {
	many := make([]error, 500)
	for i := range many {
		many[i] = context.Canceled
	}
	inner := group(t, "inner", many...)
	for i := range 1500 {
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			ready := make(chan struct{})
			n.Go(func(context.Context) error { close(ready); return inner })
			<-ready
			for range i % 100 {
				runtime.Gosched()
			}
			n.Cancel(nil)
			return nil
		})
		if err == nil {
			continue // dropped as an echo
		}
		for _, f := range failures(t, err) {
			if g, ok := f.(*nursery.GroupError); ok && len(g.Unwrap()) != len(many) {
				t.Fatalf("N4: a group of %d failures, want all %d or no group", len(g.Unwrap()), len(many))
			}
		}
	}
}

// TestStressLimit has tasks under a limit that end in every way, start other tasks, and
// are started from outside.
func TestStressLimit(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i := range uint64(150) {
		d := kit.NewDice(seed, i)
		limit := 1 + d.Roll(4)
		var accepted, ran atomic.Int64
		var crowd kit.Crowd
		var task func(n *nursery.Nursery) func(ctx context.Context) error
		task = func(n *nursery.Nursery) func(ctx context.Context) error {
			accepted.Add(1)
			return func(ctx context.Context) error {
				ran.Add(1)
				defer crowd.Enter()()
				switch d.Roll(12) {
				case 0:
					runtime.Goexit()
				case 1:
					panic("p")
				case 2:
					return errBoom
				case 3, 4, 5:
					n.Go(task(n))
				case 6:
					if accepted.Load() < 400 {
						n.Go(task(n), nursery.Name("x"))
						nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, task(n)(ctx) })
					}
				case 7:
					return cancel.Sleep(ctx, d.Micros(50))
				case 8:
					runtime.Gosched()
				}
				return nil
			}
		}
		runToEnd(func() {
			_ = nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				for range 40 {
					n.Go(task(n))
				}
				return nil
			}, nursery.Limit(limit), nursery.KeepGoing())
		})
		if crowd.Now() != 0 || crowd.Most() > limit || ran.Load() != accepted.Load() {
			t.Fatalf("N11: limit %d: %d at a time; %d of %d tasks ran, %d are running", limit, crowd.Most(), ran.Load(), accepted.Load(), crowd.Now())
		}
	}
}

// TestStressStartEnds races Start against every event that can end it, for each way that
// its task can end.
func TestStressStartEnds(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	errTaskEnd := errors.New("the task's")
	outcomes := make(map[string]int)
	for i := range uint64(3000) {
		d := kit.NewDice(seed, i)
		var ended atomic.Bool
		early, late, end, daemon := d.Roll(3) > 0, d.Roll(2) == 0, d.Roll(3), d.Roll(2) == 0
		var v int
		var serr error
		how := runToEnd(func() {
			err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				caller := cancel.New(ctx)
				defer caller.Close()
				for _, call := range []func(){func() { caller.Cancel(nil) }, func() { n.Cancel(nil) }} {
					if d.Roll(2) == 0 {
						n.Go(func(context.Context) error {
							for range d.Roll(4) {
								runtime.Gosched()
							}
							call()
							return nil
						})
					}
				}
				var opts []nursery.TaskOption
				if daemon {
					opts = append(opts, nursery.Daemon())
				}
				v, serr = nursery.Start(caller, n, func(ctx context.Context, started func(int)) error {
					defer ended.Store(true)
					for range d.Roll(4) {
						runtime.Gosched()
					}
					if early {
						if late {
							begun := make(chan struct{})
							go func() { defer close(begun); started(7) }() // in another goroutine
							<-begun
						} else {
							started(7)
						}
					}
					switch end {
					case 1:
						return errTaskEnd
					case 2:
						_, err := cancel.MoveOnAfter(ctx, time.Millisecond, cancel.Forever)
						return err
					}
					return nil
				}, opts...)
				return nil
			})
			switch {
			case serr == nil && (end != 1) != (err == nil):
				t.Errorf("N13: Run() = %v, but the task had started and its end was %d", err, end)
			case serr != nil && err != nil:
				t.Errorf("N13: Run() = %v, but the task belonged to the caller", err)
			}
		})
		switch {
		case how != "returned" || !ended.Load():
			t.Fatalf("N1: Run %s, the task ended: %v", how, ended.Load())
		case serr == nil:
			if v != 7 || !early {
				t.Fatalf("N13: Start() = %v, nil, started was called: %v", v, early)
			}
			outcomes["started"]++
		case v != 0:
			t.Fatalf("N13: Start() = %v, %v, want no value with an error", v, serr)
		case serr == errTaskEnd:
			outcomes["failed"]++
		case errors.Is(serr, nursery.ErrNotStarted):
			outcomes["not started"]++
		case errors.Is(serr, context.Canceled):
			outcomes["canceled"]++
		default:
			t.Fatalf("N13: Start() = %v", serr)
		}
	}
	if len(outcomes) != 4 {
		t.Errorf("outcomes = %v, want each of the four at least once", outcomes)
	}
}

// TestStressShared uses a nursery from many goroutines in every way.
func TestStressShared(t *testing.T) {
	for range 30 {
		var ran, accepted atomic.Int64
		err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			task := func(context.Context) error { ran.Add(1); return nil }
			for range 8 {
				n.Go(func(ctx context.Context) error {
					for i := range 50 {
						accepted.Add(1)
						switch i % 5 {
						case 0:
							n.Go(task)
						case 1:
							n.Go(task, nursery.Daemon())
						case 2:
							if _, err := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, task(ctx) }).Wait(context.WithoutCancel(ctx)); err != nil {
								t.Errorf("Wait() = %v, want nil", err)
							}
						case 3:
							_, _ = nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error { started(1); return task(ctx) })
						case 4:
							n.Go(task, nursery.Name("x"))
							if n.Stats().Failed != 0 || n.Scope() == nil {
								t.Error("Stats or Scope failed")
							}
							if i == 24 {
								n.Cancel(nil)
							}
						}
					}
					return nil
				})
			}
			return nil
		})
		if err != nil || ran.Load() != accepted.Load() {
			t.Fatalf("N19: Run() = %v, %d of %d tasks ran", err, ran.Load(), accepted.Load())
		}
	}
}
