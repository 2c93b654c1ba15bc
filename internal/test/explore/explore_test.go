package explore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/test/explore"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// lostUpdate is a scenario with a fault: an addition is lost if another goroutine adds
// between its read and its write.
func lostUpdate(r *explore.Run) {
	count := 0
	for _, name := range []string{"a", "b"} {
		r.Go(name, func() {
			v := count
			r.Point("read")
			count = v + 1
		})
	}
	r.Check(func() {
		if count != 2 {
			r.Errorf("count = %d, want 2", count)
		}
	})
}

// twoLocks is a scenario with a fault: two goroutines take two locks each, in opposite
// orders. A waiting goroutine gives up at the end of the run, so that nothing is left.
func twoLocks(r *explore.Run) {
	first, second := make(chan bool, 1), make(chan bool, 1)
	over := make(chan bool)
	locking := func(x, y chan bool) func() {
		return func() {
			x <- true
			r.Point("one")
			select {
			case y <- true:
				<-y
			case <-over:
			}
			<-x
		}
	}
	r.Go("a", locking(first, second))
	r.Go("b", locking(second, first))
	r.Cleanup(func() { close(over) })
}

func TestExplore(t *testing.T) {
	// orders returns the orders of the steps of two goroutines, with the number of
	// schedules for each.
	orders := func(t *testing.T, steps int) (orders map[string]bool, schedules int) {
		orders = make(map[string]bool)
		result := explore.Explore(t, func(r *explore.Run) {
			var order strings.Builder
			for _, name := range []string{"a", "b"} {
				r.Go(name, func() {
					for i := range steps {
						if i > 0 {
							r.Point("next")
						}
						order.WriteString(name)
					}
				})
			}
			r.Check(func() { orders[order.String()] = true })
		})
		if result.Failure != "" {
			t.Fatal(result.Failure)
		}
		return orders, result.Schedules
	}

	t.Run("all schedules", func(t *testing.T) {
		// abab takes two preemptions, because the end of a is not a preemption
		orders, schedules := orders(t, 2)
		if len(orders) != 6 || schedules != 6 {
			t.Errorf("%d schedules, %d orders %v; want all 6", schedules, len(orders), orders)
		}
	})

	t.Run("no more than two preemptions", func(t *testing.T) {
		// Of the 20 orders, these take more preemptions.
		more := []string{"ababab", "ababba", "abbaba", "bababa", "babaab", "baabab"}
		orders, schedules := orders(t, 3)
		if len(orders) != 14 || schedules != 14 {
			t.Errorf("%d schedules, %d orders %v; want 14", schedules, len(orders), orders)
		}
		for _, order := range more {
			if orders[order] {
				t.Errorf("%s was tried, which takes more than two preemptions", order)
			}
		}
	})

	t.Run("a goroutine that waits for a lock is blocked", func(t *testing.T) {
		// x has its turn before or after both, but not during either
		explore.All(t, func(r *explore.Run) {
			lock := make(chan bool, 1)
			var order strings.Builder
			for _, name := range []string{"a", "b"} {
				r.Go(name, func() {
					lock <- true
					r.Point("locked")
					order.WriteString(name)
					r.Point("in the middle")
					order.WriteString(name)
					<-lock
				})
			}
			r.Check(func() { r.Saw(order.String()) })
		}, "aabb", "bbaa")
	})

	t.Run("the clock", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			start := time.Now()
			rung := time.AfterFunc(time.Second, func() { r.Point("ring") })
			r.Go("stop", func() {
				if rung.Stop() {
					r.Saw("stopped")
				} else if got := time.Since(start); got != time.Second {
					r.Errorf("rung after %v, want a second", got)
				} else {
					r.Saw("rung")
				}
			})
			r.Clock(time.Second)
		}, "stopped", "rung")
	})

	t.Run("a lost update", func(t *testing.T) {
		result := explore.Explore(t, lostUpdate)
		if !strings.Contains(result.Failure, "count = 1, want 2") {
			t.Fatalf("Failure = %q", result.Failure)
		}
		_, schedule, _ := strings.Cut(result.Failure, "Replay:\n")
		if again := explore.Replay(t, schedule, lostUpdate); again.Failure != result.Failure {
			t.Errorf("Replay: %q, want %q", again.Failure, result.Failure)
		}
	})

	t.Run("a panic", func(t *testing.T) {
		result := explore.Explore(t, func(r *explore.Run) {
			r.Go("a", func() { panic("boom") })
		})
		if !strings.Contains(result.Failure, "a: panic: boom") || !strings.HasSuffix(result.Failure, "\ta start") {
			t.Errorf("Failure = %q", result.Failure)
		}
	})

	t.Run("a deadlock", func(t *testing.T) {
		result := explore.Explore(t, twoLocks)
		if !strings.Contains(result.Failure, "deadlock: a is blocked") {
			t.Fatalf("Failure = %q", result.Failure)
		}
	})
}
