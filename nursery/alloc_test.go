//go:build !race

package nursery_test

import (
	"context"
	"iter"
	"testing"

	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

func TestAllocs(t *testing.T) {
	ctx := context.Background()
	allocs := func(fn func() error) float64 {
		return testing.AllocsPerRun(20, func() {
			if err := fn(); err != nil {
				t.Error(err)
			}
		})
	}
	run := func(tasks int, opts ...nursery.Option) float64 {
		return allocs(func() error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				for range tasks {
					n.Go(noop)
				}
				return nil
			}, opts...)
		})
	}
	last := func(seq iter.Seq2[int, error]) (v int, err error) {
		for v, err = range seq {
		}
		return v, err
	}
	const tasks = 10_000
	double := func(_ context.Context, i int) (int, error) { return 2 * i, nil }
	for _, test := range []struct {
		name string
		got  float64
		most float64
	}{
		{"no task", run(0), 3}, // nursery, scope, and the body's closure
		// The go statement allocates for each task, and the goroutines a little more.
		{"a task each", run(tasks), 1.05 * tasks},
		{"a limited task each", run(tasks, nursery.Limit(4)), 0.05 * tasks},
		{"For", allocs(func() error {
			return nursery.For(ctx, tasks, func(context.Context, int) error { return nil }, nursery.Limit(4))
		}), 40},
		{"Each", allocs(func() error {
			return nursery.Each(ctx, ints(tasks), func(context.Context, int) error { return nil }, nursery.Limit(4))
		}), 40},
		{"Stream", allocs(func() error {
			_, err := last(nursery.Stream(ctx, ints(tasks), double, nursery.Limit(4)))
			return err
		}), 40},
		{"StreamUnordered", allocs(func() error {
			_, err := last(nursery.StreamUnordered(ctx, ints(tasks), double, nursery.Limit(4)))
			return err
		}), 40},
	} {
		if test.got > test.most {
			t.Errorf("%s: %v allocations, want at most %v", test.name, test.got, test.most)
		}
	}
}

func TestMemory(t *testing.T) {
	for _, opts := range [][]nursery.Option{nil, {nursery.Limit(8)}} {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			batch := func() {
				done := make(chan struct{}, 64)
				for i := range 250_000 {
					n.Go(func(context.Context) error { done <- struct{}{}; return nil })
					if i >= cap(done)/2 {
						<-done
					}
				}
				for range cap(done) / 2 {
					<-done
				}
				for range 1000 {
					task := nursery.Spawn(n, func(ctx context.Context) (int, error) { ctx.Done(); return 1, nil })
					if _, err := task.Wait(ctx); err != nil {
						t.Error(err)
					}
				}
			}
			batch()
			before := kit.Heap()
			batch()
			batch()
			// One word for each finished task would take 4 MB.
			if after := kit.Heap(); after > before+1<<20 {
				t.Errorf("N18: the heap grew from %d to %d bytes with 500,000 tasks", before, after)
			}
			return nil
		}, opts...)
		if err != nil {
			t.Fatal(err)
		}
	}
}
