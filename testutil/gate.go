package testutil

import (
	"context"
	"sync"

	"github.com/grove-go/grove/cancel"
)

// A Gate holds up those who come to it until it is opened, and then lets all
// through for good. The zero value is a closed gate.
//
// A Gate is safe for use by multiple goroutines simultaneously. It must not be
// copied after first use. It belongs to the synctest bubble in which it is used
// first, and those who wait at it are blocked for the bubble.
//
// This is Trio's Event.
type Gate struct {
	mu   sync.Mutex    // protects the fields below; nobody waits while holding it
	way  chan struct{} // closed when the gate is open; made by who needs it first
	open bool
}

// Open opens the gate. Doing so again has no effect. Open does not block, and
// synchronizes before the return of each Wait that it lets through.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return
	}
	g.open = true
	if g.way != nil {
		close(g.way)
	}
}

// Wait waits until the gate is open and returns nil, or the [*cancel.Error] of ctx
// if ctx is done before that. A ctx that is done at the call gives its error even
// if the gate is open. Wait panics if ctx is nil.
func (g *Gate) Wait(ctx context.Context) error {
	mustContext("Gate.Wait", ctx)
	if err := cancel.Err(ctx); err != nil {
		return err
	}
	g.mu.Lock()
	if g.open {
		g.mu.Unlock()
		return nil
	}
	if g.way == nil {
		g.way = make(chan struct{})
	}
	way := g.way
	g.mu.Unlock()
	select {
	case <-way:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-way: // The two came together. An Open that came first is to win.
		return nil
	default:
		return cancel.Err(ctx)
	}
}

// mustContext panics in the name of the function fn if ctx is nil.
func mustContext(fn string, ctx context.Context) {
	if ctx == nil {
		panic("testutil: " + fn + ": nil context; pass context.Background() if there is no other")
	}
}
