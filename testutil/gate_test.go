package testutil_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A hooked is a context that calls onDone at the second call of Done, which starts the
// wait. The first call is made to check the error.
type hooked struct {
	context.Context
	onDone func()
	asked  int
}

func (h *hooked) Done() <-chan struct{} {
	if h.asked++; h.asked == 2 {
		h.onDone()
	}
	return h.Context.Done()
}

func TestGate(t *testing.T) {
	kit.Bubble(t, "T3/a closed gate blocks all callers until it is opened", func(t *testing.T, ctx context.Context) {
		for _, many := range []int{0, 1, 2, 100} {
			var gate testutil.Gate
			passed := make(chan struct{}, many)
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for range many {
					n.Go(func(ctx context.Context) error {
						err := gate.Wait(ctx)
						passed <- struct{}{}
						return err
					})
				}
				testutil.WaitAllBlocked()
				if len(passed) > 0 {
					t.Errorf("%d of %d passed a closed gate", len(passed), many)
				}
				gate.Open()
				gate.Open()
				testutil.WaitAllBlocked()
				if len(passed) != many {
					t.Errorf("%d of %d passed an open gate", len(passed), many)
				}
				return nil
			})
			if err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
		}
	})
	kit.Bubble(t, "T3/an open gate stays open, and Open is idempotent", func(t *testing.T, ctx context.Context) {
		var gate testutil.Gate
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(gate.Open)
		}
		wg.Wait()
		for range 2 {
			if err := gate.Wait(ctx); err != nil {
				t.Errorf("Wait() = %v, want nil", err)
			}
			gate.Open()
		}
	})
	kit.Bubble(t, "T3/Wait gives up when its context is done, and the gate stays usable", func(t *testing.T, ctx context.Context) {
		var gate testutil.Gate
		err := cancel.FailAfter(ctx, time.Minute, gate.Wait)
		if _, ok := errors.AsType[*cancel.TimeoutError](err); !ok {
			t.Errorf("Wait() = %v, want a timeout", err)
		}
		err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(gate.Wait)
			testutil.WaitAllBlocked()
			gate.Open()
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	kit.Bubble(t, "T3/a context that is done at the call gives its error even if the gate is open", func(t *testing.T, ctx context.Context) {
		var gate testutil.Gate
		gate.Open()
		for range 100 {
			testutil.WantCheckpoint(t, gate.Wait)
		}
	})
	kit.Bubble(t, "T3/an Open before the cancellation wins", func(t *testing.T, ctx context.Context) {
		for range 100 {
			var gate testutil.Gate
			s := cancel.New(ctx)
			if err := gate.Wait(&hooked{Context: s, onDone: func() { gate.Open(); s.Cancel(io.EOF) }}); err != nil {
				t.Fatalf("Wait() = %v, want nil", err)
			}
			s.Close()
		}
	})
	t.Run("T3/bad input panics", func(t *testing.T) {
		kit.MustPanic(t, "testutil: Gate.Wait: nil context", func() { _ = new(testutil.Gate).Wait(nil) }) //lint:ignore SA1012 must panic
	})
}

func ExampleGate() {
	var ready testutil.Gate
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			if err := ready.Wait(ctx); err != nil {
				return err
			}
			fmt.Println("the gate is open")
			return nil
		})
		fmt.Println("opening the gate")
		ready.Open()
		return nil
	})
	fmt.Println(err)
	// Output:
	// opening the gate
	// the gate is open
	// <nil>
}
