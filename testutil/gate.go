package testutil

import (
	"context"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// A Gate blocks the callers of Wait until it is opened, and stays open after that. The
// zero value is a closed gate.
//
// A Gate is safe for use by multiple goroutines simultaneously. It must not be copied
// after first use. It belongs to the synctest bubble of its first use, where a goroutine
// in Wait counts as blocked.
//
// This is Trio's Event.
type Gate struct {
	mu      sync.Mutex // protects the fields below; never held while waiting
	open    bool
	waiting map[*turn]bool
}

// A turn is a call that waits for an event or for the end of its context, whichever comes
// first.
type turn struct {
	told chan struct{} // closed by tell
	late bool          // ctx was done by then; set before told is closed
	ctx  context.Context
	done <-chan struct{} // of ctx
}

func newTurn(ctx context.Context) *turn {
	return &turn{told: make(chan struct{}), ctx: ctx, done: ctx.Done()}
}

// tell reports the event to the waiting call, once. It wakes the call even if its context
// is done, because a shield may keep that end from the context.
func (t *turn) tell() {
	t.late = bare.IsOver(t.ctx, t.done)
	close(t.told)
}

// wait waits for the event or the end of the context.
func (t *turn) wait() {
	select {
	case <-t.told:
	case <-t.done:
	}
}

// come reports whether the event came before the context was done.
func (t *turn) come() bool { return bare.IsClosed(t.told) && !t.late }

// Open opens the gate. Further calls have no effect. Open does not block, and it
// synchronizes before the return of each Wait that it lets through.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return
	}
	g.open = true
	for t := range g.waiting {
		t.tell()
	}
	g.waiting = nil
}

// Wait waits until the gate is open and returns nil. If ctx is done before that, Wait
// returns the [*cancel.Error] of ctx. If ctx is done at the call, it does so even if the
// gate is open. Wait panics if ctx is nil.
func (g *Gate) Wait(ctx context.Context) error {
	mustContext("Gate.Wait", ctx)
	if err := cancel.Err(ctx); err != nil {
		return err
	}
	t := newTurn(ctx) // without the lock, because it calls methods of ctx
	g.mu.Lock()
	if g.open {
		g.mu.Unlock()
		return nil
	}
	if g.waiting == nil {
		g.waiting = make(map[*turn]bool)
	}
	g.waiting[t] = true
	g.mu.Unlock()
	t.wait()
	g.mu.Lock()
	delete(g.waiting, t)
	g.mu.Unlock()
	if t.come() {
		return nil // even if ctx is done by now
	}
	return g.Wait(ctx) // which returns the error of ctx, unless a shield went up at that moment
}

// mustContext panics in the name of the function fn if ctx is nil.
func mustContext(fn string, ctx context.Context) {
	if ctx == nil {
		panic("testutil: " + fn + ": nil context; pass context.Background() if there is no other")
	}
}
