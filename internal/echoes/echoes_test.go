package echoes_test

import (
	"context"
	"errors"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A row is an error of a library.
type row struct {
	name  string
	err   func(ctx context.Context) error // ctx is done
	echo  bool                            // what the rule says
	right right                           // what a human would say
}

// right says what the right verdict on an error is.
type right string

const (
	isEcho  right = "echo" // nothing but the cancellation is in it
	isReal  right = "real" // something else is
	unknown right = "?"    // a matter of opinion, or of what came before
)

// errDisk is a real error.
var errDisk = errors.New("disk full")

// wrap returns a constructor for an error made from the cancellation c.
func wrap(f func(c error) error) func(context.Context) error {
	return func(ctx context.Context) error { return f(ctx.Err()) }
}

// always returns a constructor for an error that has nothing to do with the context.
func always(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// TestLibraries judges each error where errors are dropped: by IsEcho, in a nursery,
// and in a timeout.
func TestLibraries(t *testing.T) {
	tables := [][]row{standard, containers, wrappers, clients}
	var rows, known, agree int
	for _, table := range tables {
		for _, r := range table {
			rows++
			if r.right != unknown {
				known++
				if r.echo == (r.right == isEcho) {
					agree++
				}
			}
			t.Run("C9/"+r.name, func(t *testing.T) { check(t, t.Context(), r) })
		}
	}
	// A bound rather than a record: a rule that gets more of them wrong is worse.
	if t.Logf("%d errors; the rule is right about %d of the %d that can be known", rows, agree, known); known-agree > 4 {
		t.Errorf("the rule is wrong about %d errors, want at most 4", known-agree)
	}
}

// check judges an error below ctx, which is open.
func check(t *testing.T, ctx context.Context, r row) {
	s := cancel.New(ctx)
	defer s.Close()
	s.Cancel(nil)
	err := r.err(s)
	if got := s.IsEcho(err); got != r.echo {
		t.Errorf("IsEcho(%T: %v) = %v, want %v", err, err, got, r.echo)
	}

	boom, inner := errors.New("boom"), error(nil)
	err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			<-ctx.Done()
			inner = r.err(ctx)
			return inner
		})
		return boom
	})
	group, ok := errors.AsType[*nursery.GroupError](err)
	if !ok || group.Unwrap()[0] != boom {
		t.Fatalf("Run() = %v, want a group with boom first", err)
	}
	if dropped := len(group.Unwrap()) == 1; dropped != r.echo {
		t.Errorf("Run() dropped %T: %v, want %v: %v", inner, dropped, r.echo, err)
	}

	moved, err := cancel.MoveOnAfter(ctx, 0, func(ctx context.Context) error {
		<-ctx.Done()
		inner = r.err(ctx)
		return inner
	})
	if dropped := err == nil; dropped != r.echo || moved != r.echo {
		t.Errorf("MoveOnAfter() = %v, %v, of %T; want it dropped: %v", moved, err, inner, r.echo)
	}
}
