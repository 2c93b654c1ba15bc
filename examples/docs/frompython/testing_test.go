package frompython

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

func TestTooSlow(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		start := time.Now()
		_, err := failAfter(ctx, "slow")
		if _, ok := errors.AsType[*cancel.TimeoutError](err); !ok {
			t.Errorf("got %v, want a timeout", err)
		}
		if d := time.Since(start); d != 2*time.Second { // virtual
			t.Errorf("it took %v, want 2s", d)
		}
	})
}

func TestWaiting(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		connections := nursery.NewLimiter(0)
		task := func(ctx context.Context) error { return semaphore(ctx, connections) }
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(task)
			testutil.WaitAllBlocked()
			if got := connections.Stats().Waiting; got != 1 {
				t.Errorf("%d tasks wait, want 1", got)
			}
			n.Cancel(nil)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestOrder(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		var seq testutil.Sequencer
		var order []string
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			note := func(i int, what string) error {
				return seq.At(ctx, i, func(context.Context) error {
					order = append(order, what)
					return nil
				})
			}
			n.Go(func(context.Context) error {
				return errors.Join(note(0, "a0"), note(2, "a2"))
			})
			n.Go(func(context.Context) error { return note(1, "b1") })
			return nil
		})
		if err != nil || len(order) != 3 || order[1] != "b1" {
			t.Errorf("order %v, error %v", order, err)
		}
	})
}

func TestFetch(t *testing.T) {
	testutil.WantCheckpoint(t, func(ctx context.Context) error {
		_, err := fetch(ctx, "a")
		return err
	})
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		_, err := mapURLs(ctx, []string{"a", "b"})
		return err
	})
}

func TestErrors(t *testing.T) {
	_, err := nursery.Map(t.Context(), []string{"no1", "no2"}, fetch, nursery.KeepGoing())
	testutil.WantError(t, err, errmatch.Group(
		errmatch.Is(fs.ErrNotExist),
		errmatch.Is(fs.ErrNotExist),
	))
}
