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
	"github.com/grove-go/grove/nursery"
)

// shared runs body in a nursery with a Shared that computes with fn.
func shared(t *testing.T, ctx context.Context, fn func(ctx context.Context, key string) (int, error), body func(n *nursery.Nursery, s *nursery.Shared[string, int])) error {
	t.Helper()
	return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		body(n, nursery.NewShared(n, fn))
		return nil
	})
}

func TestShared(t *testing.T) {
	bubble(t, "N22/concurrent callers share one computation", func(t *testing.T, ctx context.Context) {
		calls := map[string]int{}
		var mu sync.Mutex
		err := shared(t, ctx, func(ctx context.Context, key string) (int, error) {
			mu.Lock()
			calls[key]++
			mu.Unlock()
			return len(key), cancel.Sleep(ctx, time.Second)
		}, func(n *nursery.Nursery, s *nursery.Shared[string, int]) {
			for round := 1; round <= 2; round++ {
				err := nursery.For(ctx, 20, func(ctx context.Context, i int) error {
					key := []string{"a", "bc"}[i%2]
					if v, err := s.Do(ctx, key); v != len(key) || err != nil {
						return fmt.Errorf("Do(%q) = %v, %v, want %d", key, v, err, len(key))
					}
					return nil
				}, nursery.Limit(20))
				if err != nil || calls["a"] != round || calls["bc"] != round {
					t.Errorf("%v after %v calls, want nil after %d each", err, calls, round)
				}
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	bubble(t, "N22/an error goes to the waiting callers, not to the nursery", func(t *testing.T, ctx context.Context) {
		err := shared(t, ctx, func(context.Context, string) (int, error) { return 7, errBoom }, func(_ *nursery.Nursery, s *nursery.Shared[string, int]) {
			if v, err := s.Do(ctx, "a"); v != 7 || err != errBoom {
				t.Errorf("Do() = %v, %v, want 7, boom", v, err)
			}
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N22/a caller that gives up does not affect the others or the computation", func(t *testing.T, ctx context.Context) {
		err := shared(t, ctx, func(ctx context.Context, _ string) (int, error) { return 1, cancel.Sleep(ctx, time.Minute) }, func(_ *nursery.Nursery, s *nursery.Shared[string, int]) {
			first := cancel.New(ctx, cancel.Timeout(time.Second))
			go func() {
				if _, err := s.Do(first, "a"); !first.IsEcho(err) {
					t.Errorf("the first caller: Do() = %v, want its deadline", err)
				}
			}()
			time.Sleep(time.Millisecond) // virtual time; the first caller has begun the computation
			if v, err := s.Do(ctx, "a"); v != 1 || err != nil {
				t.Errorf("Do() = %v, %v, want 1", v, err)
			}
			if first.Err() == nil {
				t.Error("the first caller is still waiting")
			}
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N22/the last caller to give up cancels the computation without waiting for it", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		began := 0
		err := shared(t, ctx, func(ctx context.Context, _ string) (int, error) {
			if began++; began == 2 {
				return 2, nil
			}
			<-ctx.Done()
			if cause := context.Cause(ctx); cause.Error() != "no caller waits for the result any more" {
				t.Errorf("the cause is %v, want that no caller waits", cause)
			}
			time.Sleep(time.Hour) // the computation is slow to end
			return 1, errBoom
		}, func(_ *nursery.Nursery, s *nursery.Shared[string, int]) {
			for range 2 {
				go func() {
					scope := cancel.New(ctx, cancel.Timeout(time.Second))
					if _, err := s.Do(scope, "a"); !scope.IsEcho(err) {
						t.Errorf("Do() = %v, want the deadline", err)
					}
				}()
			}
			time.Sleep(2 * time.Second)
			if v, err := s.Do(ctx, "a"); v != 2 || err != nil {
				t.Errorf("Do() = %v, %v, want 2 from a new computation", v, err)
			}
			wantTime(t, start, 2*time.Second)
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil because the error of the computation is dropped", err)
		}
		wantTime(t, start, time.Second+time.Hour)
	})
	bubble(t, "N22/a call with a done context begins nothing", func(t *testing.T, ctx context.Context) {
		err := shared(t, ctx, func(context.Context, string) (int, error) { t.Error("called"); return 0, nil }, func(_ *nursery.Nursery, s *nursery.Shared[string, int]) {
			scope := cancel.New(ctx)
			scope.Cancel(io.EOF)
			if _, err := s.Do(scope, "a"); !scope.IsEcho(err) {
				t.Errorf("Do() = %v, want the cancellation", err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	bubble(t, "N22/the nursery is canceled", func(t *testing.T, ctx context.Context) {
		err := shared(t, ctx, func(ctx context.Context, _ string) (int, error) { <-ctx.Done(); return 0, ctx.Err() }, func(n *nursery.Nursery, s *nursery.Shared[string, int]) {
			n.Scope().SetTimeout(time.Second)
			_, err := s.Do(ctx, "a")
			if e := new(cancel.Error); !errors.As(err, &e) || !n.Scope().IsEcho(err) {
				t.Errorf("Do() = %v, want the deadline of the nursery", err)
			}
			_, err = s.Do(ctx, "a")
			if !n.Scope().IsEcho(err) {
				t.Errorf("Do() = %v, want the deadline again", err)
			}
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N22/a panic reaches the waiting callers, not the nursery", func(t *testing.T, ctx context.Context) {
		var first atomic.Pointer[nursery.PanicError]
		err := shared(t, ctx, func(ctx context.Context, _ string) (int, error) {
			time.Sleep(time.Second)
			explode("v")
			return 0, nil
		}, func(_ *nursery.Nursery, s *nursery.Shared[string, int]) {
			err := nursery.For(ctx, 5, func(ctx context.Context, _ int) error {
				p := caught(t, func() { _, _ = s.Do(ctx, "a") })
				wantStack(t, p, "nursery_test.explode")
				if q := first.Swap(p); q != nil && q != p {
					t.Errorf("different panics: %v and %v", p, q)
				}
				return nil
			}, nursery.Limit(5))
			if err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		// If tasks of the nursery do not recover the panic, the nursery panics once.
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				s := nursery.NewShared(n, func(context.Context, int) (int, error) { time.Sleep(time.Second); panic("v") })
				for range 3 {
					n.Go(func(ctx context.Context) error { _, err := s.Do(ctx, 1); return err })
				}
				return nil
			})
		})
		if p.Value != "v" || len(p.Others) != 0 {
			t.Errorf("panic(%v), others: %v, want only v", p.Value, p.Others)
		}
	})
	bubble(t, "N22/a panic without waiting callers is the nursery's", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			_ = shared(t, ctx, func(ctx context.Context, _ string) (int, error) {
				<-ctx.Done()
				panic("v")
			}, func(_ *nursery.Nursery, s *nursery.Shared[string, int]) {
				_, _ = s.Do(cancel.New(ctx, cancel.Timeout(time.Second)), "a")
			})
		})
		if p.Value != "v" {
			t.Errorf("panic(%v), want v", p.Value)
		}
	})
	bubble(t, "N22/Goexit reaches the waiting callers", func(t *testing.T, ctx context.Context) {
		err := shared(t, ctx, func(ctx context.Context, _ string) (int, error) {
			time.Sleep(time.Second)
			runtime.Goexit()
			return 0, nil
		}, func(_ *nursery.Nursery, s *nursery.Shared[string, int]) {
			err := nursery.For(ctx, 3, func(ctx context.Context, _ int) error {
				if how := runToEnd(func() { _, _ = s.Do(ctx, "a") }); how != "called Goexit" {
					t.Errorf("Do %s, want Goexit", how)
				}
				return nil
			}, nursery.Limit(3))
			if err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N22/tasks of a limited nursery may wait", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			s := nursery.NewShared(n, func(ctx context.Context, key int) (int, error) { return key, cancel.Sleep(ctx, time.Second) })
			for i := range 3 {
				n.Go(func(ctx context.Context) error { _, err := s.Do(ctx, i); return err })
			}
			return nil
		}, nursery.Limit(1), nursery.LimitBy(nursery.NewLimiter(1)))
		if err != nil {
			t.Error(err)
		}
	})
	bubble(t, "N22/the context has the values of the nursery", func(t *testing.T, ctx context.Context) {
		type key struct{}
		err := shared(t, context.WithValue(ctx, key{}, 1), func(ctx context.Context, _ string) (int, error) {
			return ctx.Value(key{}).(int), nil
		}, func(_ *nursery.Nursery, s *nursery.Shared[string, int]) {
			if v, err := s.Do(context.WithValue(ctx, key{}, 2), "a"); v != 1 || err != nil {
				t.Errorf("Do() = %v, %v, want 1", v, err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	bubble(t, "N22/bad input panics at the call", func(t *testing.T, ctx context.Context) {
		var none context.Context
		fn := func(context.Context, string) (int, error) { return 0, nil }
		mustPanic(t, "nursery: NewShared: nil nursery", func() { nursery.NewShared(nil, fn) })
		mustPanic(t, "nursery: NewShared: this Nursery does not come from nursery.Run", func() { nursery.NewShared(new(nursery.Nursery), fn) })
		var left *nursery.Shared[string, int]
		err := shared(t, ctx, fn, func(n *nursery.Nursery, s *nursery.Shared[string, int]) {
			mustPanic(t, "nursery: NewShared: nil function", func() { nursery.NewShared[int, int](n, nil) })
			mustPanic(t, "nursery: Shared.Do: nil context", func() { _, _ = s.Do(none, "a") })
			left = s
		})
		if err != nil {
			t.Error(err)
		}
		mustPanic(t, "nursery: Shared.Do: the nursery has ended", func() { _, _ = left.Do(ctx, "a") })
	})
}

// TestStressSharedDo has many callers that come and give up at the same time. Each must
// get the right value or its own cancellation.
func TestStressSharedDo(t *testing.T) {
	const keys = 3
	var begun, got, gaveUp atomic.Int64
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		s := nursery.NewShared(n, func(ctx context.Context, key int) (int, error) {
			begun.Add(1)
			for range 50 {
				runtime.Gosched()
			}
			return key, ctx.Err()
		})
		return nursery.For(ctx, 32, func(ctx context.Context, i int) error {
			rnd := rand.New(rand.NewPCG(2, uint64(i)))
			for range 300 {
				key := rnd.IntN(keys)
				scope := cancel.New(ctx)
				if rnd.IntN(2) == 0 {
					go scope.Cancel(nil)
				}
				v, err := s.Do(scope, key)
				switch {
				case err == nil && v == key:
					got.Add(1)
				case err != nil && scope.IsEcho(err) && scope.Err() != nil:
					gaveUp.Add(1)
				default:
					return fmt.Errorf("Do(%d) = %v, %v", key, v, err)
				}
				scope.Close()
			}
			return nil
		}, nursery.Limit(32))
	})
	if err != nil {
		t.Error(err)
	}
	if got.Load() == 0 || gaveUp.Load() == 0 || begun.Load() >= 32*300 {
		t.Errorf("%d calls got the value, %d gave up, %d computations; want some of each, and fewer computations than calls", got.Load(), gaveUp.Load(), begun.Load())
	}
}

// TestStressSharedPanic has a computation panic while the waiting caller gives up. The
// panic must continue in either the caller or the nursery.
func TestStressSharedPanic(t *testing.T) {
	var waiters, nurseries int
	for range 2000 {
		caller, inNursery := false, false
		func() {
			defer func() { inNursery = recover() != nil }()
			_ = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				scope := cancel.New(ctx)
				defer scope.Close()
				s := nursery.NewShared(n, func(context.Context, int) (int, error) {
					scope.Cancel(nil)
					panic("v")
				})
				defer func() { caller = recover() != nil }()
				_, _ = s.Do(scope, 1)
				return nil
			})
		}()
		if caller == inNursery {
			t.Fatalf("panic in the caller: %v, in the nursery: %v, want exactly one", caller, inNursery)
		}
		if caller {
			waiters++
		} else {
			nurseries++
		}
	}
	t.Logf("%d in the caller, %d in the nursery", waiters, nurseries)
}
