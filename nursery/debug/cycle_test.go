package debug_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/testutil"
)

// cycles returns the texts of the warnings of cycles, without numbers of goroutines.
func cycles() (texts []string) {
	for _, w := range debug.Take().Warnings {
		if w.Code == "cycle" {
			texts = append(texts, regexp.MustCompile(` g\d+`).ReplaceAllString(w.Text, ""))
		}
	}
	return texts
}

func TestCycles(t *testing.T) {
	kit.Bubble(t, "D7/two tasks wait for each other", func(t *testing.T, ctx context.Context) {
		_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			var a, b *nursery.Task[int]
			ready := make(chan struct{})
			a = nursery.Spawn(n, func(ctx context.Context) (int, error) { <-ready; return b.Wait(ctx) }, nursery.Name("a"))
			b = nursery.Spawn(n, func(ctx context.Context) (int, error) { <-ready; return a.Wait(ctx) }, nursery.Name("b"))
			close(ready)
			testutil.WaitAllBlocked()
			if got := cycles(); len(got) != 1 || got[0] != "waits for itself: a → b → a" && got[0] != "waits for itself: b → a → b" {
				t.Errorf("the cycles are %q, want that of a and b", got)
			}
			n.Cancel(nil)
			return nil
		})
	})
	kit.Bubble(t, "D7/a task waits for the task that waits for its nursery", func(t *testing.T, ctx context.Context) {
		_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			var outer *nursery.Task[int]
			ready := make(chan struct{})
			outer = nursery.Spawn(n, func(ctx context.Context) (int, error) {
				<-ready
				return 0, nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { _, err := outer.Wait(ctx); return err }, nursery.Name("inner"))
					return nil
				})
			}, nursery.Name("outer"))
			close(ready)
			testutil.WaitAllBlocked()
			if got := cycles(); len(got) != 1 || !strings.HasPrefix(got[0], "waits for itself: inner → ") || !strings.HasSuffix(got[0], " → inner") {
				t.Errorf("the cycles are %q, want that of the inner task", got)
			}
			n.Cancel(nil)
			return nil
		})
	})
	kit.Bubble(t, "D7/a daemon that waits for the task around it is not in a cycle", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			var outer *nursery.Task[int]
			ready := make(chan struct{})
			outer = nursery.Spawn(n, func(ctx context.Context) (int, error) {
				<-ready
				return 0, nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { _, err := outer.Wait(ctx); return err }, nursery.Daemon())
					n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Second) })
					return nil
				})
			})
			close(ready)
			testutil.WaitAllBlocked()
			if got := cycles(); len(got) != 0 {
				t.Errorf("the cycles are %q, want none", got)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	kit.Bubble(t, "D7/a task waits to start a task that waits for it", func(t *testing.T, ctx context.Context) {
		_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			var outer *nursery.Task[int]
			ready := make(chan struct{})
			outer = nursery.Spawn(n, func(ctx context.Context) (int, error) {
				<-ready
				return nursery.Start(ctx, n, func(ctx context.Context, _ func(int)) error {
					_, err := outer.Wait(ctx)
					return err
				}, nursery.Name("inner"))
			}, nursery.Name("outer"))
			close(ready)
			testutil.WaitAllBlocked()
			if got := cycles(); len(got) != 1 || got[0] != "waits for itself: outer → inner → outer" && got[0] != "waits for itself: inner → outer → inner" {
				t.Errorf("the cycles are %q, want that of outer and inner", got)
			}
			n.Cancel(nil)
			return nil
		})
	})
	kit.Bubble(t, "D7/shared computations wait for each other", func(t *testing.T, ctx context.Context) {
		_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			var s *nursery.Shared[int, int]
			s = nursery.NewShared(n, func(ctx context.Context, key int) (int, error) { return s.Do(ctx, (key+1)%3) })
			n.Go(func(ctx context.Context) error { _, err := s.Do(ctx, 0); return err })
			testutil.WaitAllBlocked()
			if got := cycles(); len(got) != 1 || strings.Count(got[0], " → ") != 3 || !strings.Contains(got[0], "debug_test.TestCycles") {
				t.Errorf("the cycles are %q, want that of three computations", got)
			}
			n.Cancel(nil)
			return nil
		})
	})
	for name, c := range map[string]struct {
		limit, waiting, cycles int
	}{
		"a task waits for its own place":                {limit: 1, waiting: 1, cycles: 1},
		"all tasks under a limit wait for their places": {limit: 3, waiting: 3, cycles: 1},
		"one of the tasks under a limit goes on":        {limit: 3, waiting: 2, cycles: 0},
	} {
		kit.Bubble(t, "D7/"+name, func(t *testing.T, ctx context.Context) {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				var last *nursery.Task[int]
				ready := make(chan struct{})
				for range c.limit {
					waits := c.waiting > 0
					c.waiting--
					n.Go(func(ctx context.Context) error {
						<-ready
						if !waits {
							return cancel.Sleep(ctx, time.Minute)
						}
						_, err := last.Wait(ctx)
						return err
					}, nursery.Name("first"))
				}
				testutil.WaitAllBlocked()
				last = nursery.Spawn(n, func(context.Context) (int, error) { return 0, nil })
				close(ready)
				testutil.WaitAllBlocked()
				got := debug.Take().Warnings
				if len(got) != c.cycles || c.cycles > 0 && !regexp.MustCompile(`^waits for itself: first g\d+ → a task t[0-9a-f]+ → first g\d+$`).MatchString(got[0].Text) {
					t.Errorf("the warnings are %+v, want %d cycles", got, c.cycles)
				}
				n.Cancel(nil)
				return nil
			}, nursery.Limit(c.limit))
		})
	}
	kit.Bubble(t, "D7/a chain is not a cycle", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			a := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, cancel.Sleep(ctx, time.Second) })
			b := nursery.Spawn(n, func(ctx context.Context) (int, error) { return a.Wait(ctx) })
			n.Go(func(ctx context.Context) error { _, err := b.Wait(ctx); return err })
			testutil.WaitAllBlocked()
			if got := cycles(); len(got) != 0 {
				t.Errorf("the cycles are %q, want none", got)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestOn(t *testing.T) {
	kit.Bubble(t, "D7/what tasks wait for tells channels, limiters and tasks apart", func(t *testing.T, ctx context.Context) {
		_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			_, first := channel.New[int](0)
			full, second := channel.New[string](0)
			l := nursery.NewLimiter(0)
			n.Go(func(ctx context.Context) error { _, err := first.Receive(ctx); return err })
			n.Go(func(ctx context.Context) error { _, err := first.Receive(ctx); return err })
			n.Go(func(ctx context.Context) error { return full.Send(ctx, "x") })
			n.Go(func(ctx context.Context) error { return l.Acquire(ctx) })
			task := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, cancel.Forever(ctx) })
			n.Go(func(ctx context.Context) error { _, err := task.Wait(ctx); return err })
			shared := nursery.NewShared(n, func(ctx context.Context, _ int) (int, error) { return 0, cancel.Forever(ctx) })
			n.Go(func(ctx context.Context) error { _, err := shared.Do(ctx, 1); return err })
			n.Go(func(ctx context.Context) error {
				_, err := nursery.Start(ctx, n, func(ctx context.Context, _ func(int)) error { return cancel.Forever(ctx) })
				return err
			})
			testutil.WaitAllBlocked()
			on := make(map[string][]string)
			for _, task := range debug.Take(debug.Unfolded()).Roots[0].Tasks {
				on[task.WaitsFor] = append(on[task.WaitsFor], task.On)
			}
			receivers, sender := on["a value (Receiver.Receive)"], on["room in a channel (Sender.Send)"]
			if len(receivers) != 2 || receivers[0] == "" || receivers[0] != receivers[1] || len(sender) != 1 || sender[0] == receivers[0] {
				t.Errorf("the receivers wait on %q, and the sender on %q", receivers, sender)
			}
			if got := on["a token (Limiter.Acquire)"]; len(got) != 1 || !strings.HasPrefix(got[0], "o") {
				t.Errorf("the limiter is %q", got)
			}
			for _, what := range []string{"a task (Task.Wait)", "a task to start (nursery.Start)", "a shared computation (Shared.Do)"} {
				if got := on[what]; len(got) != 1 || !strings.HasPrefix(got[0], "g") {
					t.Errorf("%s is %q", what, got)
				}
			}
			second.Close()
			n.Cancel(nil)
			return nil
		})
	})
}
