//go:build explore

package point

import (
	"math"
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

// A Mutex is a lock that a goroutine may hold while it is at a point. Unlike a goroutine
// that waits for a sync.Mutex, a waiting goroutine is durably blocked, in the sense of
// testing/synctest. After the wait it is at a point before it tries again, so that it does
// not run beside the goroutine that has unlocked.
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

// Unlock unlocks m, and lets all waiting goroutines try again.
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

// A Cond is a sync.Cond with the lock L. A goroutine that has been woken is at a point before
// it locks L. With a sync.Cond it would race for L with the goroutine that has woken it.
type Cond struct {
	L       sync.Locker
	mu      sync.Mutex
	waiters []chan struct{}
}

// Wait unlocks L, waits until another goroutine wakes this one, and locks L.
func (c *Cond) Wait() {
	woken := make(chan struct{})
	c.mu.Lock()
	c.waiters = append(c.waiters, woken)
	c.mu.Unlock()
	c.L.Unlock()
	<-woken
	Here("woken")
	c.L.Lock()
}

// Signal wakes the goroutine that has waited longest, if any waits.
func (c *Cond) Signal() { c.wake(1) }

// Broadcast wakes all goroutines that wait.
func (c *Cond) Broadcast() { c.wake(math.MaxInt) }

// wake wakes n goroutines, or all that wait if they are fewer.
func (c *Cond) wake(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = min(n, len(c.waiters))
	for _, woken := range c.waiters[:n] {
		close(woken)
	}
	c.waiters = c.waiters[n:]
}
