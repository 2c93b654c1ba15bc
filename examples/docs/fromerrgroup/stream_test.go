package fromerrgroup_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sourcegraph/conc/stream"
	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func streamConc(ctx context.Context, urls iter.Seq[string], index func(page string, err error)) {
	s := stream.New().WithMaxGoroutines(8)
	for url := range urls {
		s.Go(func() stream.Callback {
			page, err := fetch(ctx, url)
			return func() { index(page, err) }
		})
	}
	s.Wait()
}

func streamGrove(ctx context.Context, urls iter.Seq[string], index func(page string) error) error {
	for page, err := range nursery.Stream(ctx, urls, fetch, nursery.Limit(8)) {
		if err != nil {
			return err
		}
		if err := index(page); err != nil {
			return err
		}
	}
	return nil
}

func Example_stream() {
	index := func(page string) error {
		fmt.Println(page)
		return nil
	}
	fmt.Println(streamGrove(context.Background(), slices.Values([]string{"a", "b"}), index))
	fmt.Println(streamGrove(context.Background(), slices.Values([]string{"gone", "slow"}), index))
	// Output:
	// page a
	// page b
	// <nil>
	// item 0: 404: gone
}

// A stream of conc has no errors, and so goes on after the first.
func TestStreamGoesOn(t *testing.T) {
	urls := append([]string{"gone"}, make([]string, 99)...)
	// The bubbles of this test binary have no stream of conc: see TestStreamOfTwoBubbles.
	t.Run("conc", func(t *testing.T) {
		calls := 0
		streamConc(t.Context(), slices.Values(urls), func(string, error) { calls++ })
		if calls != 100 {
			t.Errorf("%d pages, want all 100", calls)
		}
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		var calls atomic.Int64
		fetch := func(ctx context.Context, url string) (string, error) {
			calls.Add(1)
			return fetch(ctx, url)
		}
		for _, err := range nursery.Stream(ctx, slices.Values(urls), fetch, nursery.Limit(1)) {
			mustBe(t, err, errGone)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

func channelErrgroup(ctx context.Context, urls []string, index func(ctx context.Context, url string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	in := make(chan string)
	g.Go(func() error {
		defer close(in)
		for _, url := range urls {
			in <- url // should be a select with ctx.Done()
		}
		return nil
	})
	g.Go(func() error {
		for url := range in {
			if err := index(ctx, url); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

func channelGrove(ctx context.Context, urls []string, index func(ctx context.Context, url string) error) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		out, in := channel.New[string](0)
		n.Go(func(ctx context.Context) error {
			defer out.Close()
			for _, url := range urls {
				if err := out.Send(ctx, url); err != nil {
					return err
				}
			}
			return nil
		})
		for url, err := range in.All(ctx) {
			if err != nil {
				return err
			}
			if err := index(ctx, url); err != nil {
				return err
			}
		}
		return nil
	})
}

// A producer that sends on a channel waits forever if the consumer has failed.
func TestProducerIsLeftAlone(t *testing.T) {
	urls := []string{"a", "gone", "b"}
	t.Run("errgroup", func(t *testing.T) {
		testutil.WantBlock(t, func(_ *testing.T, ctx context.Context) {
			_ = channelErrgroup(ctx, urls, visit) // does not return
		})
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		mustBe(t, channelGrove(ctx, urls, visit), errGone)
	})
}

// Streams of conc share their channels. If streams of two bubbles do, the process ends.
func TestStreamOfTwoBubbles(t *testing.T) {
	p := program.Start(t, "stream in bubbles")
	_, errs := p.Wait(2)
	mustContain(t, errs, "fatal error: ", "synctest channel from outside bubble")
}

// streamInBubbles is a process with tests that each have a stream.
func streamInBubbles() {
	var tests []func(*testing.T)
	for range 50 { // with the race detector a sync.Pool forgets some of what it has
		tests = append(tests, func(t *testing.T) {
			testutil.Bubble(t, func(_ *testing.T, ctx context.Context) {
				streamConc(ctx, slices.Values([]string{"a"}), func(string, error) {})
			})
		})
	}
	runTests(tests...)
}
