package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

// wantStats fails the test unless the limiter has these counts when all goroutines are
// blocked.
func wantStats(t *testing.T, l *nursery.Limiter, total, borrowed, waiting int) {
	t.Helper()
	synctest.Wait()
	if got, want := l.Stats(), (nursery.LimiterStats{Total: total, Borrowed: borrowed, Waiting: waiting}); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
}

// acquirers starts calls of AcquireN one after the other. Each adds its number to the
// list when it has its tokens.
func acquirers(ctx context.Context, l *nursery.Limiter, weights ...int) (list func() []int) {
	var mu sync.Mutex
	var got []int
	for i, n := range weights {
		go func() {
			if l.AcquireN(ctx, n) == nil {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, i)
			}
		}()
		synctest.Wait()
	}
	return func() []int {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(got)
	}
}

// A curious context uses a limiter in its method Err.
type curious struct {
	context.Context
	l *nursery.Limiter
}

func (c curious) Err() error {
	c.l.Stats()
	return c.Context.Err()
}

func TestLimiter(t *testing.T) {
	bubble(t, "N21/tokens", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(3)
		for range 2 {
			if err := l.Acquire(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if !l.TryAcquire() || l.TryAcquire() {
			t.Error("TryAcquire() took a fourth token, or failed to take a third")
		}
		wantStats(t, l, 3, 3, 0)
		l.ReleaseN(2)
		if l.TryAcquireN(3) || !l.TryAcquireN(2) {
			t.Error("TryAcquireN(3) = true, or TryAcquireN(2) = false, want the reverse")
		}
		l.Release()
		if err := l.AcquireN(ctx, 1); err != nil {
			t.Fatal(err)
		}
		wantStats(t, l, 3, 3, 0)
		if !l.TryAcquireN(0) || l.AcquireN(ctx, 0) != nil {
			t.Error("acquiring 0 tokens failed")
		}
		l.ReleaseN(3)
		wantStats(t, l, 3, 0, 0)
	})
	bubble(t, "N21/first come, first served", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(2)
		weights := []int{2, 2, 1, 2, 2}
		got := acquirers(ctx, l, weights...)
		for i, n := range weights {
			if g, want := got(), []int{0, 1, 2, 3, 4}[:i+1]; !slices.Equal(g, want) {
				t.Errorf("served: %v, want %v", g, want)
			}
			l.ReleaseN(n)
		}
	})
	bubble(t, "N21/a call for many tokens is not overtaken", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(3)
		got := acquirers(ctx, l, 1, 3, 1)
		if l.TryAcquire() {
			t.Error("TryAcquire() = true while a call waits, want false")
		}
		wantStats(t, l, 3, 1, 2)
		l.Release()
		if g := got(); !slices.Equal(g, []int{0, 1}) {
			t.Errorf("served: %v, want 0 1", g)
		}
		l.ReleaseN(3)
		if g := got(); !slices.Equal(g, []int{0, 1, 2}) {
			t.Errorf("served: %v, want 0 1 2", g)
		}
	})
	bubble(t, "N21/a token handed to a waiting call cannot be taken by another", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		got := acquirers(ctx, l, 1, 1)
		l.Release() // the token now belongs to the second call, even before it wakes
		if l.TryAcquire() {
			t.Error("TryAcquire() = true, want false because the token belongs to another call")
		}
		if g := got(); !slices.Equal(g, []int{0, 1}) {
			t.Errorf("served: %v, want 0 1", g)
		}
	})
	bubble(t, "N21/a canceled call leaves the queue and blocks no other call", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(2)
		acquirers(ctx, l, 1)
		scope := cancel.New(ctx, cancel.Name("impatient"))
		done := make(chan error, 1)
		go func() { done <- l.AcquireN(scope, 2) }()
		synctest.Wait()
		got := acquirers(ctx, l, 1)
		wantStats(t, l, 2, 1, 2)
		scope.Cancel(io.EOF)
		e := new(cancel.Error)
		if err := <-done; !errors.As(err, &e) || e.Reason.Scope != "impatient" || !scope.IsEcho(err) {
			t.Errorf("AcquireN() = %v, want the cancellation", err)
		}
		if g := got(); !slices.Equal(g, []int{0}) {
			t.Errorf("served: %v, want the next call", g)
		}
		wantStats(t, l, 2, 2, 0)
	})
	bubble(t, "N21/a call with a done context takes no token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		scope := cancel.New(ctx)
		scope.Cancel(nil)
		if err := l.Acquire(scope); !scope.IsEcho(err) {
			t.Errorf("Acquire() = %v, want the cancellation", err)
		}
		wantStats(t, l, 1, 0, 0)
	})
	bubble(t, "N21/a deadline while waiting", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(0)
		start := time.Now()
		err := l.Acquire(cancel.New(ctx, cancel.Timeout(time.Minute)))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Acquire() = %v, want the deadline", err)
		}
		wantTime(t, start, time.Minute)
		wantStats(t, l, 0, 0, 0)
	})
	bubble(t, "N21/the context may use the limiter", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(0)
		scope := cancel.New(ctx, cancel.Timeout(time.Second))
		if err := l.Acquire(curious{scope, l}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Acquire() = %v, want the deadline", err)
		}
	})
	bubble(t, "N21/a larger total serves exactly that many more", func(t *testing.T, ctx context.Context) {
		l := new(nursery.Limiter)
		got := acquirers(ctx, l, 1, 1, 1, 1)
		wantStats(t, l, 0, 0, 4)
		for total, want := range [][]int{1: {0}, 3: {0, 1, 2}} {
			if want == nil {
				continue
			}
			l.SetTotal(total)
			if g := slices.Sorted(slices.Values(got())); !slices.Equal(g, want) {
				t.Errorf("served with %d: %v, want %v", total, g, want)
			}
		}
		wantStats(t, l, 3, 3, 1)
		l.SetTotal(math.MaxInt)
		wantStats(t, l, math.MaxInt, 4, 0)
		if !l.TryAcquireN(math.MaxInt-4) || l.TryAcquire() {
			t.Error("the limiter with MaxInt tokens has more or fewer")
		}
	})
	bubble(t, "N21/a smaller total takes no token away and grants none", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(3)
		got := acquirers(ctx, l, 1, 1, 1, 1)
		l.SetTotal(1)
		for borrowed := 3; borrowed > 1; borrowed-- {
			wantStats(t, l, 1, borrowed, 1)
			l.Release()
		}
		wantStats(t, l, 1, 1, 1)
		l.Release()
		if g := got(); len(g) != 4 || g[3] != 3 {
			t.Errorf("served: %v, want all, 3 last", g)
		}
	})
	bubble(t, "N21/bad input panics at the call", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		var none context.Context
		mustPanic(t, "nursery: NewLimiter: total must not be negative, got -1", func() { nursery.NewLimiter(-1) })
		mustPanic(t, "nursery: Limiter.SetTotal: total must not be negative, got -1", func() { l.SetTotal(-1) })
		mustPanic(t, "nursery: Limiter.AcquireN: nil context", func() { _ = l.Acquire(none) })
		mustPanic(t, "nursery: Limiter.AcquireN: n must not be negative, got -1", func() { _ = l.AcquireN(ctx, -1) })
		mustPanic(t, "nursery: Limiter.TryAcquireN: n must not be negative, got -1", func() { l.TryAcquireN(-1) })
		mustPanic(t, "nursery: Limiter.ReleaseN: n must not be negative, got -1", func() { l.ReleaseN(-1) })
		mustPanic(t, "nursery: Limiter.ReleaseN: n must be at most 0, the tokens that are out, got 1", func() { l.Release() })
		mustPanic(t, "nursery: LimitBy: nil limiter", func() { nursery.LimitBy(nil) })
		wantStats(t, l, 1, 0, 0)
	})
}

// TestStressLimiter has many goroutines acquire, release, give up, and change the total.
// The limit must always hold, and all tokens must be back at the end.
func TestStressLimiter(t *testing.T) {
	const most = 5
	l := nursery.NewLimiter(most)
	var out atomic.Int64
	err := nursery.For(t.Context(), 64, func(ctx context.Context, i int) error {
		rnd := rand.New(rand.NewPCG(1, uint64(i)))
		for range 300 {
			n := rnd.IntN(most + 1)
			err := error(nil)
			switch rnd.IntN(8) {
			case 0:
				l.SetTotal(1 + rnd.IntN(most))
				continue
			case 1:
				if !l.TryAcquireN(n) {
					continue
				}
			case 2:
				_, err = cancel.MoveOnAfter(ctx, time.Duration(rnd.IntN(20))*time.Microsecond, func(ctx context.Context) error {
					if err := l.AcquireN(ctx, n); err != nil {
						return err
					}
					n = -n - 1 // already acquired
					return nil
				})
				if n >= 0 {
					continue
				}
				n = -n - 1
			default:
				// The total may be less than n, with no goroutine left to raise it.
				if n > 1 {
					n = 1
				}
				err = l.AcquireN(ctx, n)
			}
			if err != nil {
				return err
			}
			if o := out.Add(int64(n)); o > most {
				return fmt.Errorf("%d tokens are in use, want at most %d", o, most)
			}
			out.Add(int64(-n))
			l.ReleaseN(n)
		}
		return nil
	}, nursery.Limit(64))
	if err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Borrowed != 0 || s.Waiting != 0 {
		t.Errorf("Stats() = %+v at the end, want no token in use and no call waiting", s)
	}
}

func TestUsing(t *testing.T) {
	// nurseries has all ways to do work five times with options.
	nurseries := map[string]func(ctx context.Context, work func(ctx context.Context) error, opts ...nursery.Option) error{
		"Run": func(ctx context.Context, work func(ctx context.Context) error, opts ...nursery.Option) error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(work)
				n.Go(work, nursery.Name("b"))
				for range 3 {
					nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, work(ctx) })
				}
				return nil
			}, opts...)
		},
		"For": func(ctx context.Context, work func(ctx context.Context) error, opts ...nursery.Option) error {
			return nursery.For(ctx, 5, func(ctx context.Context, _ int) error { return work(ctx) }, opts...)
		},
		"Map": func(ctx context.Context, work func(ctx context.Context) error, opts ...nursery.Option) error {
			_, err := nursery.Map(ctx, make([]int, 5), func(ctx context.Context, _ int) (int, error) { return 0, work(ctx) }, opts...)
			return err
		},
	}
	for _, f := range flows {
		nurseries[f.name] = func(ctx context.Context, work func(ctx context.Context) error, opts ...nursery.Option) error {
			_, err := drain(f.of(ctx, ints(5), func(ctx context.Context, i int) (int, error) { return i, work(ctx) }, opts...))
			return err
		}
	}
	for name, run := range nurseries {
		for _, limit := range []int{2, 10} {
			bubble(t, fmt.Sprintf("N21/%s/as many at a time as tokens, with Limit(%d)", name, limit), func(t *testing.T, ctx context.Context) {
				for tokens := 1; tokens <= 5; tokens++ {
					start := time.Now()
					l := nursery.NewLimiter(tokens)
					var crowd kit.Crowd
					err := run(ctx, func(ctx context.Context) error {
						defer crowd.Enter()()
						return cancel.Sleep(ctx, time.Second)
					}, nursery.Limit(limit), nursery.LimitBy(l))
					want := min(tokens, limit)
					if err != nil || crowd.Most() != want {
						t.Errorf("%d tokens: got %v, %d at a time, want nil, %d", tokens, err, crowd.Most(), want)
					}
					wantTime(t, start, time.Duration((5+want-1)/want)*time.Second)
					wantStats(t, l, tokens, 0, 0)
				}
			})
		}
		bubble(t, "N21/"+name+"/two nurseries share a limiter", func(t *testing.T, ctx context.Context) {
			start := time.Now()
			l := nursery.NewLimiter(2)
			work := func(ctx context.Context) error { return cancel.Sleep(ctx, time.Second) }
			_, err := nursery.Gather(ctx,
				func(ctx context.Context) (int, error) { return 0, run(ctx, work, nursery.Limit(5), nursery.LimitBy(l)) },
				func(ctx context.Context) (int, error) { return 0, run(ctx, work, nursery.Limit(5), nursery.LimitBy(l)) })
			if err != nil {
				t.Error(err)
			}
			wantTime(t, start, 5*time.Second)
		})
		for _, tokens := range []int{1, 2, 100} {
			bubble(t, fmt.Sprintf("N21/%s/nested, three deep, %d tokens", name, tokens), func(t *testing.T, ctx context.Context) {
				l := nursery.NewLimiter(tokens)
				var running, leaves atomic.Int32
				leaf := func(ctx context.Context) error {
					if r := running.Add(1); int(r) > tokens {
						t.Errorf("%d at a time, want at most %d", r, tokens)
					}
					defer running.Add(-1)
					leaves.Add(1)
					return cancel.Sleep(ctx, time.Second)
				}
				opts := []nursery.Option{nursery.Limit(3), nursery.LimitBy(l)}
				err := run(ctx, func(ctx context.Context) error {
					return run(ctx, func(ctx context.Context) error {
						if err := leaf(ctx); err != nil {
							return err
						}
						if err := run(ctx, leaf, opts...); err != nil {
							return err
						}
						return leaf(ctx) // with the token that it reacquired
					}, opts...)
				}, opts...)
				if err != nil || leaves.Load() != 25*7 {
					t.Errorf("got %v, %d leaves, want nil, %d", err, leaves.Load(), 25*7)
				}
				wantStats(t, l, tokens, 0, 0)
			})
		}
		bubble(t, "N21/"+name+"/canceled while they wait for a token", func(t *testing.T, ctx context.Context) {
			l := nursery.NewLimiter(1)
			scope := cancel.New(ctx, cancel.Timeout(time.Second))
			ran, late := 0, 0
			err := run(scope, func(ctx context.Context) error {
				if ran++; ctx.Err() != nil {
					late++
				}
				<-ctx.Done()
				synctest.Wait()
				return ctx.Err()
			}, nursery.Limit(1), nursery.LimitBy(l))
			want := 0
			if name == "Run" {
				want = 4 // tasks that were accepted run
			}
			if !scope.IsEcho(err) || ran != want+1 || late != want {
				t.Errorf("got %v, %d ran, %d of them canceled from the start, want the deadline, %d, %d", err, ran, late, want+1, want)
			}
			wantStats(t, l, 1, 0, 0)
		})
		bubble(t, "N21/"+name+"/a panic releases the token", func(t *testing.T, ctx context.Context) {
			l := nursery.NewLimiter(1)
			err := run(ctx, func(context.Context) error { explode("v"); return nil }, nursery.LimitBy(l), nursery.RecoverPanics(), nursery.KeepGoing())
			if name != "Stream" && name != "StreamUnordered" && len(failures(t, err)) != 5 {
				t.Errorf("got %v, want five panics", err)
			}
			wantStats(t, l, 1, 0, 0)
			p := caught(t, func() { _ = run(ctx, func(context.Context) error { explode("v"); return nil }, nursery.LimitBy(l)) })
			wantStack(t, p, "nursery_test.explode")
			wantStats(t, l, 1, 0, 0)
		})
	}
	bubble(t, "N21/daemons and tasks of Start hold no token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return cancel.Forever(ctx) }, nursery.Daemon())
			n.Go(func(ctx context.Context) error {
				_, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error {
					started(1)
					return nil
				})
				return err
			})
			return nil
		}, nursery.LimitBy(l))
		if err != nil {
			t.Error(err)
		}
	})
	bubble(t, "N21/the task's context belongs to its scope", func(t *testing.T, ctx context.Context) {
		err := nursery.For(ctx, 1, func(ctx context.Context, _ int) error {
			inner, stop := context.WithCancel(ctx)
			defer stop()
			below := cancel.New(inner)
			defer below.Close()
			scope := cancel.FromContext(ctx)
			if scope == nil {
				t.Fatal("FromContext() = nil, want the scope")
			}
			scope.Cancel(io.EOF)
			if inner.Err() == nil || below.Err() == nil || context.Cause(inner) != io.EOF {
				t.Error("derived contexts are not canceled, want them canceled at once")
			}
			return nil
		}, nursery.LimitBy(nursery.NewLimiter(1)))
		if err != nil {
			t.Error(err)
		}
	})
	bubble(t, "N21/a canceled task does not wait to reacquire its token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		scope := cancel.New(ctx)
		_ = nursery.For(scope, 1, func(ctx context.Context, _ int) error {
			_ = nursery.For(ctx, 1, func(context.Context, int) error { return nil }, nursery.LimitBy(l))
			_ = nursery.Run(ctx, func(context.Context, *nursery.Nursery) error {
				wantStats(t, l, 1, 0, 0)
				if !l.TryAcquire() {
					t.Error("TryAcquire() = false, want the released token")
				}
				scope.Cancel(nil)
				return nil
			}, nursery.LimitBy(l))
			return nil
		}, nursery.LimitBy(l))
		wantStats(t, l, 1, 1, 0)
		l.Release()
	})
	bubble(t, "N21/several nurseries at once in a task", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		err := nursery.For(ctx, 2, func(ctx context.Context, i int) error {
			err := nursery.For(ctx, 5, func(ctx context.Context, j int) error {
				return nursery.For(ctx, j, func(ctx context.Context, _ int) error { return cancel.Sleep(ctx, time.Second) }, nursery.LimitBy(l))
			}, nursery.Limit(5))
			if s := l.Stats(); s.Borrowed != 1 {
				t.Errorf("%d tokens are in use when a task goes on, want 1", s.Borrowed)
			}
			return err
		}, nursery.LimitBy(l))
		if err != nil {
			t.Error(err)
		}
		wantStats(t, l, 1, 0, 0)
	})
	bubble(t, "N21/a nursery that ends while another is open does not wait for the token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		err := nursery.For(ctx, 1, func(ctx context.Context, _ int) error {
			return nursery.Run(ctx, func(context.Context, *nursery.Nursery) error {
				if !l.TryAcquire() {
					t.Error("TryAcquire() = false, want the released token")
				}
				defer l.Release()
				//grove:ok the nursery inside waits for the token that the calls around hold
				return nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return nil }, nursery.LimitBy(l))
			}, nursery.LimitBy(l))
		}, nursery.LimitBy(l))
		if err != nil {
			t.Error(err)
		}
		wantStats(t, l, 1, 0, 0)
	})
	bubble(t, "N21/several nurseries at once end while another call has the token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		err := nursery.For(ctx, 1, func(ctx context.Context, _ int) error {
			// inside runs a nursery that uses the limiter and ends when ending is closed.
			ending := make(chan struct{})
			inside := func(ctx context.Context) (int, error) {
				return 0, nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { <-ending; return nil }, nursery.LimitBy(l))
			}
			_, err := nursery.Gather(ctx, inside, inside, func(ctx context.Context) (int, error) {
				synctest.Wait()
				if !l.TryAcquire() {
					t.Error("TryAcquire() = false, want the released token")
				}
				close(ending)
				synctest.Wait()
				_, err := inside(ctx) // releases again while another nursery waits to reacquire
				l.Release()
				return 0, err
			})
			wantStats(t, l, 1, 1, 0)
			return err
		}, nursery.LimitBy(l))
		if err != nil {
			t.Error(err)
		}
		wantStats(t, l, 1, 0, 0)
	})
	bubble(t, "N21/an inner nursery that outlives the task does not acquire its token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			leaked := make(chan context.Context, 1)
			n.Go(func(ctx context.Context) error { leaked <- ctx; return nil })
			ctx := <-leaked
			wantStats(t, l, 1, 0, 0)
			inside := func() {
				_ = nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return nil }, nursery.LimitBy(l))
			}
			inside()
			wantStats(t, l, 1, 0, 0)
			if !l.TryAcquire() {
				t.Error("TryAcquire() = false, want the token")
			}
			inside() // does not wait
			l.Release()
			return nil
		}, nursery.LimitBy(l))
		if err != nil {
			t.Error(err)
		}
	})
	bubble(t, "N21/a task ends while an inner nursery waits to reacquire its token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				go nursery.Run(ctx, func(context.Context, *nursery.Nursery) error {
					if !l.TryAcquire() {
						t.Error("TryAcquire() = false, want the released token")
					}
					return nil
				}, nursery.LimitBy(l))
				synctest.Wait()
				return nil
			})
			time.Sleep(time.Second)
			wantStats(t, l, 1, 1, 1)
			l.Release()
			wantStats(t, l, 1, 0, 0)
			return nil
		}, nursery.LimitBy(l))
		if err != nil {
			t.Error(err)
		}
	})
	bubble(t, "N21/a task that leaves a stream reacquires its token", func(t *testing.T, ctx context.Context) {
		l := nursery.NewLimiter(1)
		err := nursery.For(ctx, 1, func(ctx context.Context, _ int) error {
			for range nursery.Stream(ctx, ints(endless), double, nursery.LimitBy(l)) {
				break
			}
			wantStats(t, l, 1, 1, 0)
			return nil
		}, nursery.LimitBy(l))
		if err != nil {
			t.Error(err)
		}
	})
	bubble(t, "N21/a nursery with another limiter does not release the token", func(t *testing.T, ctx context.Context) {
		outer, inner := nursery.NewLimiter(1), nursery.NewLimiter(1)
		err := nursery.For(ctx, 1, func(ctx context.Context, _ int) error {
			return nursery.For(ctx, 1, func(ctx context.Context, _ int) error {
				wantStats(t, outer, 1, 1, 0)
				wantStats(t, inner, 1, 1, 0)
				return nil
			}, nursery.LimitBy(inner))
		}, nursery.LimitBy(outer))
		if err != nil {
			t.Error(err)
		}
	})
}
