package testutil_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// ticking is a nursery all of whose tasks wait for good, while a ticker goes on.
func ticking(t *testing.T, ctx context.Context) {
	go func() {
		for range time.Tick(time.Hour) {
		}
	}()
	_ = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { leakingReceive(make(chan int)); return nil })
		return nil
	})
}

func TestBubbleWarnsOfTheEnd(t *testing.T) {
	if os.Getenv(inChild) != "" {
		t.Run("over", func(t *testing.T) { testutil.Bubble(t, endings["returns"]) })
		t.Run("lasting", func(t *testing.T) { testutil.Bubble(t, ticking) })
		return
	}
	t.Run("T1/who waits for what, if a bubble does not end in time", func(t *testing.T) {
		t.Parallel()
		out := child(t, "TestBubbleWarnsOfTheEnd", "deadline", "-test.timeout=2s")
		_, warning, _ := strings.Cut(out, "testutil: the bubble of TestBubbleWarnsOfTheEnd/lasting has not ended")
		table, _, found := strings.Cut(warning, "panic: test timed out after 2s")
		if !found || !strings.Contains(table, "its tasks (nursery.Run)  testutil_test.ticking ") || !strings.Contains(table, "testutil_test.leakingReceive") {
			t.Errorf("no table before the time was up:\n%s", out)
		}
		if strings.Contains(out, "the bubble of TestBubbleWarnsOfTheEnd/over") {
			t.Errorf("a warning about a bubble that had ended:\n%s", out)
		}
	})
}
