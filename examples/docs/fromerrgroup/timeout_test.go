package fromerrgroup_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func timeoutErrgroup(ctx context.Context, urls []string, all, each time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, all)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	for _, url := range urls {
		g.Go(func() error {
			ctx, stop := context.WithTimeout(ctx, each)
			defer stop()
			return visit(ctx, url)
		})
	}
	return g.Wait()
}

func timeoutGrove(ctx context.Context, urls []string, all, each time.Duration) error {
	return cancel.FailAfter(ctx, all, func(ctx context.Context) error {
		return nursery.Each(ctx, slices.Values(urls), func(ctx context.Context, url string) error {
			return cancel.FailAfter(ctx, each, func(ctx context.Context) error { return visit(ctx, url) })
		}, nursery.Limit(8))
	})
}

// With several nested deadlines the error does not tell which one has passed. The task
// cannot tell either from its own context.
func TestWhichTimeout(t *testing.T) {
	urls := []string{"a", "slow"}
	inBubble(t, "errgroup", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		one := timeoutErrgroup(ctx, urls, time.Hour, time.Second)
		mustTake(t, passed, time.Second)
		all := timeoutErrgroup(ctx, urls, time.Second, time.Hour)
		mustTake(t, passed, 2*time.Second)
		if one != context.DeadlineExceeded || all != one {
			t.Errorf("errors %v and %v, want the same", one, all)
		}
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		one := timeoutGrove(ctx, urls, time.Hour, time.Second)
		mustTake(t, passed, time.Second)
		all := timeoutGrove(ctx, urls, time.Second, time.Hour)
		mustTake(t, passed, 2*time.Second)
		var timeout *cancel.TimeoutError
		var group *nursery.GroupError // with the failure of a task
		if !errors.As(one, &timeout) || !errors.As(one, &group) {
			t.Errorf("error %v, want the timeout of a task", one)
		}
		if !errors.As(all, &timeout) || errors.As(all, &group) {
			t.Errorf("error %v, want the timeout of all", all)
		}
	})
}

// A timeout does not end a task that does not look at its context, so all wait.
func TestTimeoutIsNotLookedAt(t *testing.T) {
	for name, wait := range waiters {
		inBubble(t, name, func(t *testing.T, ctx context.Context, passed func() time.Duration) {
			ctx, stop := context.WithTimeout(ctx, time.Second)
			defer stop()
			_ = wait(ctx, takes(time.Hour), fails(nil)) // what run returns is another matter
			mustTake(t, passed, time.Hour)
		})
	}
}
