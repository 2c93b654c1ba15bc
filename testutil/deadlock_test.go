package testutil_test

import (
	"context"
	"os"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/errgroup"
	"github.com/grove-go/grove/testutil"
)

// standstill runs a nursery with tasks that are all blocked for good, each on something
// else.
func standstill(t *testing.T, ctx context.Context) {
	tokens := nursery.NewLimiter(0)
	s, r := channel.New[int](0)
	defer s.Close()
	full, _ := channel.New[int](1)
	_ = full.TrySend(1)
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { _, err := r.Receive(ctx); return err })
		n.Go(func(ctx context.Context) error { return full.Send(ctx, 2) })
		n.Go(func(ctx context.Context) error { return tokens.Acquire(ctx) })
		n.Go(func(context.Context) error { leakingReceive(make(chan int)); return nil })
		stuck := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, cancel.Forever(ctx) })
		n.Go(func(ctx context.Context) error { return new(testutil.Gate).Wait(ctx) })
		n.Go(func(ctx context.Context) error { return new(testutil.Sequencer).At(ctx, 1, nothing) })
		_, err := stuck.Wait(ctx)
		return err
	})
	t.Error(err) // never
}

// abandoned returns and leaves goroutines behind that are blocked in functions of this
// library.
func abandoned(*testing.T, context.Context) {
	ctx := context.Background() // not canceled when the bubble ends
	ints := slices.Values([]int{1, 2, 3})
	forever := func(ctx context.Context, _ int) (int, error) { leakingReceive(make(chan int)); return 0, nil }
	go nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { leakingReceive(make(chan int)); return nil })
		return nil
	})
	go nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		_, err := nursery.Start(ctx, n, func(ctx context.Context, _ func(int)) error { return cancel.Forever(ctx) })
		return err
	})
	go nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		_, err := nursery.NewShared(n, forever).Do(ctx, 1)
		return err
	})
	go func() {
		for range nursery.Stream(ctx, ints, forever, nursery.Limit(1)) {
		}
	}()
	go nursery.Each(ctx, func(yield func(int) bool) { // a worker stays idle
		yield(1)
		leakingReceive(make(chan int))
	}, func(context.Context, int) error { return nil }, nursery.Limit(2))
	b := channel.NewBroadcast[int](1)
	slow, quick := b.Subscribe(channel.Block), b.Subscribe(channel.DropOldest)
	_ = slow
	go func() {
		_ = b.Publish(ctx, 1)
		_ = b.Publish(ctx, 2)
	}()
	go func() {
		for range quick.All(ctx) {
		}
	}()
	go func() {
		for range channel.NewWatch(1).Subscribe().All(ctx) {
		}
	}()
	var unwaited, stuck errgroup.Group
	unwaited.Go(func() error { return nil })
	stuck.Go(func() error { leakingReceive(make(chan int)); return nil })
	go stuck.Wait()
	go cancel.Sleep(ctx, time.Hour) // time stops when abandoned returns
	cancel.Sleep(ctx, time.Second)  // until all are blocked
}

// labeled blocks for good in a goroutine that has labels.
func labeled(_ *testing.T, ctx context.Context) {
	pprof.Do(ctx, pprof.Labels("task", "a b"), func(context.Context) { leakingReceive(make(chan int)) })
}

func TestBubbleReportsDeadlock(t *testing.T) {
	if os.Getenv(inChild) != "" {
		t.Run("stuck", func(t *testing.T) { testutil.Bubble(t, standstill) })
		t.Run("leak", func(t *testing.T) { testutil.Bubble(t, endings["leaks"]) })
		t.Run("abandoned", func(t *testing.T) { testutil.Bubble(t, abandoned) })
		t.Run("labeled", func(t *testing.T) { testutil.Bubble(t, labeled) })
		t.Run("next", func(t *testing.T) { testutil.Bubble(t, endings["fails"]) })
		return
	}
	// These settings add details to the headers of stacks.
	t.Setenv("GOTRACEBACK", "system")
	t.Setenv("GODEBUG", "tracebacklabels=1")
	out := child(t, "TestBubbleReportsDeadlock", "deadlock")
	section := func(t *testing.T, of string) string {
		t.Helper()
		_, after, found := strings.Cut(out, "--- FAIL: TestBubbleReportsDeadlock/"+of+" ")
		if !found {
			t.Fatalf("%s did not fail:\n%s", of, out)
		}
		before, _, _ := strings.Cut(after, "--- FAIL: ")
		return before
	}
	wants := func(t *testing.T, of, how string, rows ...string) {
		t.Helper()
		s := section(t, of)
		if !strings.Contains(s, "Bubble: deadlock: "+how+"\n") {
			t.Errorf("want a deadlock: %s:\n%s", how, s)
		}
		for _, r := range rows {
			if row := regexp.MustCompile(`(?m)^ +` + r + `$`); !row.MatchString(s) {
				t.Errorf("no line %v in the output:\n%s", row, s)
			}
		}
	}
	// inTree and inTable return expressions for the lines of a goroutine.
	inTree := func(function, waits string) string {
		return `[├└]─ ` + function + `  g\d+  ` + regexp.QuoteMeta(waits) + `( on \w+)?  \w+\.go:\d+`
	}
	inTable := func(function, waits string) string {
		return `\d+ {2,}` + regexp.QuoteMeta(waits) + ` {2,}` + function + ` {2,}\w+\.go:\d+ {2,}\S+ in goroutine \d+`
	}
	t.Run("T1/what each goroutine waits for", func(t *testing.T) {
		wants(t, "stuck", "all goroutines are blocked for good",
			`nursery  deadlock_test\.go:\d+  7 running, 0 done`,
			inTree(`body`, "a task (Task.Wait)"),
			inTree(`testutil_test\.standstill\.func1\.1`, "a value (Receiver.Receive)"),
			inTree(`testutil_test\.standstill\.func1\.2`, "room in a channel (Sender.Send)"),
			inTree(`testutil_test\.standstill\.func1\.3`, "a token (Limiter.Acquire)"),
			inTree(`testutil_test\.standstill\.func1\.4`, "chan receive"),
			inTree(`testutil_test\.standstill\.func1\.5`, "a cancellation (cancel.Forever)"),
			inTree(`testutil_test\.standstill\.func1\.6`, "a gate to open (Gate.Wait)"),
			inTree(`testutil_test\.standstill\.func1\.7`, "its turn (Sequencer.At)"),
		)
	})
	const behind = "the function returned but left goroutines blocked for good"
	t.Run("T1/goroutines left behind", func(t *testing.T) {
		wants(t, "leak", behind, inTable(`testutil_test\.leakingReceive`, "chan receive"))
		if s := section(t, "leak"); strings.Contains(s, "standstill") {
			t.Errorf("a goroutine of another bubble is in the report:\n%s", s)
		}
	})
	t.Run("T1/what functions of this library wait for", func(t *testing.T) {
		const own = `testutil_test\.abandoned[.\w]*`
		wants(t, "abandoned", behind,
			`nursery  1 running, 0 done  waits for tasks`,
			inTree("body", "a task to start (nursery.Start)"),
			inTree("body", "a shared computation (Shared.Do)"),
			inTree("body", "the next result (nursery.Stream)"),
			inTree(`\S+`, "a call to return (nursery.Each, Stream)"),
			inTree(`\S+`, "the next item (nursery.Each, Stream)"),
			inTree("body", "a call of Wait (errgroup.Group)"),
			`nursery  keeps going  1 running, 0 done`, // in Group.Wait
			inTable(own, "slow subscribers (Broadcast.Publish)"),
			inTable(own, "a value (Subscription.Receive)"),
			inTable(own, "a new value (Watcher.Receive)"),
			inTable(`cancel\.Sleep`, "time to pass (cancel.Sleep)"),
		)
	})
	t.Run("T1/a goroutine with labels", func(t *testing.T) {
		wants(t, "labeled", "all goroutines are blocked for good", inTable(`testutil_test\.leakingReceive`, "chan receive"))
		if s := section(t, "labeled"); !strings.Contains(s, `"a b"`) {
			t.Errorf("the stack does not have the label:\n%s", s)
		}
	})
	t.Run("T1/later tests go on", func(t *testing.T) {
		if s := section(t, "next"); !strings.Contains(s, "deliberate failure") || strings.Contains(s, "deadlock") {
			t.Errorf("want only the test's own failure:\n%s", s)
		}
	})
}

func TestLeakProfile(t *testing.T) {
	t.Run("T1/only leaked goroutines are taken from the profile", func(t *testing.T) {
		got := testutil.LeakedOnly("goroutine 1 [running]:\nmain.main()\n\n" +
			"goroutine 2000001 [chan receive (leaked)]:\nmain.a()\n\n" +
			"goroutine 3 [chan receive]:\nmain.b()\n\n" +
			"goroutine 2000004 [select (leaked)]:\nmain.c()\n")
		want := "goroutine 2000001 [chan receive (leaked)]:\nmain.a()\n\ngoroutine 2000004 [select (leaked)]:\nmain.c()\n\n"
		if got != want {
			t.Errorf("taken from the profile:\n%s, want\n%s", got, want)
		}
	})
}
