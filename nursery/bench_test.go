package nursery_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/nursery"
)

func noop(context.Context) error { return nil }

// BenchmarkOpenClose opens and closes a group with no task or with two.
func BenchmarkOpenClose(b *testing.B) {
	for _, tasks := range []int{0, 2} {
		b.Run(fmt.Sprintf("tasks=%d/impl=grove", tasks), func(b *testing.B) {
			b.ReportAllocs()
			ctx := b.Context()
			for b.Loop() {
				nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					for range tasks {
						n.Go(noop)
					}
					return nil
				})
			}
		})
		b.Run(fmt.Sprintf("tasks=%d/impl=errgroup", tasks), func(b *testing.B) {
			b.ReportAllocs()
			ctx := b.Context()
			for b.Loop() {
				g, ctx := errgroup.WithContext(ctx)
				for range tasks {
					g.Go(func() error { return noop(ctx) })
				}
				g.Wait()
			}
		})
	}
}

// BenchmarkTasks runs many tasks that do nothing.
func BenchmarkTasks(b *testing.B) {
	for _, tasks := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("tasks=%d/impl=grove", tasks), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				nursery.Run(b.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					for range tasks {
						n.Go(noop)
					}
					return nil
				})
			}
		})
		b.Run(fmt.Sprintf("tasks=%d/impl=errgroup", tasks), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g, ctx := errgroup.WithContext(b.Context())
				for range tasks {
					g.Go(func() error { return noop(ctx) })
				}
				g.Wait()
			}
		})
		b.Run(fmt.Sprintf("tasks=%d/impl=WaitGroup", tasks), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var wg sync.WaitGroup
				ctx := b.Context()
				for range tasks {
					wg.Go(func() { noop(ctx) })
				}
				wg.Wait()
			}
		})
	}
}

// BenchmarkLimit runs 10,000 tasks that do nothing, a few at a time.
func BenchmarkLimit(b *testing.B) {
	const tasks = 10_000
	for _, limit := range []int{2, 8, 64} {
		b.Run(fmt.Sprintf("limit=%d/impl=grove", limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				nursery.Run(b.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					for range tasks {
						n.Go(noop)
					}
					return nil
				}, nursery.Limit(limit))
			}
		})
		b.Run(fmt.Sprintf("limit=%d/impl=errgroup", limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g, ctx := errgroup.WithContext(b.Context())
				g.SetLimit(limit)
				for range tasks {
					g.Go(func() error { return noop(ctx) })
				}
				g.Wait()
			}
		})
	}
}

// BenchmarkCancelParked cancels 50,000 tasks that are waiting.
func BenchmarkCancelParked(b *testing.B) {
	const tasks = 50_000
	b.Run("impl=grove", func(b *testing.B) {
		for b.Loop() {
			nursery.Run(b.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				var ready sync.WaitGroup
				ready.Add(tasks)
				for range tasks {
					n.Go(func(ctx context.Context) error {
						ready.Done()
						<-ctx.Done()
						return ctx.Err()
					})
				}
				b.StopTimer()
				ready.Wait()
				b.StartTimer()
				n.Cancel(nil)
				return nil
			})
		}
	})
	b.Run("impl=errgroup", func(b *testing.B) {
		for b.Loop() {
			outer, stop := context.WithCancel(b.Context())
			g, ctx := errgroup.WithContext(outer)
			var ready sync.WaitGroup
			ready.Add(tasks)
			for range tasks {
				g.Go(func() error {
					ready.Done()
					<-ctx.Done()
					return ctx.Err()
				})
			}
			b.StopTimer()
			ready.Wait()
			b.StartTimer()
			stop()
			g.Wait()
		}
	})
}

// BenchmarkNested opens 100 nested groups with one task at each level.
func BenchmarkNested(b *testing.B) {
	const depth = 100
	b.Run("impl=grove", func(b *testing.B) {
		b.ReportAllocs()
		var down func(ctx context.Context, level int) error
		down = func(ctx context.Context, level int) error {
			if level == 0 {
				return nil
			}
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return down(ctx, level-1) })
				return nil
			})
		}
		for b.Loop() {
			down(b.Context(), depth)
		}
	})
	b.Run("impl=errgroup", func(b *testing.B) {
		b.ReportAllocs()
		var down func(ctx context.Context, level int) error
		down = func(ctx context.Context, level int) error {
			if level == 0 {
				return nil
			}
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error { return down(ctx, level-1) })
			return g.Wait()
		}
		for b.Loop() {
			down(b.Context(), depth)
		}
	})
}

// BenchmarkParked measures the memory of a waiting task, heap and stack, in bytes per
// task, for a nursery, an errgroup and a bare goroutine.
func BenchmarkParked(b *testing.B) {
	const tasks = 100_000
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	measure := func(b *testing.B, park func(ctx context.Context, ready, over *sync.WaitGroup)) {
		var total uint64
		rounds := 0
		for b.Loop() {
			ctx, stop := context.WithCancel(b.Context())
			before := inUse()
			var ready, over sync.WaitGroup
			ready.Add(tasks)
			over.Add(1)
			go park(ctx, &ready, &over)
			ready.Wait()
			total += inUse() - before
			rounds++
			stop()
			over.Wait()
		}
		b.ReportMetric(float64(total)/float64(rounds)/tasks, "B/task")
	}
	b.Run("impl=grove", func(b *testing.B) {
		measure(b, func(ctx context.Context, ready, over *sync.WaitGroup) {
			defer over.Done()
			nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				task := func(ctx context.Context) error {
					ready.Done()
					<-ctx.Done()
					return nil
				}
				for range tasks {
					n.Go(task)
				}
				return nil
			})
		})
	})
	b.Run("impl=errgroup", func(b *testing.B) {
		measure(b, func(ctx context.Context, ready, over *sync.WaitGroup) {
			defer over.Done()
			g, ctx := errgroup.WithContext(ctx)
			task := func() error {
				ready.Done()
				<-ctx.Done()
				return nil
			}
			for range tasks {
				g.Go(task)
			}
			g.Wait()
		})
	})
	b.Run("impl=goroutine", func(b *testing.B) {
		measure(b, func(ctx context.Context, ready, over *sync.WaitGroup) {
			defer over.Done()
			over.Add(tasks)
			for range tasks {
				go func() {
					defer over.Done()
					ready.Done()
					<-ctx.Done()
				}()
			}
		})
	})
}

// BenchmarkFor runs calls that do nothing, in For, in workers that claim indices by hand,
// and in an errgroup with a limit.
func BenchmarkFor(b *testing.B) {
	const count, limit = 20_000, 8
	b.Run("impl=grove", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			nursery.For(b.Context(), count, func(context.Context, int) error { return nil }, nursery.Limit(limit))
		}
	})
	b.Run("impl=claiming", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var next atomic.Int64
			g, ctx := errgroup.WithContext(b.Context())
			for range limit {
				g.Go(func() error {
					for ctx.Err() == nil {
						i := int(next.Add(1) - 1)
						if i >= count {
							return nil
						}
						if err := noop(ctx); err != nil {
							return err
						}
					}
					return ctx.Err()
				})
			}
			g.Wait()
		}
	})
	b.Run("impl=errgroup", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g, ctx := errgroup.WithContext(b.Context())
			g.SetLimit(limit)
			for range count {
				g.Go(func() error { return noop(ctx) })
			}
			g.Wait()
		}
	})
}

// BenchmarkWaits measures calls that wait for a task.
func BenchmarkWaits(b *testing.B) {
	for name, wait := range map[string]func(ctx context.Context, n *nursery.Nursery, s *nursery.Shared[int, int]) error{
		"Start": func(ctx context.Context, n *nursery.Nursery, _ *nursery.Shared[int, int]) error {
			_, err := nursery.Start(ctx, n, func(_ context.Context, started func(int)) error { started(1); return nil })
			return err
		},
		"Shared.Do": func(ctx context.Context, _ *nursery.Nursery, s *nursery.Shared[int, int]) error {
			_, err := s.Do(ctx, 1)
			return err
		},
		"Task.Wait": func(ctx context.Context, n *nursery.Nursery, _ *nursery.Shared[int, int]) error {
			_, err := nursery.Spawn(n, func(context.Context) (int, error) { return 1, nil }).Wait(ctx)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			err := nursery.Run(b.Context(), func(ctx context.Context, n *nursery.Nursery) error {
				s := nursery.NewShared(n, func(context.Context, int) (int, error) { return 1, nil })
				for b.Loop() {
					if err := wait(ctx, n, s); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Error(err)
			}
		})
	}
}
