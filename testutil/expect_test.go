package testutil_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/internal/testkit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// bubbleFunc is what Bubble, ExpectBlock and ExpectLeak run.
type bubbleFunc func(t *testing.T, ctx context.Context)

// endings are functions that end in each possible way.
var endings = map[string]bubbleFunc{
	"returns": func(t *testing.T, ctx context.Context) {
		if err := cancel.Sleep(ctx, time.Hour); err != nil {
			t.Error(err)
		}
	},
	"blocks": func(t *testing.T, ctx context.Context) {
		var wg sync.WaitGroup
		wg.Go(func() { leakingReceive(make(chan int)) })
		wg.Wait()
	},
	"leaks": func(t *testing.T, ctx context.Context) { go leakingReceive(make(chan int)) },
	"fails": func(t *testing.T, ctx context.Context) { t.Error("it is I who fails") },
}

func leakingReceive(ch chan int) { <-ch }

func TestExpect(t *testing.T) {
	expectations := map[string]func(t *testing.T, fn func(t *testing.T, ctx context.Context)){
		"ExpectBlock": testutil.ExpectBlock,
		"ExpectLeak":  testutil.ExpectLeak,
	}
	if what := os.Getenv(inChild); what != "" {
		name, ending, _ := strings.Cut(what, " ")
		expectations[name](t, endings[ending])
		return
	}
	t.Run("T6/silent if it is so, and so are the leak checks", func(t *testing.T) {
		testutil.ExpectBlock(t, endings["blocks"])
		testutil.ExpectLeak(t, endings["leaks"])
		r := &recorder{TB: t}
		testutil.VerifyNone(r)
		if len(r.errors) > 0 {
			t.Errorf("VerifyNone reported %q, want nothing", r.errors)
		}
		block := make(chan struct{})
		leakOne(block)
		testutil.VerifyNone(r)
		close(block)
		if len(r.errors) == 0 || !strings.Contains(r.errors[0], "leakOne") || strings.Contains(r.errors[0], "leakingReceive") {
			t.Errorf("VerifyNone reported %q, want leakOne alone", r.errors)
		}
	})
	for what, want := range map[string]string{
		"ExpectBlock returns": "ExpectBlock: the function returned, and left nothing behind, want it to block for good",
		"ExpectBlock leaks":   "ExpectBlock: the function returned, and left goroutines behind that wait for good, want it to block for good\n",
		"ExpectBlock fails":   "it is I who fails",
		"ExpectLeak returns":  "ExpectLeak: the function returned, and left nothing behind, want it to return and to leave goroutines behind",
		"ExpectLeak blocks":   "ExpectLeak: all goroutines wait for good, want it to return and to leave goroutines behind",
		"ExpectLeak fails":    "it is I who fails",
	} {
		t.Run("T6/"+what, func(t *testing.T) {
			t.Parallel()
			out := child(t, "TestExpect", what)
			if !strings.Contains(out, want) {
				t.Errorf("no %q in the output:\n%s", want, out)
			}
			stuck := strings.HasSuffix(what, "blocks") || strings.HasSuffix(what, "leaks")
			if stuck != strings.Contains(out, "leakingReceive") {
				t.Errorf("the stack of leakingReceive is in the output: %v, want %v:\n%s", !stuck, stuck, out)
			}
		})
	}
	t.Run("T6/bad input panics at the call", func(t *testing.T) {
		testkit.MustPanic(t, "testutil: ExpectBlock: nil function", func() { testutil.ExpectBlock(t, nil) })
		testkit.MustPanic(t, "testutil: ExpectLeak: nil function", func() { testutil.ExpectLeak(t, nil) })
		testkit.MustPanic(t, "testutil: Bubble: nil function", func() { testutil.Bubble(t, nil) })
		testutil.Bubble(t, func(t *testing.T, _ context.Context) {
			testkit.MustPanic(t, "within a synctest bubble", func() { testutil.Bubble(t, endings["returns"]) })
		})
	})
}

// standstill is a nursery whose tasks all wait for good, each for something else.
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
		n.Go(func(ctx context.Context) error { return new(testutil.Gate).Wait(ctx) })
		n.Go(func(ctx context.Context) error { return new(testutil.Sequencer).At(ctx, 1, nothing) })
		n.Go(func(context.Context) error { leakingReceive(make(chan int)); return nil })
		stuck := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, cancel.Forever(ctx) })
		_, err := stuck.Wait(ctx)
		return err
	})
	t.Error(err) // never
}

func TestBubbleReportsDeadlock(t *testing.T) {
	if os.Getenv(inChild) != "" {
		t.Run("stuck", func(t *testing.T) { testutil.Bubble(t, standstill) })
		t.Run("leak", func(t *testing.T) { testutil.Bubble(t, endings["leaks"]) })
		t.Run("next", func(t *testing.T) { testutil.Bubble(t, endings["fails"]) })
		return
	}
	out := child(t, "TestBubbleReportsDeadlock", "deadlock")
	for _, want := range []string{
		"Bubble: deadlock: all goroutines wait for good",
		"goroutine  waits for",
		"a value (Receiver.Receive)",
		"room in a channel (Sender.Send)",
		"a token (Limiter.Acquire)",
		"a gate to open (Gate.Wait)",
		"its turn (Sequencer.At)",
		"chan receive ",
		"a cancellation (cancel.Forever)",
		"a task (Task.Wait)",
		"Bubble: deadlock: the function returned, and left goroutines behind that wait for good",
		"testutil_test.leakingReceive",
		"it is I who fails", // the tests after that go on
	} {
		if !strings.Contains(out, want) {
			t.Errorf("T1: no %q in the output:\n%s", want, out)
		}
	}
	row := regexp.MustCompile(`(?m)^ +\d+ +a value \(Receiver\.Receive\) +testutil_test\.standstill\.func1\.1 +expect_test\.go:\d+ +nursery\.\(\*Nursery\)\.Go$`)
	if !row.MatchString(out) {
		t.Errorf("T1: no row %v in the output:\n%s", row, out)
	}
}
