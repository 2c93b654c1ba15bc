package fromerrgroup_test

import (
	"context"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/testutil"
)

// looksUp is a function to call with each page.
func looksUp(ctx context.Context, url string) error { return cancel.Sleep(ctx, 1) }

func TestPages(t *testing.T) {
	testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
		_, err := pagesErrgroup(ctx, []string{"a", "b"})
		return err
	})
}

// CancelEverywhere finds the send without a receiver in code with errgroup, and finds
// nothing in code with Grove.
func TestHangIsFound(t *testing.T) {
	t.Run("errgroup", func(t *testing.T) {
		printed, _ := program.Start(t, "hang").Wait(1)
		mustContain(t, printed, "--- FAIL: Test0", "channelErrgroup", "chan send", "stream_test.go:")
	})
	t.Run("Grove", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			return channelGrove(ctx, []string{"a", "b"}, looksUp)
		})
	})
}

func hang() {
	runTests(func(t *testing.T) {
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			return channelErrgroup(ctx, []string{"a", "b"}, looksUp)
		})
	})
}
