//go:build explore

package point

import (
	"sync"
	"sync/atomic"
)

var hook atomic.Pointer[func(name string)]

// Here is a point. It calls the hook, if there is one.
func Here(name string) {
	if h := hook.Load(); h != nil {
		(*h)(name)
	}
}

// Hook sets what points call, in the goroutine that gets there; nil: nothing.
func Hook(h func(name string)) {
	if h == nil {
		hook.Store(nil)
	} else {
		hook.Store(&h)
	}
}

// A Mutex is a lock that a goroutine may hold while it is at a point: those who wait
// for it are durably blocked, in the sense of testing/synctest, which those who wait
// for a sync.Mutex are not. One who has waited is at a point before it tries again, so
// that it does not run beside the one who has unlocked.
type Mutex struct {
	mu      sync.Mutex
	held    bool
	waiters []chan struct{}
}

// Lock locks m.
func (m *Mutex) Lock() {
	for {
		m.mu.Lock()
		if !m.held {
			m.held = true
			m.mu.Unlock()
			return
		}
		free := make(chan struct{})
		m.waiters = append(m.waiters, free)
		m.mu.Unlock()
		<-free
		Here("lock: free")
	}
}

// TryLock locks m if it is free, and reports whether it was.
func (m *Mutex) TryLock() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held {
		return false
	}
	m.held = true
	return true
}

// Unlock unlocks m, and lets all who wait for it try again.
func (m *Mutex) Unlock() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.held {
		panic("point: Mutex.Unlock: it is not locked")
	}
	m.held = false
	for _, free := range m.waiters {
		close(free)
	}
	m.waiters = nil
}
