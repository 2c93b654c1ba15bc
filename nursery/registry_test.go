package nursery_test

import (
	"context"
	"maps"
	"math/bits"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/stacks"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/errgroup"
	"github.com/grove-go/grove/testutil"
)

// TestSizes bounds the sizes of nurseries and tasks, on 64 bits, by size classes of the
// allocator.
func TestSizes(t *testing.T) {
	if bits.UintSize != 64 {
		return
	}
	for name, most := range map[string]uintptr{"Nursery": 64, "settings": 80, "taskInfo": 80} {
		if got := nursery.Sizes[name]; got > most {
			t.Errorf("a %s has %d bytes, want %d at most", name, got, most)
		}
	}
}

// registered returns the descriptions of the nurseries in the registry, by name.
func registered() map[string]live.NurseryInfo {
	infos := make(map[string]live.NurseryInfo)
	for _, r := range live.Nurseries() {
		info := live.DescribeNursery(r.Self)
		infos[info.Name] = info
	}
	return infos
}

func TestRegistry(t *testing.T) {
	t.Run("N24/a nursery is in the registry while it is open, if that is on", func(t *testing.T) { // bubbles switch it on
		open := func() (during int) {
			wantNoError(t, nursery.Run(t.Context(), func(context.Context, *nursery.Nursery) error {
				during = len(live.Nurseries())
				return nil
			}))
			return during
		}
		if n := open(); n != 0 {
			t.Errorf("%d nurseries are in a registry that is off", n)
		}
		disable := live.Enable()
		again := live.Enable()
		disable()
		disable() // has no effect
		if n := open(); n != 1 {
			t.Errorf("%d nurseries are in the registry, want 1", n)
		}
		again()
		if n := len(live.Nurseries()); n != 0 || live.Enabled() {
			t.Errorf("%d nurseries are in the registry at the end, which is on: %v", n, live.Enabled())
		}
	})
	t.Run("N24/a group that was abandoned before its first task is not in the registry", func(t *testing.T) {
		defer live.Enable()()
		ctx, cancel := context.WithCancel(t.Context())
		_, _ = errgroup.WithContext(ctx)
		cancel()
		if n := len(live.Nurseries()); n != 0 {
			t.Errorf("%d nurseries are in the registry, want 0", n)
		}
	})
	bubble(t, "N24/a description", func(t *testing.T, ctx context.Context) {
		defer live.Enable()()
		n := &nursery.Nursery{}
		err := nursery.Run(ctx, func(ctx context.Context, inner *nursery.Nursery) error {
			n = inner
			for range 3 {
				n.Go(func(context.Context) error { time.Sleep(time.Minute); return nil })
			}
			n.Go(func(context.Context) error { return errBoom })
			testutil.WaitAllBlocked()
			got := registered()["pool"]
			got.Scope = nil
			want := live.NurseryInfo{Name: "pool", Options: []string{"limit 2", "keeps going"}, Running: 2, Queued: 2, Members: 3}
			if got.Running != want.Running || got.Queued != want.Queued || got.Members != want.Members || !slices.Equal(got.Options, want.Options) || got.BodyDone {
				t.Errorf("described as %+v, want %+v", got, want)
			}
			time.Sleep(90 * time.Second)
			if got := registered()["pool"]; got.Failed != 1 || len(got.Failures) != 1 || got.Failures[0] != error(errBoom) {
				t.Errorf("%d failures: %v, want boom", got.Failed, got.Failures)
			}
			n.Go(func(context.Context) error {
				testutil.WaitAllBlocked()
				if got := registered()["pool"]; got.Members != 2 || got.Running != 2 || !got.BodyDone {
					t.Errorf("after the body described as %+v, want 2 members", got)
				}
				return nil
			})
			return nil
		}, nursery.Name("pool"), nursery.Limit(2), nursery.KeepGoing())
		if err == nil {
			t.Error("Run() = nil, want boom")
		}
	})
	bubble(t, "N24/tasks with options", func(t *testing.T, ctx context.Context) {
		defer live.Enable()()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			hold := func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) }
			n.Go(hold, nursery.Name("go"))
			n.Go(hold, nursery.Name("daemon"), nursery.Daemon())
			nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, hold(ctx) }, nursery.Name("spawn"))
			_, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error { started(1); return hold(ctx) }, nursery.Name("start"))
			if err != nil {
				return err
			}
			start := live.Now()
			time.Sleep(time.Second)
			names := make(map[string]*live.Task)
			for _, task := range live.Nurseries()[0].Tasks() {
				names[task.Name] = task
				if task.Accepted != start || task.Daemon != (task.Name == "daemon") || (task.Scope != nil) != (task.Name[0] == 's') {
					t.Errorf("task %s is recorded as %+v", task.Name, task)
				}
			}
			if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, []string{"daemon", "go", "spawn", "start"}) {
				t.Errorf("the tasks are %v", got)
			}
			time.Sleep(2 * time.Minute)
			if left := live.Nurseries()[0].Tasks(); len(left) != 0 {
				t.Errorf("%d tasks are left", len(left))
			}
			return nil
		})
		wantNoError(t, err)
	})
}

// TestFrames looks for the address of the nursery in the stack of each goroutine that
// works for one.
func TestFrames(t *testing.T) {
	hold := func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) }
	item := func(ctx context.Context, _ int) error { return hold(ctx) }
	result := func(ctx context.Context, _ int) (int, error) { return 0, hold(ctx) }
	value := func(ctx context.Context) (int, error) { return 0, hold(ctx) }
	inside := func(start func(n *nursery.Nursery)) func(ctx context.Context) {
		return func(ctx context.Context) {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { start(n); return hold(ctx) })
		}
	}
	for name, c := range map[string]struct {
		run        func(ctx context.Context)
		goroutines int // with the body's
	}{
		"Go":             {inside(func(n *nursery.Nursery) { n.Go(hold) }), 2},
		"Go with a name": {inside(func(n *nursery.Nursery) { n.Go(hold, nursery.Name("x")) }), 2},
		"Spawn": {inside(func(n *nursery.Nursery) {
			nursery.Spawn(n, value)
		}), 2},
		"Limit": {func(ctx context.Context) {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(hold)
				n.Go(hold, nursery.Name("x"))
				n.Go(hold)
				return hold(ctx)
			}, nursery.Limit(2))
		}, 3},
		"a body that has returned": {func(ctx context.Context) {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { n.Go(hold); return nil })
		}, 2},
		"For":    {func(ctx context.Context) { _ = nursery.For(ctx, 9, item, nursery.Limit(3)) }, 3},
		"Each":   {func(ctx context.Context) { _ = nursery.Each(ctx, ints(9), item, nursery.Limit(3)) }, 4},
		"Stream": {func(ctx context.Context) { drain(nursery.Stream(ctx, ints(9), result, nursery.Limit(3))) }, 5},
		"errgroup": {func(ctx context.Context) {
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error { return hold(ctx) })
			g.Go(func() error { return hold(ctx) })
			_ = g.Wait()
		}, 3},
		"Gather": {func(ctx context.Context) { _, _ = nursery.Gather(ctx, value, value) }, 3},
	} {
		for _, on := range []bool{false, true} {
			inBubble := func(t *testing.T) {
				ctx := t.Context()
				if on {
					defer live.Enable()()
				}
				start := live.Now()
				go c.run(ctx)
				testutil.WaitAllBlocked()
				time.Sleep(time.Second)
				id := stacks.Bubble()
				addresses := make(map[uint64]int)
				for _, g := range stacks.All().Goroutines {
					if g.Bubble != id {
						continue
					}
					for _, f := range g.Frames {
						if n, ok := stacks.Nursery(f); ok {
							addresses[n]++
							break
						}
					}
					if f, ok := g.Find(stacks.Module + "/nursery.(*Nursery).timed"); ok {
						if at, known := f.Arg(2); !known || int64(at) != start {
							t.Errorf("%s shows the time %d, %v, want %d", f.Function, int64(at), known, start)
						}
					}
				}
				if len(addresses) != 1 || slices.Collect(maps.Values(addresses))[0] != c.goroutines {
					t.Errorf("goroutines by nursery: %v, want %d of one", addresses, c.goroutines)
				}
				if on {
					if addr := uint64(live.Addr(live.Nurseries()[0].Self)); addresses[addr] != c.goroutines {
						t.Errorf("the nursery %#x is not in the stacks: %v", addr, addresses)
					}
				}
				time.Sleep(time.Hour)
			}
			t.Run("N24/each goroutine shows its nursery/"+name, func(t *testing.T) { synctest.Test(t, inBubble) })
		}
	}
}
