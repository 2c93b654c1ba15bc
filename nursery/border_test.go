package nursery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// N21: a failed task cancels the others before its token goes to the next one.
func TestFailureUnderLimiter(t *testing.T) {
	for name, run := range map[string]func(ctx context.Context, l *nursery.Limiter, fn func(ctx context.Context) error) error{
		"For": func(ctx context.Context, l *nursery.Limiter, fn func(ctx context.Context) error) error {
			return nursery.For(ctx, 10, func(ctx context.Context, _ int) error { return fn(ctx) }, nursery.LimitBy(l), nursery.Limit(3))
		},
		"Each": func(ctx context.Context, l *nursery.Limiter, fn func(ctx context.Context) error) error {
			return nursery.Each(ctx, ints(10), func(ctx context.Context, _ int) error { return fn(ctx) }, nursery.LimitBy(l), nursery.Limit(3))
		},
		"Stream": func(ctx context.Context, l *nursery.Limiter, fn func(ctx context.Context) error) error {
			_, err := drain(nursery.Stream(ctx, ints(10), func(ctx context.Context, i int) (int, error) { return i, fn(ctx) }, nursery.LimitBy(l), nursery.Limit(3)))
			return err
		},
		"Go": func(ctx context.Context, l *nursery.Limiter, fn func(ctx context.Context) error) error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				for range 10 {
					n.Go(func(ctx context.Context) error {
						if ctx.Err() != nil {
							return ctx.Err() // the other tasks run, but after the cancellation
						}
						return fn(ctx)
					})
				}
				return nil
			}, nursery.LimitBy(l))
		},
	} {
		for kind, fail := range map[string]func() error{
			"failure": func() error { return errBoom },
			"panic":   func() error { panic(errBoom) },
		} {
			bubble(t, "N21/"+name+", "+kind, func(t *testing.T, ctx context.Context) {
				for range 100 {
					var calls atomic.Int32
					l := nursery.NewLimiter(1)
					var err error
					v := recovered(func() {
						err = run(ctx, l, func(context.Context) error {
							calls.Add(1)
							synctest.Wait() // the other tasks wait for the token
							return fail()
						})
					})
					if p, _ := v.(*nursery.PanicError); !errors.Is(err, errBoom) && !errors.Is(p, errBoom) {
						t.Fatalf("%v, panic(%v), want boom", err, v)
					}
					if n := calls.Load(); n != 1 {
						t.Fatalf("%d calls began, want 1 because it failed", n)
					}
				}
			})
		}
	}
}

// N21: a task that waits for another task under the same limiter releases its token while
// it waits.
func TestWaitUnderLimiter(t *testing.T) {
	bubble(t, "N21/Task.Wait", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				other := nursery.Spawn(n, func(context.Context) (int, error) {
					if st := l.Stats(); st.Borrowed != 1 {
						t.Errorf("Stats() = %+v, want one token in use", st)
					}
					return 7, nil
				})
				v, err := other.Wait(ctx)
				if st := l.Stats(); v != 7 || st.Borrowed != 1 {
					t.Errorf("Wait() = %d, then Stats() = %+v, want 7 and one token in use", v, st)
				}
				return err
			})
			return nil
		}, nursery.LimitBy(l))
		wantNoError(t, err)
		wantStats(t, l, 1, 0, 0)
	})
	bubble(t, "N21/Task.Wait with another limiter", func(t *testing.T, ctx context.Context) {
		l, other := nursery.NewLimiter(1), nursery.NewLimiter(1)
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					task := nursery.Spawn(n, func(context.Context) (int, error) {
						if st := l.Stats(); st.Borrowed != 1 {
							t.Errorf("Stats() = %+v, want the token in use", st)
						}
						return 7, nil
					})
					_, err := task.Wait(ctx)
					return err
				}, nursery.LimitBy(other))
			})
			return nil
		}, nursery.LimitBy(l))
		wantNoError(t, err)
	})
}

func TestForOfManyAfterCancel(t *testing.T) {
	for range 100 {
		var calls atomic.Int32
		err := nursery.For(t.Context(), math.MaxInt, func(_ context.Context, i int) error {
			if i < 0 {
				t.Errorf("called with %d", i)
			}
			calls.Add(1)
			return errBoom
		}, nursery.Limit(8))
		if n := calls.Load(); !errors.Is(err, errBoom) || n > 8 {
			t.Fatalf("For() = %v after %d calls, want boom after at most 8", err, n)
		}
	}
}

// tenants returns the "tenant" labels in the profile of all goroutines.
func tenants() []string {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return []string{err.Error()}
	}
	var all []string
	for _, m := range tenant.FindAllStringSubmatch(b.String(), -1) {
		all = append(all, m[1])
	}
	return all
}

var tenant = regexp.MustCompile(`"tenant":"(\w+)"`)

// N11: labels that a task under a limit sets on its goroutine do not outlive the task.
func TestLabels(t *testing.T) {
	ctx := pprof.WithLabels(t.Context(), pprof.Labels("tenant", "a"))
	pprof.SetGoroutineLabels(ctx)
	defer pprof.SetGoroutineLabels(context.Background())
	for name, run := range map[string]func(task func(ctx context.Context, i int) error) error{
		"Go": func(task func(ctx context.Context, i int) error) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for i := range 4 {
					n.Go(func(ctx context.Context) error { return task(ctx, i) })
				}
				return nil
			}, nursery.Limit(1))
		},
		"Each": func(task func(ctx context.Context, i int) error) error {
			return nursery.Each(ctx, slices.Values([]int{0, 1, 2, 3}), task, nursery.Limit(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var found [2][]string // in tasks that do and do not leave a label behind
			err := run(func(ctx context.Context, i int) error {
				found[i%2] = append(found[i%2], tenants()...)
				if i%2 == 0 {
					pprof.SetGoroutineLabels(pprof.WithLabels(ctx, pprof.Labels("tenant", "b")))
				}
				return nil
			})
			wantNoError(t, err)
			for i, f := range found {
				if slices.Contains(f, "b") || !slices.Contains(f, "a") {
					t.Errorf("tasks %d have the labels %v, want a", i, f)
				}
			}
		})
	}
}

func TestStringOfNursery(t *testing.T) {
	bubble(t, "N11/counts", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range 3 {
				n.Go(func(context.Context) error { return cancel.Sleep(ctx, 1) })
			}
			synctest.Wait()
			if got, want := fmt.Sprint(n), `nursery "crawl" (2 running, 1 queued, 0 finished, 0 failed)`; got != want {
				t.Errorf("String() = %s, want %s", got, want)
			}
			return nil
		}, nursery.Name("crawl"), nursery.Limit(2))
		wantNoError(t, err)
	})
	if got, want := fmt.Sprint(new(nursery.Nursery)), "nursery (0 running, 0 queued, 0 finished, 0 failed)"; got != want {
		t.Errorf("String() = %s, want %s", got, want)
	}
}

// N22: callers with keys that are not equal to themselves share nothing, and such keys
// leave nothing behind.
func TestSharedOfNaN(t *testing.T) {
	bubble(t, "N22/NaN", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			s := nursery.NewShared(n, func(_ context.Context, key float64) (float64, error) { return key, nil })
			for range 3 {
				if v, err := s.Do(ctx, math.NaN()); v == v || err != nil {
					t.Errorf("Do(NaN) = %v, %v, want NaN, nil", v, err)
				}
			}
			if k := s.Keys(); k != 0 {
				t.Errorf("%d computations are kept, want 0", k)
			}
			return nil
		})
		wantNoError(t, err)
	})
}

// N14, N21: Task.Wait returns when its context is done, even if the task that it waits for
// holds the only token.
func TestWaitUnderLimiterGivesUp(t *testing.T) {
	bubble(t, "N21/a timeout, and then a cancellation", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		start := time.Now()
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				server := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, cancel.Forever(ctx) })
				for _, timeout := range []time.Duration{time.Second, 0} {
					short := cancel.New(ctx, cancel.Timeout(timeout))
					if _, err := server.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("Wait() = %v, want the timeout", err)
					}
					short.Close()
				}
				server.Cancel(nil)
				return nil
			})
			return nil
		}, nursery.LimitBy(l))
		wantNoError(t, err)
		if d := time.Since(start); d != time.Second {
			t.Errorf("Run took %v, want 1s", d)
		}
		wantStats(t, l, 1, 0, 0)
	})
}

// N21: a canceled call of AcquireN does not block TryAcquire when tokens are free.
func TestTryAcquireBehindCanceled(t *testing.T) {
	bubble(t, "N21/TryAcquire", func(t *testing.T, ctx context.Context) {
		for range 50 {
			l := nursery.NewLimiter(2)
			if !l.TryAcquire() {
				t.Fatal("TryAcquire() = false, want true")
			}
			scope := cancel.New(ctx)
			got := acquirers(scope, l, 2)
			scope.Cancel(nil)
			if !l.TryAcquire() {
				t.Fatal("TryAcquire() = false, want true because the call in front was canceled")
			}
			if list := got(); len(list) != 0 {
				t.Errorf("calls %v have tokens, want no calls", list)
			}
		}
	})
}

// N4: a nursery opened with a context from outside another nursery does not use that
// nursery's EchoIf.
func TestEchoIfOfAnotherNursery(t *testing.T) {
	errKilled := errors.New("signal: killed")
	outer := cancel.New(t.Context())
	err := nursery.Run(outer, func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error {
			//grove:ok the inner nursery is canceled by what cancels the outer one
			return nursery.Run(outer, func(context.Context, *nursery.Nursery) error {
				outer.Cancel(nil)
				return errKilled
			})
		})
		return nil
	}, nursery.EchoIf(func(err error) bool { return err == errKilled }))
	if f := failures(t, err); len(f) != 1 || !errors.Is(f[0], context.Canceled) || errors.Is(err, errKilled) {
		t.Errorf("Run() = %+v, want only the cancellation", err)
	}
}

// N8: a panic that arrives in two ways is reported once.
func TestPanicByTwoWays(t *testing.T) {
	bubble(t, "N8/from Task.Wait, and with other failures", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				found := make(chan error, 1)
				n.Go(func(ctx context.Context) error { <-ctx.Done(); return <-found })
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					bad := nursery.Spawn(n, func(context.Context) (int, error) { panic("boom") })
					n.Go(func(ctx context.Context) error { <-ctx.Done(); return errBoom })
					_, err := bad.Wait(context.WithoutCancel(ctx))
					found <- err
					return nil
				})
			})
		})
		if p.Value != "boom" || len(p.Others) != 1 || p.Others[0] != errBoom {
			t.Errorf("panic(%v) with %v, want boom with the other failure", p.Value, p.Others)
		}
	})
}
