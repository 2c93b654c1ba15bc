package fromerrgroup_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	xsync "golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/errgroup"
	"github.com/grove-go/grove/testutil"
)

// waitImport is waitErrgroup with another import.
func waitImport(ctx context.Context, index, upload task) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return index(ctx) })
	g.Go(func() error { return upload(ctx) })
	return g.Wait()
}

// The function has the same type.
var (
	_ func(ctx context.Context) (*xsync.Group, context.Context)    = xsync.WithContext
	_ func(ctx context.Context) (*errgroup.Group, context.Context) = errgroup.WithContext
)

// The package has all names of errgroup, with the same types, and one method more.
func TestImportHasAll(t *testing.T) {
	theirs, ours := reflect.TypeFor[*xsync.Group](), reflect.TypeFor[*errgroup.Group]()
	if theirs == ours {
		t.Error("the types are the same")
	}
	var more []string
	for m := range ours.Methods() {
		if _, ok := theirs.MethodByName(m.Name); !ok {
			more = append(more, m.Name)
		}
	}
	if !slices.Equal(more, []string{"Err"}) {
		t.Errorf("methods that errgroup does not have: %v, want Err alone", more)
	}
	for m := range theirs.Methods() {
		o, ok := ours.MethodByName(m.Name)
		if !ok {
			t.Errorf("there is no method %s", m.Name)
		} else if o.Type.String() != m.Type.String() { // both begin with func(*errgroup.Group
			t.Errorf("%s has the type %v, want %v", m.Name, o.Type, m.Type)
		}
	}
}

// A panic of a task comes out of Wait, when the others have cleaned up.
func TestImportPanic(t *testing.T) {
	inBubble(t, "panic", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		v := panicOf(func() {
			_ = waitImport(ctx, func(context.Context) error { bug(); return nil }, func(ctx context.Context) error {
				defer time.Sleep(time.Second) // cleans up
				return waits(ctx)
			})
		})
		mustTake(t, passed, time.Second)
		p, ok := v.(*nursery.PanicError)
		if !ok || p.Value != "bug" {
			t.Fatalf("Wait panics with %v", v)
		}
		mustContain(t, string(p.Stack), "fromerrgroup_test.bug")
	})
}

// A handler that recovers panics recovers the panics of tasks too. The text has the stack.
func TestImportRecovered(t *testing.T) {
	inBubble(t, "handler", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		report := ""
		handle := func() {
			defer func() { report = fmt.Sprint(recover()) }()
			_ = waitImport(ctx, func(context.Context) error { bug(); return nil }, waits)
		}
		handle()
		mustContain(t, report, "panicked: bug", "fromerrgroup_test.bug")
	})
}

// As before, Go blocks at the limit.
func TestImportGoBlocks(t *testing.T) {
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(2)
		for range 3 {
			g.Go(func() error { return cancel.Sleep(ctx, time.Hour) })
		}
		mustTake(t, passed, time.Hour)
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		mustTake(t, passed, 2*time.Hour)
	})
}

// Wait returns the first error, which == finds, and Err has all.
func TestImportErrors(t *testing.T) {
	inBubble(t, "errors", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		g, ctx := errgroup.WithContext(ctx)
		for _, task := range failures() {
			g.Go(func() error { return task(ctx) })
		}
		if err := g.Wait(); err != errFull {
			t.Errorf("Wait() = %v, want %v", err, errFull)
		}
		group, ok := errors.AsType[*nursery.GroupError](g.Err())
		if !ok || len(group.Unwrap()) != 2 || !errors.Is(group, errFull) || !errors.Is(group, errGone) {
			t.Errorf("Err() = %v, want a group of %v and %v", g.Err(), errFull, errGone)
		}
	})
}

// The context tells which task failed. The cause is the first error, which == finds.
func TestImportCause(t *testing.T) {
	inBubble(t, "cause", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return errFull })
		g.Go(func() error {
			<-ctx.Done()
			if context.Cause(ctx) != errFull {
				t.Errorf("Cause() = %v, want %v", context.Cause(ctx), errFull)
			}
			if r, ok := cancel.ReasonOf(ctx); !ok || !strings.HasPrefix(r.Task, "import_test.go:") {
				t.Errorf("ReasonOf() = %v, want the place of a task", r)
			}
			return nil
		})
		mustBe(t, g.Wait(), errFull)
	})
}

// A leak check finds a Group that was never waited for, even if its tasks have returned. It
// does not find a Group of errgroup.
func TestImportLeak(t *testing.T) {
	done := func() error { return nil }
	t.Run("Grove", func(t *testing.T) {
		testutil.WantLeak(t, func(_ *testing.T, ctx context.Context) {
			g, _ := errgroup.WithContext(ctx)
			g.Go(done)
		})
	})
	inBubble(t, "errgroup", func(_ *testing.T, ctx context.Context, _ func() time.Duration) {
		g, _ := xsync.WithContext(ctx)
		g.Go(done)
	})
}

// As before, a return between Go and Wait leaves a task running.
func TestImportEarlyReturn(t *testing.T) {
	testutil.WantLeak(t, func(t *testing.T, ctx context.Context) {
		err := func() error {
			g, ctx := errgroup.WithContext(context.WithoutCancel(ctx))
			g.Go(func() error { return waits(ctx) })
			if err := visit(ctx, "gone"); err != nil {
				return err
			}
			return g.Wait()
		}()
		mustBe(t, err, errGone)
	})
}

// A limit that is set while tasks run makes the Group of errgroup hang. The Group of Grove
// panics.
func TestImportLimitWhileTasksRun(t *testing.T) {
	testutil.WantBlock(t, func(*testing.T, context.Context) {
		var g xsync.Group
		limited := make(chan struct{})
		g.Go(func() error { <-limited; return nil })
		g.SetLimit(1)
		close(limited) // before the task returns, or the race detector finds SetLimit
		_ = g.Wait()   // does not return
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		var g errgroup.Group
		g.Go(func() error { return cancel.Sleep(ctx, time.Second) })
		if v := panicOf(func() { g.SetLimit(1) }); v != "errgroup: Group.SetLimit: no task must be running, got 1" {
			t.Errorf("SetLimit panics with %v", v)
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// Run returns the failures that Err has.
func TestErrIsResultOfRun(t *testing.T) {
	leaves := func(err error) (all []error) {
		for leaf := range nursery.Leaves(err) {
			all = append(all, leaf)
		}
		return all
	}
	want := []error{errFull, errGone}
	inBubble(t, "Err", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		g, ctx := errgroup.WithContext(ctx)
		for _, task := range failures() {
			g.Go(func() error { return task(ctx) })
		}
		_ = g.Wait()
		if got := leaves(g.Err()); !slices.Equal(got, want) {
			t.Errorf("Err has %v, want %v", got, want)
		}
	})
	inBubble(t, "Run", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			for _, task := range failures() {
				n.Go(task)
			}
			return nil
		})
		if got := leaves(err); !slices.Equal(got, want) {
			t.Errorf("Run returns %v, want %v", got, want)
		}
	})
}

// Groups and nurseries go together while a program changes, in either order.
func TestImportTogether(t *testing.T) {
	inBubble(t, "a Group in a nursery", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return waitImport(ctx, waits, waits) })
			n.Go(fails(errFull))
			return nil
		})
		mustBe(t, err, errFull) // and nothing else
	})
	inBubble(t, "a nursery in a Group", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		err := waitImport(ctx, func(ctx context.Context) error { return waitGrove(ctx, waits, waits) }, fails(errFull))
		mustBe(t, err, errFull)
	})
}
