package testutil

import (
	"fmt"
	"testing/synctest"
)

// WaitAllBlocked waits until all other goroutines of the synctest bubble are
// blocked for good or until a timer rings: nothing more is going to happen before
// the caller goes on, or time does. No time passes meanwhile. What the others did
// before they blocked synchronizes before the return of WaitAllBlocked.
//
//	s, r := channel.New[string](0)
//	n.Go(func(ctx context.Context) error { return s.Send(ctx, "news") })
//	testutil.WaitAllBlocked() // now the task is in Send, for certain
//	if waiting := s.Stats().BlockedSenders; waiting != 1 {
//		t.Errorf("%d senders wait, want 1", waiting)
//	}
//
// What counts as blocked, and what does not (a mutex, input and output), is said at
// [synctest.Wait], to which this adds the advice in its panics.
//
// WaitAllBlocked panics outside a bubble, and if another goroutine of the bubble
// is waiting in it.
//
// This is Trio's wait_all_tasks_blocked. The cushion, which waits for the
// machine, is not needed here, as time is virtual.
func WaitAllBlocked() {
	defer func() {
		if p := recover(); p != nil {
			panic(fmt.Sprintf("testutil: WaitAllBlocked: %v; call it inside Bubble or synctest.Test, from one goroutine at a time", p))
		}
	}()
	synctest.Wait()
}
