package testutil

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/grove-go/grove/cancel"
)

// ErrSequenceBroken is wrapped by the error of [Sequencer.At] after another call of At
// gave up. The error names that call.
var ErrSequenceBroken = errors.New("testutil: sequence broken")

// A Sequencer runs blocks of several goroutines in a fixed order, to test one particular
// interleaving. Each goroutine calls [Sequencer.At] with the numbers of its blocks, and
// the blocks run in the order 0, 1, 2, and so on. The zero value is ready to use, for one
// sequence.
//
// A Sequencer is safe for use by multiple goroutines simultaneously. It must not be
// copied after first use. It belongs to the synctest bubble of its first use, where a
// goroutine that waits for its turn counts as blocked.
//
// This is Trio's Sequencer.
type Sequencer struct {
	mu     sync.Mutex    // protects the fields below; never held while waiting or running user code
	next   int           // number of the current or next block
	turns  map[int]*turn // for each number used; a turn also comes when the sequence is broken
	broken error
}

// At waits until the blocks of all numbers below n have ended, calls fn with ctx, and
// returns fn's error. A block that ends with an error, a panic or a Goexit does not stop
// the sequence. The end of a block synchronizes before the beginning of the next one.
//
// At gives up when ctx is done, even if ctx is done at the call, and returns the
// [*cancel.Error] of ctx. The sequence is then broken, because its order can no longer be
// kept. A block that is running goes on, but no other block runs. Calls that wait for
// their turn, and later calls, return an error that wraps [ErrSequenceBroken] and names
// the call that gave up, or the error of their own ctx if it is done.
//
// A number that is never used blocks the higher ones forever; in a bubble that is
// reported as a deadlock.
//
// At panics if n is negative or was used before, or if ctx or fn is nil.
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
	t := newTurn(ctx)
	if !s.claim(n, t) {
		panic(fmt.Sprintf("testutil: Sequencer.At: n must be used only once, got %d again", n))
	}
	t.wait()
	s.mu.Lock()
	come, broken := t.come(), s.broken
	s.mu.Unlock()
	if come && broken == nil {
		return nil // even if ctx is done by now
	}
	// This comes after the look at broken: the end of ctx may be why the sequence is broken.
	// It needs no lock held, because it calls methods of ctx.
	err := cancel.Err(ctx)
	switch {
	case err == nil:
		return broken // or nil, if a shield went up as the turn came
	case !come:
		s.giveUp(n, err)
	}
	return err
}

// giveUp breaks the sequence, unless it is broken, because the call with the number n has
// given up with err.
func (s *Sequencer) giveUp(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return
	}
	s.broken = fmt.Errorf("%w: number %d gave up: %v", ErrSequenceBroken, n, err)
	for m, t := range s.turns {
		if m > s.next {
			t.tell()
		}
	}
}

// claim takes the number n for the turn t. It returns false if n was taken before.
func (s *Sequencer) claim(n int, t *turn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns[n] != nil {
		return false
	}
	if s.turns == nil {
		s.turns = make(map[int]*turn)
	}
	s.turns[n] = t
	if n == s.next || s.broken != nil {
		t.tell()
	}
	return true
}

// pass ends the current block.
func (s *Sequencer) pass() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	if t := s.turns[s.next]; t != nil && s.broken == nil {
		t.tell()
	}
}
