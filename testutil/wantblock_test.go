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
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/testutil"
)

// A bubbleFunc is a function passed to Bubble, WantBlock or WantLeak.
type bubbleFunc func(t *testing.T, ctx context.Context)

// endings has a function for each possible way to end.
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
	"fails":  func(t *testing.T, ctx context.Context) { t.Error("deliberate failure") },
	"panics": func(t *testing.T, ctx context.Context) { panic("deliberate panic") },
	"fails, stuck": func(t *testing.T, ctx context.Context) {
		t.Error("deliberate failure")
		leakingReceive(make(chan int))
	},
	"ends, stuck": func(t *testing.T, ctx context.Context) {
		go leakingReceive(make(chan int))
		t.Fatal("deliberate failure")
	},
}

func leakingReceive(ch chan int) { <-ch }

func TestWantBlock(t *testing.T) {
	expectations := map[string]func(t *testing.T, fn func(t *testing.T, ctx context.Context)){
		"WantBlock": testutil.WantBlock,
		"WantLeak":  testutil.WantLeak,
	}
	if what := os.Getenv(inChild); what != "" {
		name, ending, _ := strings.Cut(what, " ")
		expectations[name](t, endings[ending])
		return
	}
	t.Run("T6/met expectations and later leak checks report nothing", func(t *testing.T) {
		testutil.WantBlock(t, endings["blocks"])
		testutil.WantLeak(t, endings["leaks"])
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
			t.Errorf("VerifyNone reported %q, want only leakOne", r.errors)
		}
	})
	for what, want := range map[string]string{
		"WantBlock returns": "WantBlock: the function returned, and left nothing behind; want it to block for good",
		"WantBlock leaks":   "WantBlock: the function returned but left goroutines blocked for good; want it to block for good\n",
		"WantBlock fails":   "deliberate failure",
		"WantBlock panics":  "panic: deliberate panic",
		"WantLeak returns":  "WantLeak: the function returned, and left nothing behind; want it to return and leave goroutines blocked",
		"WantLeak blocks":   "WantLeak: all goroutines are blocked for good; want it to return and leave goroutines blocked",
		"WantLeak fails":    "deliberate failure",
		"WantLeak panics":   "panic: deliberate panic",

		"WantBlock fails, stuck": "deliberate failure",
		"WantLeak ends, stuck":   "deliberate failure",
	} {
		t.Run("T6/"+what, func(t *testing.T) {
			t.Parallel()
			out := child(t, "TestWantBlock", what)
			if !strings.Contains(out, want) {
				t.Errorf("no %q in the output:\n%s", want, out)
			}
			stuck := strings.HasSuffix(what, "blocks") || strings.HasSuffix(what, "leaks")
			if stuck != strings.Contains(out, "leakingReceive") {
				t.Errorf("the stack of leakingReceive is in the output: %v, want %v:\n%s", !stuck, stuck, out)
			}
		})
	}
	t.Run("T6/goroutines with labels are ignored too", func(t *testing.T) {
		t.Setenv("GODEBUG", "tracebacklabels=1") // the default of modules for Go 1.27
		testutil.WantBlock(t, func(t *testing.T, ctx context.Context) {
			pprof.Do(ctx, pprof.Labels("task", "a b"), func(context.Context) { leakingReceive(make(chan int)) })
		})
		r := &recorder{TB: t}
		testutil.VerifyNone(r)
		if len(r.errors) > 0 {
			t.Errorf("VerifyNone reported %q, want nothing", r.errors)
		}
	})
	t.Run("T6/bad input panics at the call", func(t *testing.T) {
		kit.MustPanic(t, "testutil: WantBlock: nil function", func() { testutil.WantBlock(t, nil) })
		kit.MustPanic(t, "testutil: WantLeak: nil function", func() { testutil.WantLeak(t, nil) })
		kit.MustPanic(t, "testutil: Bubble: nil function", func() { testutil.Bubble(t, nil) })
		testutil.Bubble(t, func(t *testing.T, _ context.Context) {
			kit.MustPanic(t, "testutil: Bubble: called in a synctest bubble", func() { testutil.Bubble(t, endings["returns"]) })
			kit.MustPanic(t, "testutil: WantBlock: called in a synctest bubble", func() { testutil.WantBlock(t, endings["returns"]) })
			kit.MustPanic(t, "testutil: CancelEverywhere: called in a synctest bubble", func() {
				testutil.CancelEverywhere(t, func(*testing.T, context.Context) error { return nil })
			})
			kit.MustPanic(t, "testutil: WantLeak: called in a synctest bubble", func() { testutil.WantLeak(t, endings["returns"]) })
		})
	})
}
