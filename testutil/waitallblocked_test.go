package testutil_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestWaitAllBlocked(t *testing.T) {
	kit.Bubble(t, "T3/WaitAllBlocked returns when no other goroutine can proceed, before time advances", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		steps := 0 // no lock: WaitAllBlocked synchronizes
		var slept atomic.Bool
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range 3 {
				n.Go(func(ctx context.Context) error {
					for range 100 {
						if err := cancel.Checkpoint(ctx); err != nil {
							return err
						}
					}
					return cancel.Forever(ctx)
				}, nursery.Daemon())
			}
			n.Go(func(ctx context.Context) error {
				for range 1000 {
					steps++
					if err := cancel.Checkpoint(ctx); err != nil {
						return err
					}
				}
				err := cancel.Sleep(ctx, time.Nanosecond)
				slept.Store(true)
				return err
			})
			testutil.WaitAllBlocked()
			if steps != 1000 || slept.Load() || time.Since(start) != 0 {
				t.Errorf("%d steps, slept %v, after %v, want 1000, false, 0s", steps, slept.Load(), time.Since(start))
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	t.Run("T3/WaitAllBlocked panics outside a bubble", func(t *testing.T) {
		kit.MustPanic(t, "testutil: WaitAllBlocked: ", testutil.WaitAllBlocked)
		kit.MustPanic(t, "; call it inside Bubble or synctest.Test", testutil.WaitAllBlocked)
	})
	kit.Bubble(t, "T3/one of two concurrent calls of WaitAllBlocked panics", func(t *testing.T, ctx context.Context) {
		try := func() (panicked string) {
			defer func() {
				if p := recover(); p != nil {
					panicked = fmt.Sprint(p)
				}
			}()
			testutil.WaitAllBlocked()
			return ""
		}
		// The first call waits for the other goroutine, so the second call always overlaps it.
		other := make(chan string)
		go func() { other <- try() }()
		all := try() + <-other
		if strings.Count(all, "testutil: WaitAllBlocked: ") != 1 || !strings.Contains(all, "from one goroutine at a time") {
			t.Errorf("the panics were %q, want one", all)
		}
	})
}
