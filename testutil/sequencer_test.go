package testutil_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestSequencer(t *testing.T) {
	kit.Bubble(t, "T3/blocks run in the order of their numbers, one at a time", func(t *testing.T, ctx context.Context) {
		for _, many := range []int{1, 2, 100} {
			var seq testutil.Sequencer
			var order []int // guarded only by the sequence
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for _, i := range rand.Perm(many) {
					n.Go(func(ctx context.Context) error {
						return seq.At(ctx, i, func(ctx context.Context) error {
							// The turn lasts until the block has ended, not until it has begun.
							err := cancel.Sleep(ctx, time.Second)
							order = append(order, i)
							return err
						})
					})
				}
				return nil
			})
			if err != nil || len(order) != many || !slices.IsSorted(order) {
				t.Errorf("Run() = %v, order %v", err, order)
			}
		}
	})
	kit.Bubble(t, "T3/goroutines may take several turns each", func(t *testing.T, ctx context.Context) {
		var seq testutil.Sequencer
		var order []int
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for first := range 3 {
				n.Go(func(ctx context.Context) error {
					for i := first; i < 30; i += 3 {
						if err := seq.At(ctx, i, func(context.Context) error { order = append(order, i); return nil }); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
		if err != nil || len(order) != 30 || !slices.IsSorted(order) {
			t.Errorf("Run() = %v, order %v", err, order)
		}
	})
	kit.Bubble(t, "T3/fn gets the context, and its error is the result", func(t *testing.T, ctx context.Context) {
		var seq testutil.Sequencer
		err := seq.At(ctx, 0, func(inner context.Context) error {
			if inner != ctx {
				t.Errorf("fn got %v, want %v", inner, ctx)
			}
			return io.EOF
		})
		if err != io.EOF {
			t.Errorf("At() = %v, want io.EOF", err)
		}
	})
	kit.Bubble(t, "T3/an error, a panic or a Goexit of a block does not stop the sequence", func(t *testing.T, ctx context.Context) {
		var seq testutil.Sequencer
		var wg sync.WaitGroup
		ends := []func(context.Context) error{
			func(context.Context) error { return io.EOF },
			func(context.Context) error { panic("in a block") },
			func(context.Context) error { runtime.Goexit(); return nil },
		}
		for i, end := range ends {
			wg.Go(func() {
				defer func() {
					if p := recover(); p != nil && p != "in a block" {
						panic(p)
					}
				}()
				_ = seq.At(ctx, i, end) // the result does not matter
			})
		}
		if err := seq.At(ctx, len(ends), nothing); err != nil {
			t.Errorf("At() = %v, want nil", err)
		}
		wg.Wait()
	})
	t.Run("T3/the same number twice panics", func(t *testing.T) {
		for _, n := range []int{0, 7} {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				var seq testutil.Sequencer
				inner := cancel.New(ctx)
				var wg sync.WaitGroup
				wg.Go(func() { _ = seq.At(inner, n, cancel.Forever) }) // runs, or waits
				testutil.WaitAllBlocked()
				want := fmt.Sprintf("testutil: Sequencer.At: n must be used only once, got %d again", n)
				kit.MustPanic(t, want, func() { _ = seq.At(ctx, n, nothing) })
				inner.Cancel(nil)
				wg.Wait()
				kit.MustPanic(t, want, func() { _ = seq.At(ctx, n, nothing) })
				inner.Close()
			})
		}
	})
	kit.Bubble(t, "T3/a call that gives up breaks the sequence for waiting and later calls", func(t *testing.T, ctx context.Context) {
		var seq testutil.Sequencer
		s := cancel.New(ctx, cancel.Name("impatient"))
		defer s.Close()
		results := make([]error, 5)
		at := func(ctx context.Context, n int, fn func(context.Context) error) func() {
			return func() { results[n] = seq.At(ctx, n, fn) }
		}
		var running testutil.Gate
		var wg sync.WaitGroup
		wg.Go(at(ctx, 0, running.Wait))
		for i := 1; i <= 3; i++ {
			c := ctx
			if i == 2 {
				c = s
			}
			wg.Go(at(c, i, func(context.Context) error { t.Errorf("block %d ran", i); return nil }))
		}
		testutil.WaitAllBlocked()
		s.Cancel(io.EOF)
		testutil.WaitAllBlocked()
		if results[1] == nil || results[3] == nil {
			t.Errorf("after the break At() = %v, want errors for 1 and 3 at once", results)
		}
		running.Open() // a running block goes on
		wg.Wait()
		at(ctx, 4, func(context.Context) error { t.Error("block 4 ran"); return nil })()

		if results[0] != nil {
			t.Errorf("At(0) = %v, want nil", results[0])
		}
		if results[2] != cancel.Err(s) {
			t.Errorf("At(2) = %v, want the error of its context", results[2])
		}
		for _, i := range []int{1, 3, 4} {
			err := results[i]
			if !errors.Is(err, testutil.ErrSequenceBroken) || !strings.Contains(err.Error(), "number 2 gave up: context canceled: EOF") {
				t.Errorf("At(%d) = %v, want ErrSequenceBroken with the number that broke it", i, err)
			}
			if errors.Is(err, context.Canceled) {
				t.Errorf("At(%d) = %v, want no cancellation of another call's context", i, err)
			}
		}
	})
	kit.Bubble(t, "T3/a context that is done at the call breaks the sequence too", func(t *testing.T, ctx context.Context) {
		for range 20 {
			for n := range 2 {
				var seq testutil.Sequencer
				s := cancel.New(ctx)
				s.Cancel(nil)
				if err := seq.At(s, n, nothing); err != cancel.Err(s) {
					t.Errorf("At(%d) = %v, want the error of its context", n, err)
				}
				if err := seq.At(ctx, 1-n, nothing); !errors.Is(err, testutil.ErrSequenceBroken) {
					t.Errorf("At(%d) = %v, want ErrSequenceBroken", 1-n, err)
				}
				s.Close()
			}
		}
		testutil.WantCheckpoint(t, func(ctx context.Context) error { return new(testutil.Sequencer).At(ctx, 0, nothing) })
	})
	kit.Bubble(t, "T3/calls with a context that is done return its error, not ErrSequenceBroken", func(t *testing.T, ctx context.Context) {
		for range 20 {
			var seq testutil.Sequencer
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for i := range 10 {
					n.Go(func(ctx context.Context) error { return seq.At(ctx, i+1, nothing) })
				}
				testutil.WaitAllBlocked()
				n.Cancel(nil)
				return nil
			})
			if err != nil {
				t.Fatalf("Run() = %+v, want nil", err)
			}
		}
	})
	kit.Bubble(t, "T3/a turn that comes before the cancellation wins", func(t *testing.T, ctx context.Context) {
		for range 100 {
			var seq testutil.Sequencer
			s := cancel.New(ctx)
			ran := false
			err := seq.At(&hooked{Context: s, onDone: func() { s.Cancel(nil) }}, 0, func(context.Context) error { ran = true; return nil })
			if err != nil || !ran {
				t.Fatalf("At() = %v, ran %v, want nil, true", err, ran)
			}
			s.Close()
		}
	})
	kit.Bubble(t, "T3/a call does not fail at its turn because another call gives up at that moment", func(t *testing.T, ctx context.Context) {
		var seq testutil.Sequencer
		s := cancel.New(ctx)
		giveUp := func() {
			s.Cancel(nil)
			if err := seq.At(s, 1, nothing); !s.IsEcho(err) {
				t.Errorf("At() = %v, want the cancellation", err)
			}
		}
		if err := seq.At(&asked{Context: s, onErr: giveUp}, 0, nothing); err != nil && !s.IsEcho(err) {
			t.Errorf("At() = %v, want nil or the cancellation", err)
		}
	})
	t.Run("T3/a number that is never used blocks higher ones", func(t *testing.T) {
		testutil.WantBlock(t, func(t *testing.T, ctx context.Context) {
			var seq testutil.Sequencer
			for _, i := range []int{0, 2} {
				if err := seq.At(ctx, i, nothing); err != nil {
					t.Error(err)
				}
			}
		})
	})
	t.Run("T3/bad input panics", func(t *testing.T) {
		var seq testutil.Sequencer
		kit.MustPanic(t, "testutil: Sequencer.At: nil context", func() { _ = seq.At(nil, 0, nothing) }) //lint:ignore SA1012 must panic
		kit.MustPanic(t, "testutil: Sequencer.At: nil function", func() { _ = seq.At(t.Context(), 0, nil) })
		kit.MustPanic(t, "testutil: Sequencer.At: n must not be negative, got -1", func() { _ = seq.At(t.Context(), -1, nothing) })
		if err := seq.At(t.Context(), 0, nothing); err != nil {
			t.Errorf("At() after the panics = %v, want nil", err)
		}
	})
}

// An asked is a context that calls onErr when it is first asked for its Err.
type asked struct {
	context.Context
	onErr func()
}

func (a *asked) Err() error {
	err := a.Context.Err()
	if f := a.onErr; f != nil {
		a.onErr = nil
		f()
	}
	return err
}

func TestSequencerEverywhere(t *testing.T) {
	t.Run("T3/canceled at any point", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			var seq testutil.Sequencer
			var gate testutil.Gate
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return seq.At(ctx, 2, cancel.Checkpoint) })
				n.Go(func(ctx context.Context) error { return seq.At(ctx, 0, gate.Wait) })
				n.Go(func(ctx context.Context) error {
					if err := cancel.Sleep(ctx, time.Second); err != nil {
						return err
					}
					gate.Open()
					return nil
				})
				return seq.At(ctx, 1, cancel.Checkpoint)
			})
		})
	})
}

func ExampleSequencer() {
	var seq testutil.Sequencer
	say := func(word string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			fmt.Println(word)
			return nil
		}
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			if err := seq.At(ctx, 0, say("one")); err != nil {
				return err
			}
			return seq.At(ctx, 2, say("three"))
		})
		return seq.At(ctx, 1, say("two"))
	})
	fmt.Println(err)
	// Output:
	// one
	// two
	// three
	// <nil>
}
