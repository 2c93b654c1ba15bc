//go:build explore

package explore_test

import (
	"testing"

	"github.com/grove-go/grove/internal/point"
	"github.com/grove-go/grove/internal/test/explore"
)

func TestMutex(t *testing.T) {
	explore.All(t, func(r *explore.Run) {
		var mu point.Mutex
		held := ""
		for _, name := range []string{"a", "b", "c"} {
			r.Go(name, func() {
				if name == "c" && mu.TryLock() {
					r.Saw("TryLock has it")
				} else {
					mu.Lock()
				}
				defer mu.Unlock()
				if held != "" {
					r.Errorf("%s and %s hold the lock", held, name)
				}
				held = name
				point.Here("locked")
				if held = ""; name == "c" {
					r.Saw("c has it")
				}
			})
		}
	}, "TryLock has it", "c has it")
}

// A goroutine that is woken under the lock must not compete for the lock with the goroutine
// that has woken it.
func TestCond(t *testing.T) {
	explore.All(t, func(r *explore.Run) {
		var mu point.Mutex
		room := point.Cond{L: &mu}
		n := 0
		for _, name := range []string{"a", "b"} {
			r.Go(name, func() {
				mu.Lock()
				defer mu.Unlock()
				for n == 0 {
					r.Saw("waits")
					room.Wait()
				}
				n--
			})
		}
		r.Go("c", func() {
			mu.Lock()
			n++
			room.Signal()
			point.Here("signaled")
			mu.Unlock()
			point.Here("unlocked")
			mu.Lock()
			n++
			room.Broadcast()
			mu.Unlock()
		})
	}, "waits")
}
