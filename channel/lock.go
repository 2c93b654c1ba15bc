package channel

import "github.com/grove-go/grove/internal/point"

// A lock is a mutex that is held for less time than it takes to park a goroutine.
// A sync.Mutex spins for a moment only, and not at all while other goroutines
// could run. The lock shares no cache line with what it guards.
type lock struct {
	_  [64]byte
	mu point.Mutex
	_  [56]byte
}

// spins is how often Lock tries before it parks the goroutine.
const spins = 100

func (l *lock) Lock() {
	for range spins {
		if l.mu.TryLock() {
			return
		}
	}
	l.mu.Lock()
}

func (l *lock) Unlock() { l.mu.Unlock() }
