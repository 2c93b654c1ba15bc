package testutil

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/grove-go/grove/cancel"
)

// ErrSequenceBroken is why [Sequencer.At] fails after another call of it gave up.
// The error itself names that call; test for it with errors.Is.
var ErrSequenceBroken = errors.New("testutil: sequence broken")

// A Sequencer brings blocks of several goroutines into an order, to test one
// interleaving of many: each calls [Sequencer.At] with the numbers of its blocks,
// and they run in the order 0, 1, 2, and so on. The zero value is ready for use,
// for one sequence.
//
// A Sequencer is safe for use by multiple goroutines simultaneously. It must not
// be copied after first use. It belongs to the synctest bubble in which it is used
// first, and those who wait for their turn are blocked for the bubble.
//
// This is Trio's Sequencer.
type Sequencer struct {
	mu     sync.Mutex // protects the fields below; nobody waits, and no user code runs, while holding it
	next   int        // whose turn it is
	turns  map[int]chan struct{}
	broken error
	// Invariant: turns has all numbers that were used, each with a channel that is
	// closed when its turn has come or the sequence is broken.
}

// At waits until the blocks of all numbers below n have ended, calls fn with ctx,
// and returns what fn returns. The block ends when fn does, in whichever way: an
// error, a panic or a Goexit does not stop the sequence. The end of a block
// synchronizes before the beginning of the next one.
//
// At gives up when ctx is done, also if it was at the call, and returns the
// [*cancel.Error] of ctx. That breaks the sequence: there would be no order any
// more. All who wait for their turn, or come later, then get an error that is
// [ErrSequenceBroken] and names the one who gave up, or that of their own ctx if
// that is done. A block that is running goes on, and nothing is called after it.
//
// A number that nobody uses holds up those above it for ever; in a bubble that is
// reported as a deadlock.
//
// At panics if n is negative or was used before, and if ctx or fn is nil.
func (s *Sequencer) At(ctx context.Context, n int, fn func(ctx context.Context) error) error {
	mustContext("Sequencer.At", ctx)
	if fn == nil {
		panic("testutil: Sequencer.At: nil function")
	}
	if n < 0 {
		panic(fmt.Sprintf("testutil: Sequencer.At: n must not be negative, got %d", n))
	}
	if err := s.wait(ctx, n); err != nil {
		return err
	}
	defer s.pass()
	return fn(ctx)
}

// wait waits for the turn of n.
func (s *Sequencer) wait(ctx context.Context, n int) error {
	turn, ok := s.claim(n)
	if !ok {
		panic(fmt.Sprintf("testutil: Sequencer.At: n must be used once, got %d again", n))
	}
	gaveUp := cancel.Err(ctx)
	if gaveUp == nil {
		select {
		case <-turn:
		case <-ctx.Done():
		}
	}
	err := cancel.Err(ctx) // outside mu: ctx may be anybody's
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case gaveUp == nil && s.broken == nil && s.next == n:
		return nil // the turn has come, also if ctx is done by now
	case err == nil:
		return s.broken
	case s.broken == nil:
		s.broken = fmt.Errorf("%w: number %d gave up: %v", ErrSequenceBroken, n, err)
		for m, turn := range s.turns {
			if m > s.next {
				close(turn)
			}
		}
	}
	return err
}

// claim takes the number n and returns the channel that tells of its turn, or
// reports that n was taken before.
func (s *Sequencer) claim(n int) (turn chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns[n] != nil {
		return nil, false
	}
	if s.turns == nil {
		s.turns = make(map[int]chan struct{})
	}
	turn = make(chan struct{})
	s.turns[n] = turn
	if n == s.next || s.broken != nil {
		close(turn)
	}
	return turn, true
}

// pass ends the block whose turn it is.
func (s *Sequencer) pass() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	if turn := s.turns[s.next]; turn != nil && s.broken == nil {
		close(turn)
	}
}
