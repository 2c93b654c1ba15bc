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

// ticking runs a nursery with tasks that are all blocked for good while a ticker keeps
// running. The ticker is fast because the test runs until virtual time would leave the range
// of an int64 if it were slow, and then the runtime loops forever.
func ticking(t *testing.T, ctx context.Context) {
	go func() {
		for range time.Tick(time.Microsecond) {
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
	t.Run("T1/what each goroutine waits for, if a bubble does not end in time", func(t *testing.T) {
		t.Parallel()
		out := child(t, "TestBubbleWarnsOfTheEnd", "deadline", "-test.timeout=6s")
		_, warning, _ := strings.Cut(out, "testutil: the bubble of TestBubbleWarnsOfTheEnd/lasting has not ended")
		table, _, found := strings.Cut(warning, "panic: test timed out after 6s")
		if !found || !strings.Contains(table, "1 running, 0 done  waits for tasks\n└─ testutil_test.ticking.func2.1  ") || !strings.Contains(table, "testutil_test.leakingReceive") {
			t.Errorf("no table before the timeout:\n%s", out)
		}
		if strings.Contains(out, "the bubble of TestBubbleWarnsOfTheEnd/over") {
			t.Errorf("a warning about a bubble that has ended:\n%s", out)
		}
	})
}
