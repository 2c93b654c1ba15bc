package testutil_test

import (
	"context"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/testkit"
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
	"leaks":  func(t *testing.T, ctx context.Context) { go leakingReceive(make(chan int)) },
	"fails":  func(t *testing.T, ctx context.Context) { t.Error("it is I who fails") },
	"panics": func(t *testing.T, ctx context.Context) { panic("it is I who panics") },
	"fails, stuck": func(t *testing.T, ctx context.Context) {
		t.Error("it is I who fails")
		leakingReceive(make(chan int))
	},
	"ends, stuck": func(t *testing.T, ctx context.Context) {
		go leakingReceive(make(chan int))
		t.Fatal("it is I who fails")
	},
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
		"ExpectBlock panics":  "panic: it is I who panics",
		"ExpectLeak returns":  "ExpectLeak: the function returned, and left nothing behind, want it to return and to leave goroutines behind",
		"ExpectLeak blocks":   "ExpectLeak: all goroutines wait for good, want it to return and to leave goroutines behind",
		"ExpectLeak fails":    "it is I who fails",
		"ExpectLeak panics":   "panic: it is I who panics",

		"ExpectBlock fails, stuck": "it is I who fails",
		"ExpectLeak ends, stuck":   "it is I who fails",
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
	t.Run("T6/goroutines with labels are forgotten, too", func(t *testing.T) {
		t.Setenv("GODEBUG", "tracebacklabels=1") // the default of modules for Go 1.27
		testutil.ExpectBlock(t, func(t *testing.T, ctx context.Context) {
			pprof.Do(ctx, pprof.Labels("task", "a b"), func(context.Context) { leakingReceive(make(chan int)) })
		})
		r := &recorder{TB: t}
		testutil.VerifyNone(r)
		if len(r.errors) > 0 {
			t.Errorf("VerifyNone reported %q, want nothing", r.errors)
		}
	})
	t.Run("T6/bad input panics at the call", func(t *testing.T) {
		testkit.MustPanic(t, "testutil: ExpectBlock: nil function", func() { testutil.ExpectBlock(t, nil) })
		testkit.MustPanic(t, "testutil: ExpectLeak: nil function", func() { testutil.ExpectLeak(t, nil) })
		testkit.MustPanic(t, "testutil: Bubble: nil function", func() { testutil.Bubble(t, nil) })
		testutil.Bubble(t, func(t *testing.T, _ context.Context) {
			testkit.MustPanic(t, "testutil: Bubble: called within a synctest bubble", func() { testutil.Bubble(t, endings["returns"]) })
			testkit.MustPanic(t, "testutil: ExpectBlock: called within a synctest bubble", func() { testutil.ExpectBlock(t, endings["returns"]) })
			testkit.MustPanic(t, "testutil: CancelEverywhere: called within a synctest bubble", func() {
				testutil.CancelEverywhere(t, func(*testing.T, context.Context) error { return nil })
			})
			testkit.MustPanic(t, "testutil: ExpectLeak: called within a synctest bubble", func() { testutil.ExpectLeak(t, endings["returns"]) })
		})
	})
}
