package nursery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/bodyless"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A nursery of package errgroup counts its tasks as other nurseries do. The goroutine that
// stays in the place of a body does not count.
func TestBodylessStats(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		n := bodyless.Open(ctx, true)
		want := func(when string, want nursery.Stats) {
			t.Helper()
			if got := n.(interface{ Stats() nursery.Stats }).Stats(); got != want {
				t.Errorf("%s: Stats() = %+v, want %+v", when, got, want)
			}
		}
		task := func(d time.Duration, err error) func() error {
			return func() error {
				time.Sleep(d)
				return err
			}
		}
		want("at first", nursery.Stats{})
		n.Begin()
		go n.RunFirst(task(time.Second, nil), nil)
		for _, d := range []time.Duration{2 * time.Second, 4 * time.Second} {
			if !n.Enter() {
				t.Fatal("Enter() = false, want true")
			}
			go n.Run(task(d, errBoom), nil)
		}
		testutil.WaitAllBlocked()
		want("while all run", nursery.Stats{Running: 3})
		time.Sleep(1500 * time.Millisecond)
		want("when the first task has returned", nursery.Stats{Running: 2, Finished: 1})
		time.Sleep(time.Second)
		want("when a task has failed", nursery.Stats{Running: 1, Finished: 2, Failed: 1})
		joined := make(chan []error)
		go func() {
			failures, _ := n.Join()
			joined <- failures
		}()
		testutil.WaitAllBlocked()
		want("during Join", nursery.Stats{Running: 1, Finished: 2, Failed: 1})
		if failures := <-joined; len(failures) != 2 || !errors.Is(failures[0], errBoom) {
			t.Errorf("Join() = %v, want both failures", failures)
		}
		want("after Join", nursery.Stats{Finished: 3, Failed: 2})
		if n.Enter() {
			t.Error("Enter() = true after Join, want false")
		}
	})
}
