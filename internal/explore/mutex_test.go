//go:build explore

package explore_test

import (
	"testing"

	"github.com/grove-go/grove/internal/explore"
	"github.com/grove-go/grove/internal/point"
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
