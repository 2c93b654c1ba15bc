package testutil

import (
	"fmt"
	"testing/synctest"
)

// WaitAllBlocked waits until every other goroutine of the synctest bubble is blocked, for
// good or until a timer fires. Nothing more can then happen before the caller continues
// or time advances. Time does not advance during the wait. Whatever the other goroutines
// did before they blocked synchronizes before the return of WaitAllBlocked.
//
//	s, r := channel.New[string](0)
//	n.Go(func(ctx context.Context) error { return s.Send(ctx, "news") })
//	testutil.WaitAllBlocked() // now the task is in Send, for certain
//	if waiting := s.Stats().BlockedSenders; waiting != 1 {
//		t.Errorf("%d senders wait, want 1", waiting)
//	}
//
// [synctest.Wait] defines which operations count as blocked and which do not, such as a
// mutex or I/O.
//
// WaitAllBlocked panics outside a bubble, or if another goroutine of the bubble is in
// WaitAllBlocked or synctest.Wait.
//
// This is Trio's wait_all_tasks_blocked. Trio's cushion is not needed because time is
// virtual.
func WaitAllBlocked() {
	defer func() {
		if p := recover(); p != nil {
			panic(fmt.Sprintf("testutil: WaitAllBlocked: %v; call it inside Bubble or synctest.Test, from one goroutine at a time", p))
		}
	}()
	synctest.Wait()
}
