//go:build race

package channel

import "sync"

// A gate counts the calls that are in a sender. Without the race detector there is
// none: a native channel may be closed while others send on it, for the panic of
// those is recovered. But that is what the race detector reports, as a fault in
// most programs, so with it Close waits for those calls to leave.
type gate struct{ mu sync.RWMutex }

func (g *gate) enter() { g.mu.RLock() }
func (g *gate) leave() { g.mu.RUnlock() }

// shut waits for all to leave, after wake has been called so that they do, and
// keeps others out until reopen.
func (g *gate) shut(wake func()) {
	wake()
	g.mu.Lock()
}

func (g *gate) reopen() { g.mu.Unlock() }

// point is none: those who wait for the lock would not be durably blocked.
func (g *gate) point(string) {}
