package nursery_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// second returns a task that takes a second and counts itself.
func second(begun, finished *atomic.Int32) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		begun.Add(1)
		defer finished.Add(1)
		return cancel.Sleep(ctx, time.Second)
	}
}

// wantJoined fails the test unless all tasks that began have finished.
func wantJoined(t *testing.T, begun, finished *atomic.Int32) {
	t.Helper()
	if b, f := begun.Load(), finished.Load(); b != f {
		t.Errorf("N1: %d of %d tasks have returned", f, b)
	}
}

func TestEverywhereRun(t *testing.T) {
	for name, opts := range map[string][]nursery.Option{
		"no options": nil,
		"Limit":      {nursery.Limit(2)},
		"KeepGoing":  {nursery.KeepGoing(), nursery.Name("n")},
		"LimitBy":    {nursery.LimitBy(nursery.NewLimiter(2))},
	} {
		t.Run("N1/"+name, func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				var begun, finished atomic.Int32
				defer wantJoined(t, &begun, &finished)
				if name == "LimitBy" {
					opts = []nursery.Option{nursery.LimitBy(nursery.NewLimiter(2))} // each bubble needs its own limiter
				}
				err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					for range 3 {
						n.Go(second(&begun, &finished))
					}
					n.Go(func(ctx context.Context) error {
						n.Go(second(&begun, &finished), nursery.Name("inner"))
						return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
							n.Go(second(&begun, &finished))
							return nil
						}, opts...)
					})
					n.Go(func(ctx context.Context) error { return cancel.Forever(ctx) }, nursery.Daemon())
					return cancel.Sleep(ctx, 500*time.Millisecond)
				}, opts...)
				if begun.Load() != 5 && name != "Limit" && name != "LimitBy" && err == nil {
					t.Errorf("N7: only %d tasks have begun", begun.Load())
				}
				return err
			}, testutil.Repeats(2))
		})
	}
}

func TestEverywhereStart(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		var begun, finished atomic.Int32
		defer wantJoined(t, &begun, &finished)
		// Cancel the caller of Start, not the nursery.
		return errors.Join(nursery.Run(context.WithoutCancel(ctx), func(_ context.Context, n *nursery.Nursery) error {
			addr, err := nursery.Start(ctx, n, func(ctx context.Context, started func(string)) error {
				begun.Add(1)
				defer finished.Add(1)
				if err := cancel.Sleep(ctx, time.Second); err != nil {
					return err
				}
				started("here")
				return cancel.Sleep(ctx, time.Second)
			})
			switch {
			case err == nil && addr != "here":
				t.Errorf("N13: Start() = %q, nil, want here", addr)
			case err != nil && begun.Load() != finished.Load():
				t.Errorf("N13: Start() = %v before the task has returned", err)
			}
			_ = err // the error of the caller, which goes on
			return nil
		}), cancel.Err(ctx))
	}, testutil.Repeats(2))
}

func TestEverywhereSpawn(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			waiter := cancel.New(ctx)
			defer waiter.Close()
			a := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 1, cancel.Sleep(ctx, time.Second) })
			b := nursery.Spawn(n, func(ctx context.Context) (int, error) { return a.Wait(ctx) }, nursery.Name("b"))
			v, err := b.Wait(waiter)
			if err == nil && v != 1 {
				t.Errorf("N14: Wait() = %d, want 1", v)
			}
			return err
		})
	}, testutil.Repeats(2))
}

func TestEverywhereFlow(t *testing.T) {
	for _, f := range flows {
		t.Run("N15/"+f.name, func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				var begun, finished atomic.Int32
				defer wantJoined(t, &begun, &finished)
				limiter := nursery.NewLimiter(2)
				got, err := drain(f.of(ctx, ints(5), func(ctx context.Context, i int) (int, error) {
					return i, second(&begun, &finished)(ctx)
				}, nursery.Limit(3), nursery.LimitBy(limiter)))
				if err == nil && begun.Load() != 5 {
					t.Errorf("N6: no error, but only %d of 5 items have begun", begun.Load())
				}
				if f.name == "Stream" && !slices.Equal(got, []int{0, 1, 2, 3, 4}[:len(got)]) {
					t.Errorf("N15: got %v, want no gaps", got)
				}
				if s := limiter.Stats(); s.Borrowed != 0 || s.Waiting != 0 {
					t.Errorf("N21: %+v, want no token in use", s)
				}
				return err
			}, testutil.Repeats(2))
		})
	}
}

func TestEverywhereStreamLeft(t *testing.T) {
	for _, f := range streams {
		t.Run("N15/"+f.name, func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				var begun, finished atomic.Int32
				defer wantJoined(t, &begun, &finished)
				var source iter.Seq[int] = func(yield func(int) bool) {
					begun.Add(1)
					defer finished.Add(1)
					ints(endless)(yield)
				}
				for v, err := range f.of(ctx, source, func(ctx context.Context, i int) (int, error) {
					return i, second(&begun, &finished)(ctx)
				}, nursery.Limit(3)) {
					if err != nil {
						return err
					}
					if v >= 3 {
						break
					}
				}
				return nil
			}, testutil.Repeats(2))
		})
	}
}

func TestEverywhereComputations(t *testing.T) {
	task := func(begun, finished *atomic.Int32, v int) func(ctx context.Context) (int, error) {
		return func(ctx context.Context) (int, error) {
			for range v {
				if err := second(begun, finished)(ctx); err != nil {
					return 0, err
				}
			}
			return v, nil
		}
	}
	for name, run := range map[string]func(t *testing.T, ctx context.Context, begun, finished *atomic.Int32) error{
		"Gather": func(t *testing.T, ctx context.Context, b, f *atomic.Int32) error {
			got, err := nursery.Gather(ctx, task(b, f, 1), task(b, f, 2), task(b, f, 3))
			if err == nil && !slices.Equal(got, []int{1, 2, 3}) {
				t.Errorf("Gather() = %v, nil, want 1 2 3", got)
			}
			return err
		},
		"Settle": func(t *testing.T, ctx context.Context, b, f *atomic.Int32) error {
			var errs []error
			for _, o := range nursery.Settle(ctx, task(b, f, 1), task(b, f, 2)) {
				errs = append(errs, o.Err)
			}
			return errors.Join(errs...)
		},
		"Race": func(t *testing.T, ctx context.Context, b, f *atomic.Int32) error {
			v, err := nursery.Race(ctx, task(b, f, 3), task(b, f, 1))
			if err == nil && v != 1 {
				t.Errorf("N16: Race() = %d, want 1", v)
			}
			return err
		},
		"First": func(t *testing.T, ctx context.Context, b, f *atomic.Int32) error {
			v, err := nursery.First(ctx, task(b, f, 3), task(b, f, 1))
			if err == nil && v != 1 {
				t.Errorf("N16: First() = %d, want 1", v)
			}
			return err
		},
		"For": func(t *testing.T, ctx context.Context, b, f *atomic.Int32) error {
			err := nursery.For(ctx, 5, func(ctx context.Context, _ int) error { return second(b, f)(ctx) }, nursery.Limit(2))
			if err == nil && b.Load() != 5 {
				t.Errorf("N6: For() = nil, but only %d of 5 calls were made", b.Load())
			}
			return err
		},
		"Map in Map": func(t *testing.T, ctx context.Context, b, f *atomic.Int32) error {
			l := nursery.NewLimiter(1)
			_, err := nursery.Map(ctx, []int{1, 2}, func(ctx context.Context, i int) ([]int, error) {
				return nursery.Map(ctx, make([]int, i), func(ctx context.Context, _ int) (int, error) { return 0, second(b, f)(ctx) }, nursery.LimitBy(l))
			}, nursery.LimitBy(l))
			if s := l.Stats(); s.Borrowed != 0 || s.Waiting != 0 {
				t.Errorf("N21: %+v, want no token in use", s)
			}
			return err
		},
	} {
		t.Run("N1/"+name, func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				var begun, finished atomic.Int32
				defer wantJoined(t, &begun, &finished)
				return run(t, ctx, &begun, &finished)
			}, testutil.Repeats(2))
		})
	}
}

func TestEverywhereLimiter(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		l := nursery.NewLimiter(3)
		err := nursery.For(ctx, 6, func(ctx context.Context, i int) error {
			n := 1 + i%3
			if err := l.AcquireN(ctx, n); err != nil {
				return err
			}
			defer l.ReleaseN(n)
			return cancel.Sleep(ctx, time.Second)
		}, nursery.Limit(6))
		if s := l.Stats(); s.Borrowed != 0 || s.Waiting != 0 {
			t.Errorf("N21: %+v, want no token in use and no call waiting", s)
		}
		return err
	})
}

func TestEverywhereShared(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		var begun, finished atomic.Int32
		defer wantJoined(t, &begun, &finished)
		var result error
		err := nursery.Run(context.WithoutCancel(ctx), func(_ context.Context, n *nursery.Nursery) error {
			s := nursery.NewShared(n, func(ctx context.Context, key string) (string, error) {
				return key, second(&begun, &finished)(ctx)
			})
			// Cancel one of two callers.
			patient := nursery.Spawn(n, func(ctx context.Context) (string, error) { return s.Do(ctx, "k") })
			v, err := s.Do(ctx, "k")
			if result = err; err == nil && v != "k" {
				t.Errorf("N22: Do() = %q, want k", v)
			}
			v, err = patient.Wait(context.WithoutCancel(ctx))
			if v != "k" || err != nil {
				t.Errorf("N22: the other caller: Do() = %q, %v, want k", v, err)
			}
			return err
		})
		return errors.Join(err, result)
	})
}
