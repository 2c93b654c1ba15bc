package nursery

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// A Limiter hands out a limited number of tokens. Whoever uses something of which
// there is only so much, such as connections, memory or requests to a server, holds
// one meanwhile, or several. It is shared by those who are to be limited together:
// several nurseries, which it is an option of ([Using]), requests, or anything else.
//
// Tokens are handed out first come, first served. A token that is handed to one who
// waits can neither be snatched by somebody else nor get lost, also if that one is
// being canceled just then.
//
// A Limiter is safe for use by multiple goroutines simultaneously. It must not be
// copied. Its zero value has no tokens, until [Limiter.SetTotal] gives it some.
//
// It is Trio's CapacityLimiter, without the borrowers: Go does not tell who calls.
// It is not built on golang.org/x/sync/semaphore, whose size is fixed, and which does
// not tell how much is in use or how many wait.
type Limiter struct {
	mu       sync.Mutex // guards all
	total    int
	borrowed int
	queue    list.List // of *waiter, the first one first
}

// A waiter is a call of AcquireN that waits.
type waiter struct {
	n     int
	ready chan struct{} // closed when it has its tokens
}

// NewLimiter returns a limiter with so many tokens; with none all wait until
// [Limiter.SetTotal] gives it some. It panics if total is negative.
func NewLimiter(total int) *Limiter {
	mustNotBeNegative("NewLimiter: total", total)
	return &Limiter{total: total}
}

// mustNotBeNegative panics if n, which the text tells what it is, is negative.
func mustNotBeNegative(what string, n int) {
	if n < 0 {
		panic(fmt.Sprintf("nursery: %s must not be negative, got %d", what, n))
	}
}

// Acquire waits for a token and takes it, to be given back by [Limiter.Release]. If
// ctx is done first, or from the start, it returns the [*cancel.Error] of ctx and has
// not taken anything. It panics if ctx is nil.
//
// One who holds a token and asks for another keeps the first one meanwhile: if all do
// that, they wait for ever.
func (l *Limiter) Acquire(ctx context.Context) error { return l.AcquireN(ctx, 1) }

// AcquireN is [Limiter.Acquire] for n tokens, which it takes all at once. While the
// one whose turn it is wants more than there are, those behind it wait too, also if
// it wants more than the total. It panics if n is negative.
func (l *Limiter) AcquireN(ctx context.Context, n int) error {
	if ctx == nil {
		panic("nursery: Limiter: nil context; pass context.Background() if there is no other")
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
	w := &waiter{n: n, ready: make(chan struct{})}
	e := l.queue.PushBack(w)
	l.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-bare.Done(ctx):
	}
	if l.giveUp(e) {
		return cancel.Err(ctx) // without the lock: this may be anybody's code
	}
	return nil
}

// giveUp takes a waiter out of the queue, unless it has been served a moment earlier.
func (l *Limiter) giveUp(e *list.Element) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-e.Value.(*waiter).ready:
		return false
	default:
	}
	l.queue.Remove(e)
	l.serveLocked() // those behind it may want less
	return true
}

// TryAcquire takes a token if there is one that nobody waits for, and reports whether
// it has.
func (l *Limiter) TryAcquire() bool { return l.TryAcquireN(1) }

// TryAcquireN is [Limiter.TryAcquire] for n tokens. It panics if n is negative.
func (l *Limiter) TryAcquireN(n int) bool {
	mustNotBeNegative("Limiter.TryAcquireN: n", n)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.takeLocked(n)
}

// takeLocked takes n tokens for one who has come just now.
func (l *Limiter) takeLocked(n int) bool {
	if l.queue.Len() > 0 || n > l.total-l.borrowed {
		return false
	}
	l.borrowed += n
	return true
}

// Release gives back a token. It may be called by another goroutine than the one that
// took it. It panics if no token is out.
func (l *Limiter) Release() { l.ReleaseN(1) }

// ReleaseN is [Limiter.Release] for n tokens, which need not have been taken at once.
// It panics if n is negative, or more than are out.
func (l *Limiter) ReleaseN(n int) {
	mustNotBeNegative("Limiter.ReleaseN: n", n)
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > l.borrowed {
		panic(fmt.Sprintf("nursery: Limiter: %d tokens were given back, when %d are out", n, l.borrowed))
	}
	l.borrowed -= n
	l.serveLocked()
}

// SetTotal changes the number of tokens. If there are more now, those who wait get
// them. If there are fewer, those who hold tokens keep them, and nobody gets any
// until fewer than total are out. With math.MaxInt there is no limit. It panics if
// total is negative, and changes nothing then.
func (l *Limiter) SetTotal(total int) {
	mustNotBeNegative("Limiter.SetTotal: total", total)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total = total
	l.serveLocked()
}

// serveLocked hands tokens to those who wait, as far as there are any.
func (l *Limiter) serveLocked() {
	for e := l.queue.Front(); e != nil; e = l.queue.Front() {
		w := e.Value.(*waiter)
		if w.n > l.total-l.borrowed {
			return
		}
		l.borrowed += w.n
		l.queue.Remove(e)
		close(w.ready)
	}
}

// LimiterStats is what [Limiter.Stats] returns.
type LimiterStats struct {
	Total    int // tokens there are
	Borrowed int // tokens that are out; after SetTotal it may be more than Total
	Waiting  int // calls of Acquire and AcquireN that wait
}

// Stats returns figures about the limiter, all as of the same moment.
func (l *Limiter) Stats() LimiterStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return LimiterStats{Total: l.total, Borrowed: l.borrowed, Waiting: l.queue.Len()}
}
