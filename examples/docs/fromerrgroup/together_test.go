package fromerrgroup_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/oklog/run"
	"golang.org/x/sync/errgroup"
	"gopkg.in/tomb.v2"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func errgroupInGrove(ctx context.Context, urls []string) error {
	return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			g, ctx := errgroup.WithContext(ctx) // the context of the nursery
			for _, url := range urls {
				g.Go(func() error { return visit(ctx, url) })
			}
			return g.Wait()
		}, nursery.Name("pages"))
		return nil
	})
}

func groveInErrgroup(ctx context.Context, urls []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := nursery.Map(ctx, urls, fetch, nursery.Limit(8))
		return err
	})
	return g.Wait()
}

func groveInRun(ctx context.Context, body func(context.Context, *nursery.Nursery) error) error {
	var g run.Group
	ctx, stop := context.WithCancel(ctx)
	g.Add(func() error { return nursery.Run(ctx, body) }, func(error) { stop() })
	return g.Run()
}

func groveInTomb(ctx context.Context, body func(context.Context, *nursery.Nursery) error) error {
	t, ctx := tomb.WithContext(ctx)
	t.Go(func() error { return nursery.Run(ctx, body) })
	return t.Wait()
}

func actorInGrove(ctx context.Context, execute func() error, interrupt func(error)) error {
	return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			defer context.AfterFunc(ctx, func() { interrupt(context.Cause(ctx)) })()
			if err := execute(); ctx.Err() == nil {
				return err
			}
			return cancel.Err(ctx) // that it was closed is a consequence
		})
		return nil
	})
}

// An actor is interrupted, with the cause, when the nursery is canceled. An actor that has
// ended is not interrupted.
func TestActorAsTask(t *testing.T) {
	inBubble(t, "Grove, which is canceled", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		closed := make(chan error, 1)
		s := cancel.New(ctx)
		defer s.Close()
		time.AfterFunc(time.Second, func() { s.Cancel(errFull) })
		err := actorInGrove(s, func() error {
			mustBe(t, <-closed, errFull)
			return errors.New("closed")
		}, func(err error) { closed <- err })
		if !s.IsEcho(err) {
			t.Errorf("error %v, want an echo of the cancellation", err)
		}
	})
	inBubble(t, "Grove, where it ends", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		err := actorInGrove(ctx, func() error { return errGone }, func(error) { t.Error("it is interrupted") })
		mustBe(t, err, errGone)
	})
}

// Errors go up through both, and cancellation goes down.
func TestTogether(t *testing.T) {
	body := func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(fails(errGone))
		return waits(ctx)
	}
	for name, f := range map[string]func(ctx context.Context) error{
		"errgroup in Grove": func(ctx context.Context) error { return errgroupInGrove(ctx, []string{"slow", "gone"}) },
		"Grove in errgroup": func(ctx context.Context) error { return groveInErrgroup(ctx, []string{"slow", "gone"}) },
		"Grove in run":      func(ctx context.Context) error { return groveInRun(ctx, body) },
		"Grove in tomb":     func(ctx context.Context) error { return groveInTomb(ctx, body) },
	} {
		inBubble(t, name, func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			if err := f(ctx); !errors.Is(err, errGone) || errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want %v", err, errGone)
			}
		})
	}
	body = func(ctx context.Context, _ *nursery.Nursery) error { return waits(ctx) }
	for name, f := range map[string]func(ctx context.Context) error{
		"errgroup in Grove": func(ctx context.Context) error { return errgroupInGrove(ctx, []string{"slow"}) },
		"Grove in errgroup": func(ctx context.Context) error { return groveInErrgroup(ctx, []string{"slow"}) },
		"Grove in run":      func(ctx context.Context) error { return groveInRun(ctx, body) },
		"Grove in tomb":     func(ctx context.Context) error { return groveInTomb(ctx, body) },
	} {
		inBubble(t, name+", canceled", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
			ctx, stop := context.WithTimeout(ctx, time.Second)
			defer stop()
			if err := f(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want the cancellation", err)
			}
			mustTake(t, passed, time.Second)
		})
	}
}

// An errgroup's error after the cancellation of the nursery does not count as a failure.
func TestEchoOfErrgroup(t *testing.T) {
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return waitErrgroup(ctx, waits, waits) })
			n.Cancel(nil)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
