//go:build explore

package testutil_test

import (
	"context"
	"errors"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/explore"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/testutil"
)

func TestSchedules(t *testing.T) {
	// Open passes over a call with a context that a foreign context above has ended. The
	// shield may go up before that end reaches the context, which then stays open.
	t.Run("T3/Open against the end of a context and a shield", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			var g testutil.Gate
			up := kit.NewForeign(context.Background())
			s := cancel.New(up)
			var err error
			r.Go("wait", func() { err = g.Wait(s) })
			r.Go("shield", func() { s.SetShield(true) })
			r.Go("open", g.Open)
			r.Go("end", up.End)
			r.Check(func() {
				switch end := cancel.Err(s); {
				case err == nil:
					r.Saw("open")
				case err == end:
					r.Saw("canceled")
				default:
					r.Errorf("Wait() = %v, the context ended by %v", err, end)
				}
			})
		}, "open", "canceled")
	})

	// The end of a block passes over the next call likewise.
	t.Run("T3/the end of a block against the end of a context and a shield", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			var q testutil.Sequencer
			up := kit.NewForeign(context.Background())
			s := cancel.New(up)
			ran := false
			var first, second error
			r.Go("second", func() {
				second = q.At(s, 1, func(context.Context) error { ran = true; return nil })
			})
			r.Go("shield", func() { s.SetShield(true) })
			r.Go("first", func() {
				first = q.At(context.Background(), 0, func(context.Context) error { return nil })
			})
			r.Go("end", up.End)
			r.Check(func() {
				end := cancel.Err(s)
				if ran != (second == nil) || second != nil && second != end {
					r.Errorf("At() = %v, the block ran: %t, the context ended by %v", second, ran, end)
				}
				switch {
				case errors.Is(first, testutil.ErrSequenceBroken) && second != nil:
					r.Saw("broken before the first block")
				case first != nil:
					r.Errorf("At() of the first block = %v, of the second %v", first, second)
				case ran:
					r.Saw("both blocks")
				default:
					r.Saw("broken after the first block")
				}
			})
		}, "broken before the first block", "broken after the first block", "both blocks")
	})
}
