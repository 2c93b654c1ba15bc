package nursery

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/live"
)

// A Limiter hands out a limited number of tokens. A token stands for the use of a scarce
// resource, such as a connection, memory or a request to a server. A goroutine holds one
// token or several while it uses the resource. Several nurseries can share a Limiter by
// the option [LimitBy].
//
// Tokens are handed out first come, first served. A call that is canceled before its
// turn gets no token. A call that is canceled after its turn has its tokens. No token
// is lost.
//
// A Limiter is safe for use by multiple goroutines simultaneously. It must not be
// copied. The zero value has no tokens until [Limiter.SetTotal] is called.
//
// This is Trio's CapacityLimiter without the borrowers, because a goroutine has no
// identity in Go. It is not built on golang.org/x/sync/semaphore, which has a fixed
// size and no figures.
type Limiter struct {
	mu       sync.Mutex // guards all
	total    int
	borrowed int
	queue    list.List // of *waiter, the first one first
}

// A waiter is a call of AcquireN that waits.
type waiter struct {
	n      int
	ready  chan struct{} // closed when the waiter is taken out of the queue
	served bool          // it has its tokens; set before ready is closed
	ctx    context.Context
	done   <-chan struct{} // of ctx
}

// NewLimiter returns a limiter with total tokens. A total of 0 makes all calls wait
// until [Limiter.SetTotal] raises it. NewLimiter panics if total is negative.
func NewLimiter(total int) *Limiter {
	mustNotBeNegative("NewLimiter: total", total)
	return &Limiter{total: total}
}

// mustNotBeNegative panics if n is negative. The text says what n is.
func mustNotBeNegative(what string, n int) {
	if n < 0 {
		panic(fmt.Sprintf("nursery: %s must not be negative, got %d", what, n))
	}
}

// Acquire waits for a token and takes it. [Limiter.Release] returns the token. If ctx
// is done first, or already, Acquire takes nothing and returns the [*cancel.Error] of
// ctx. It panics if ctx is nil.
//
// A goroutine that holds a token and asks for another keeps the first one while it
// waits. If all holders do so, they deadlock.
func (l *Limiter) Acquire(ctx context.Context) error { return l.AcquireN(ctx, 1) }

// AcquireN is [Limiter.Acquire] for n tokens, which it takes all at once. A call that
// waits for more tokens than are free holds up the calls behind it, even if it wants
// more than the total. AcquireN panics if n is negative.
func (l *Limiter) AcquireN(ctx context.Context, n int) error {
	if ctx == nil {
		panic("nursery: Limiter.AcquireN: nil context; pass context.Background() if there is no other")
	}
	mustNotBeNegative("Limiter.AcquireN: n", n)
	if err := cancel.Err(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	if l.takeLocked(n) {
		l.mu.Unlock()
		return nil
	}
	l.mu.Unlock()
	w := &waiter{n: n, ready: make(chan struct{}), ctx: ctx, done: bare.Done(ctx)} // without the lock, because Done may be anyone's code
	l.mu.Lock()
	e := l.queue.PushBack(w)
	l.serveLocked()
	l.mu.Unlock()
	park := func() {
		select {
		case <-w.ready:
		case <-w.done:
			l.giveUp(e)
		}
	}
	if live.Enabled() {
		live.Parked(live.Addr(l), park)
	} else {
		park()
	}
	if w.served {
		return nil
	}
	return l.AcquireN(ctx, n) // which returns the error of ctx, unless a shield went up at that moment
}

// giveUp takes a waiter out of the queue, unless it has been taken out before.
func (l *Limiter) giveUp(e *list.Element) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !bare.IsClosed(e.Value.(*waiter).ready) {
		l.queue.Remove(e)
		l.serveLocked() // the calls behind may want less
	}
}

// TryAcquire takes a token if one is free and no call waits. It reports whether it took
// one.
func (l *Limiter) TryAcquire() bool { return l.TryAcquireN(1) }

// TryAcquireN is [Limiter.TryAcquire] for n tokens. It panics if n is negative.
func (l *Limiter) TryAcquireN(n int) bool {
	mustNotBeNegative("Limiter.TryAcquireN: n", n)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.takeLocked(n)
}

// takeLocked takes n tokens for a new call, if they are free and no call waits.
func (l *Limiter) takeLocked(n int) bool {
	l.serveLocked() // calls that were canceled may still be in the queue
	if l.queue.Len() > 0 || n > l.total-l.borrowed {
		return false
	}
	l.borrowed += n
	return true
}

// Release returns a token. Any goroutine may call it. It panics if no token is out.
func (l *Limiter) Release() { l.ReleaseN(1) }

// ReleaseN is [Limiter.Release] for n tokens, however they were taken. It panics if n is
// negative, or if fewer than n tokens are out.
func (l *Limiter) ReleaseN(n int) {
	mustNotBeNegative("Limiter.ReleaseN: n", n)
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > l.borrowed {
		panic(fmt.Sprintf("nursery: Limiter.ReleaseN: n must be at most %d, the tokens that are out, got %d", l.borrowed, n))
	}
	l.borrowed -= n
	l.serveLocked()
}

// SetTotal changes the number of tokens. New tokens go to the calls that wait. If the
// total shrinks, tokens that are out stay out, and no call gets any until fewer than
// total are out. A total of math.MaxInt means no limit. SetTotal panics if total is
// negative.
func (l *Limiter) SetTotal(total int) {
	mustNotBeNegative("Limiter.SetTotal: total", total)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total = total
	l.serveLocked()
}

// overdraw takes a token, even if none is free.
func (l *Limiter) overdraw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.borrowed++
}

// serveLocked hands free tokens to the calls that wait. A call with a context that is done
// gets none.
func (l *Limiter) serveLocked() {
	for e := l.queue.Front(); e != nil; e = l.queue.Front() {
		w := e.Value.(*waiter)
		if !bare.IsOver(w.ctx, w.done) {
			if w.n > l.total-l.borrowed {
				return
			}
			l.borrowed += w.n
			w.served = true
		}
		l.queue.Remove(e)
		close(w.ready)
	}
}

// LimiterStats is what [Limiter.Stats] returns.
type LimiterStats struct {
	Total    int // tokens, as set
	Borrowed int // tokens that are out; more than Total after SetTotal or a Task.Wait that was cut short
	Waiting  int // calls of Acquire and AcquireN that wait
}

// Stats returns figures about the limiter at one moment.
func (l *Limiter) Stats() LimiterStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return LimiterStats{Total: l.total, Borrowed: l.borrowed, Waiting: l.queue.Len()}
}
