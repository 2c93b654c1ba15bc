package debug_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/stacks"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
)

// TestStressTake takes snapshots while random trees of nurseries open, fail, and close.
func TestStressTake(t *testing.T) {
	defer debug.Enable()()
	dice := kit.NewDice(1, 1)
	var grow func(ctx context.Context, depth int) error
	grow = func(ctx context.Context, depth int) error {
		if depth == 0 {
			return nil
		}
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range dice.Roll(4) {
				switch dice.Roll(4) {
				case 0:
					n.Go(func(ctx context.Context) error { return grow(ctx, depth-1) }, nursery.Name("named"))
				case 1:
					n.Go(func(context.Context) error { return io.EOF })
				case 2:
					nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, nil }).Cancel(nil)
				default:
					n.Go(func(ctx context.Context) error { return grow(ctx, depth-1) })
				}
			}
			return nil
		}, nursery.Name(strings.Repeat("x", depth)), nursery.Limit(1+dice.Roll(3)))
	}
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 3 {
			n.Go(func(ctx context.Context) error {
				for ctx.Err() == nil {
					_ = grow(ctx, 5)
				}
				return nil
			}, nursery.Daemon())
		}
		for range 50 {
			if s := debug.Take(); s.Counts.Nurseries == 0 || s.Stacks != "all" {
				t.Errorf("%+v, stacks %q", s.Counts, s.Stacks)
			}
			debug.Metrics()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if n := len(live.Nurseries()); n != 0 {
		t.Errorf("%d nurseries are left", n)
	}
}

// FuzzParse fails if Parse or WriteText panics, or if a goroutine is in two nurseries.
func FuzzParse(f *testing.F) {
	dump, _ := stacks.Text()
	f.Add(dump)
	f.Add("goroutine 7 [running]:\n" + stacks.Module + "/nursery.(*Nursery).plain(0xc0, 0x1)\n\tgo.go:1\n")
	f.Fuzz(func(t *testing.T, dump string) {
		s, err := debug.Parse(strings.NewReader(dump))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.WriteText(io.Discard); err != nil {
			t.Fatal(err)
		}
		tasks := make(map[*debug.Task]bool)
		var walk func(n *debug.Nursery)
		walk = func(n *debug.Nursery) {
			for _, task := range n.Tasks {
				if tasks[task] {
					t.Errorf("task %s is in two nurseries", task.ID)
				}
				tasks[task] = true
				for _, n := range task.Nurseries {
					walk(n)
				}
			}
			if n.Body != nil {
				for _, n := range n.Body.Nurseries {
					walk(n)
				}
			}
		}
		for _, n := range s.Roots {
			walk(n)
		}
	})
}

// BenchmarkTake compares a snapshot with the call of runtime.Stack in it.
func BenchmarkTake(b *testing.B) {
	for _, tasks := range []int{1000, 10_000, 100_000} {
		err := nursery.Run(b.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for range tasks {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); return nil })
			}
			b.Run(fmt.Sprintf("tasks=%d/impl=runtime.Stack", tasks), func(b *testing.B) {
				for b.Loop() {
					stacks.Text()
				}
			})
			b.Run(fmt.Sprintf("tasks=%d/impl=Take", tasks), func(b *testing.B) {
				for b.Loop() {
					debug.Take(debug.MaxGoroutines(1_000_000))
				}
			})
			n.Cancel(nil)
			return nil
		})
		if err != nil {
			b.Error(err)
		}
	}
}

// TestStressMetrics reads figures while nurseries come into the registry.
func TestStressMetrics(t *testing.T) {
	defer debug.Enable()()
	err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
		for range 2 {
			n.Go(func(ctx context.Context) error {
				for ctx.Err() == nil {
					_ = nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return nil })
				}
				return nil
			}, nursery.Daemon())
		}
		for range 3000 {
			if c := debug.Metrics(); c.Nurseries == 0 {
				t.Errorf("%+v, want the nursery of the test", c)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
