package testutil_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// checkpoints are functions with what WantCheckpoint and WantNoCheckpoint report of
// them.
var checkpoints = []struct {
	name              string
	fn                func(ctx context.Context) error
	asserted, refuted []string // reported by WantCheckpoint, WantNoCheckpoint
}{
	{"cancel.Checkpoint", cancel.Checkpoint, nil, []string{"fn gave up: context canceled: before the call"}},
	{"cancel.Sleep", func(ctx context.Context) error { return cancel.Sleep(ctx, time.Hour) }, nil, []string{"fn gave up"}},
	{"ctx.Err()", context.Context.Err, nil, []string{"fn gave up: context canceled"}},
	{"context.Cause", context.Cause, nil, []string{"fn gave up: before the call"}},
	{"wrapped", func(ctx context.Context) error { return fmt.Errorf("fetch: %w", ctx.Err()) }, nil, []string{"fn gave up: fetch: context canceled"}},
	{"a derived context", func(ctx context.Context) error {
		ctx, stop := context.WithTimeout(ctx, time.Hour)
		defer stop()
		<-ctx.Done()
		return ctx.Err()
	}, nil, []string{"fn gave up"}},
	{"a nursery", func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(cancel.Forever)
			return nil
		})
	}, nil, []string{"fn gave up"}},
	{"nil", nothing, []string{"fn returned nil"}, nil},
	{"drops the error", func(ctx context.Context) error { <-ctx.Done(); return nil }, []string{"fn returned nil"}, nil},
	{"a shield", func(ctx context.Context) error { return cancel.Shield(ctx, time.Hour, cancel.Checkpoint) }, []string{"fn returned nil"}, nil},
	{"a real error", func(context.Context) error { return io.EOF }, []string{"not an echo of the cancellation:\nEOF"}, []string{"failed for another reason:\nEOF"}},
	{"an echo and a real error", func(ctx context.Context) error { return errors.Join(ctx.Err(), io.EOF) },
		[]string{"not an echo of the cancellation:\n*errors.joinError of 2\n├── context canceled\n└── EOF"}, []string{"failed for another reason:\n*errors.joinError of 2"}},
	{"the echo of another scope", func(context.Context) error {
		s := cancel.New(context.Background())
		s.Cancel(io.EOF)
		return cancel.Err(s)
	}, []string{"not an echo of the cancellation:\ncontext canceled: EOF"}, []string{"failed for another reason:\ncontext canceled: EOF"}},
}

func TestWantCheckpoint(t *testing.T) {
	for _, c := range checkpoints {
		kit.Bubble(t, "T4/WantCheckpoint: "+c.name, func(t *testing.T, _ context.Context) {
			start := time.Now()
			r := &recorder{TB: t}
			testutil.WantCheckpoint(r, c.fn)
			wantReport(t, r, c.asserted...)
			if d := time.Since(start); d != 0 {
				t.Errorf("it took %v, want no time", d)
			}
		})
		kit.Bubble(t, "T4/WantNoCheckpoint: "+c.name, func(t *testing.T, _ context.Context) {
			r := &recorder{TB: t}
			testutil.WantNoCheckpoint(r, c.fn)
			wantReport(t, r, c.refuted...)
		})
	}
	for name, assert := range map[string]func(testing.TB, func(context.Context) error){
		"WantCheckpoint":   testutil.WantCheckpoint,
		"WantNoCheckpoint": testutil.WantNoCheckpoint,
	} {
		kit.Bubble(t, "T4/"+name+" calls fn once", func(t *testing.T, _ context.Context) {
			calls := 0
			assert(&recorder{TB: t}, func(context.Context) error { calls++; return nil })
			if calls != 1 {
				t.Errorf("%d calls, want 1", calls)
			}
		})
		kit.Bubble(t, "T4/"+name+" ends its scope even if fn panics", func(t *testing.T, _ context.Context) {
			var scope *cancel.Scope
			kit.MustPanic(t, "in fn", func() {
				assert(&recorder{TB: t}, func(ctx context.Context) error {
					scope = cancel.FromContext(ctx)
					panic("in fn")
				})
			})
			kit.MustPanic(t, "cancel: Scope.Run: the scope has been used", func() { _ = scope.Run(nothing) })
		})
		t.Run("T4/"+name+": bad input panics", func(t *testing.T) {
			kit.MustPanic(t, "testutil: "+name+": nil testing.TB", func() { assert(nil, nothing) })
			kit.MustPanic(t, "testutil: "+name+": nil function", func() { assert(t, nil) })
		})
	}
}

func ExampleWantCheckpoint() {
	t := printer{} // in a test, its *testing.T
	testutil.WantCheckpoint(t, cancel.Forever)
	testutil.WantCheckpoint(t, func(ctx context.Context) error {
		return errors.New("no such host") // without checking ctx
	})
	// Output:
	// WantCheckpoint: with a canceled context, fn returned an error that is not an echo of the cancellation:
	// no such host
}

func ExampleWantNoCheckpoint() {
	t := printer{} // in a test, its *testing.T
	undo := func(ctx context.Context) error { return cancel.Checkpoint(ctx) }
	testutil.WantNoCheckpoint(t, func(ctx context.Context) error {
		return cancel.Shield(ctx, time.Second, undo)
	})
	testutil.WantNoCheckpoint(t, func(ctx context.Context) error {
		if err := undo(ctx); err != nil {
			return fmt.Errorf("undo: %w", context.Canceled)
		}
		return nil
	})
	// Output:
	// WantNoCheckpoint: with a canceled context, fn gave up: undo: context canceled
}
