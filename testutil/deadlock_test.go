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
	"github.com/grove-go/grove/testutil"
)

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
		n.Go(func(context.Context) error { leakingReceive(make(chan int)); return nil })
		stuck := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, cancel.Forever(ctx) })
		n.Go(func(ctx context.Context) error { return new(testutil.Gate).Wait(ctx) })
		n.Go(func(ctx context.Context) error { return new(testutil.Sequencer).At(ctx, 1, nothing) })
		_, err := stuck.Wait(ctx)
		return err
	})
	t.Error(err) // never
}

// abandoned returns, and leaves goroutines behind that wait in our own functions.
func abandoned(*testing.T, context.Context) {
	ctx := context.Background() // which does not end with the bubble
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
	go nursery.Each(ctx, func(yield func(int) bool) { // its worker has nothing to do
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
		for range channel.NewWatch(1).Watch().All(ctx) {
		}
	}()
	go cancel.Sleep(ctx, time.Hour) // time stops when the function has returned
	cancel.Sleep(ctx, time.Second)  // until they wait
}

// labeled waits for good in a goroutine that has labels.
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
	// Headers of stacks have more in them than by default.
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
		if !strings.Contains(s, "Bubble: deadlock: "+how+"\n") || !strings.Contains(s, " goroutine  waits for  ") {
			t.Errorf("want a deadlock: %s, and a table:\n%s", how, s)
		}
		for _, r := range rows {
			if row := regexp.MustCompile(`(?m)^ +\d+ {2,}` + r + ` in goroutine \d+$`); !row.MatchString(s) {
				t.Errorf("no row %v in the output:\n%s", row, s)
			}
		}
	}
	t.Run("T1/who waits for what", func(t *testing.T) {
		wants(t, "stuck", "all goroutines wait for good",
			`a value \(Receiver\.Receive\) {2,}testutil_test\.standstill\.func1\.1 {2,}deadlock_test\.go:\d+ {2,}nursery\.\(\*Nursery\)\.Go`,
			`room in a channel \(Sender\.Send\) {2,}testutil_test\.standstill\.func1\.2 .*`,
			`a token \(Limiter\.Acquire\) {2,}testutil_test\.standstill\.func1\.3 .*`,
			`chan receive {2,}testutil_test\.leakingReceive {2,}expect_test\.go:\d+ .*`,
			`a cancellation \(cancel\.Forever\) {2,}testutil_test\.standstill\.func1\.5 .*`,
			`a task \(Task\.Wait\) {2,}testutil_test\.standstill\.func1 .*`,
			`a gate to open \(Gate\.Wait\) {2,}testutil_test\.standstill\.func1\.6 .*`,
			`its turn \(Sequencer\.At\) {2,}testutil_test\.standstill\.func1\.7 .*`,
		)
	})
	const behind = "the function returned, and left goroutines behind that wait for good"
	t.Run("T1/who is left behind", func(t *testing.T) {
		wants(t, "leak", behind, `chan receive {2,}testutil_test\.leakingReceive .*`)
		if s := section(t, "leak"); strings.Contains(s, "standstill") {
			t.Errorf("somebody of another bubble is in the report:\n%s", s)
		}
	})
	t.Run("T1/what our own functions wait for", func(t *testing.T) {
		wants(t, "abandoned", behind,
			`its tasks \(nursery\.Run\) {2,}nursery\.Run .*`,
			`a task to start \(nursery\.Start\) {2,}testutil_test\.abandoned.*`,
			`a shared computation \(Shared\.Do\) {2,}testutil_test\.abandoned.*`,
			`the next result \(nursery\.Stream\) {2,}testutil_test\.abandoned.*`,
			`a call to return \(nursery\.Each, Stream\) {2,}.*`,
			`the next item \(nursery\.Each, Stream\) {2,}.*`,
			`slow subscribers \(Broadcast\.Publish\) {2,}testutil_test\.abandoned.*`,
			`a value \(Subscription\.Receive\) {2,}testutil_test\.abandoned.*`,
			`a new value \(Watcher\.Receive\) {2,}testutil_test\.abandoned.*`,
			`time to pass \(cancel\.Sleep\) {2,}.*`,
		)
	})
	t.Run("T1/also with labels", func(t *testing.T) {
		wants(t, "labeled", "all goroutines wait for good", `chan receive {2,}testutil_test\.leakingReceive .*`)
		if s := section(t, "labeled"); !strings.Contains(s, `"a b"`) {
			t.Errorf("the stack does not have the label:\n%s", s)
		}
	})
	t.Run("T1/the tests after that go on", func(t *testing.T) {
		if s := section(t, "next"); !strings.Contains(s, "it is I who fails") || strings.Contains(s, "deadlock") {
			t.Errorf("want the test's own failure alone:\n%s", s)
		}
	})
}

func TestRow(t *testing.T) {
	// The stack of somebody in a module, with the standard library in a folder.
	stack := func(module, folder string) string {
		return "goroutine 7 gp=0xc0 m=nil [sync.WaitGroup.Wait (durable), 3 minutes, synctest bubble 1]:\n" +
			"runtime.gopark(0x1?)\n\t" + folder + "runtime/proc.go:435 +0xce\n" +
			"sync.(*WaitGroup).Wait(0xc1)\n\t" + folder + "sync/waitgroup.go:206 +0x85\n" +
			"net/http.(*Server).Serve(0xc1, {0x1, 0x2})\n\t" + folder + "net/http/server.go:10\n" +
			"github.com/grove-go/grove/cancel.(*Scope).Run(0xc1)\n\t/w/cancel/run.go:1 +0x2\n" +
			module + ".(*pool).drain(0xc2, {0x3?, 0x4?})\n\t/w/p/pool.go:12 +0x1\n" +
			module + ".outer(...)\n\t/w/p/pool.go:99\n" +
			"runtime.goexit({})\n\t" + folder + "runtime/asm_amd64.s:1693 +0x1\n" +
			"created by " + module + ".start in goroutine 6\n\t/w/p/pool.go:1 +0x3\n"
	}
	for name, c := range map[string]struct{ module, folder, std, want string }{
		"a domain":             {"example.com/x/p", "/go/src/", "/go/src/", "p.(*pool).drain|pool.go:12|p.start in goroutine 6"},
		"no domain":            {"x/p", "/go/src/", "/go/src/", "p.(*pool).drain|pool.go:12|p.start in goroutine 6"},
		"no path":              {"p", "/go/src/", "/go/src/", "p.(*pool).drain|pool.go:12|p.start in goroutine 6"},
		"a program":            {"main", "/go/src/", "/go/src/", "main.(*pool).drain|pool.go:12|main.start in goroutine 6"},
		"below this module":    {"github.com/grove-go/grove/examples/p", "/go/src/", "/go/src/", "p.(*pool).drain|pool.go:12|p.start in goroutine 6"},
		"trimmed paths":        {"example.com/x/p", "", "", "p.(*pool).drain|pool.go:12|p.start in goroutine 6"},
		"trimmed, a program":   {"main", "", "", "main.(*pool).drain|pool.go:12|main.start in goroutine 6"},
		"trimmed, no domain":   {"x/p", "", "", "p.outer|pool.go:99|p.start in goroutine 6"},
		"nobody but this one":  {"github.com/grove-go/grove/nursery", "/go/src/", "/go/src/", "nursery.outer|pool.go:99|nursery.start in goroutine 6"},
		"tests of this module": {"github.com/grove-go/grove/nursery_test", "/go/src/", "/go/src/", "nursery_test.(*pool).drain|pool.go:12|nursery_test.start in goroutine 6"},
	} {
		t.Run("T1/the first of the user's functions/"+name, func(t *testing.T) {
			if got, want := testutil.Row(stack(c.module, c.folder), c.std), "7|sync.WaitGroup.Wait|"+c.want; got != want {
				t.Errorf("the row is\n%s, want\n%s", got, want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	for header, want := range map[string]string{
		"goroutine 7 [chan receive (durable), synctest bubble 12]:":                             "12",
		"goroutine 7 [select (durable), 3 minutes, locked to thread, synctest bubble 12]:":      "12",
		"goroutine 7 gp=0xc1 m=3 mp=0xc2 [running, synctest bubble 12]:":                        "12",
		`goroutine 7 [running, synctest bubble 12 labels:{"a": "synctest bubble 3]"}]:`:         "12",
		`goroutine 7 [running, synctest bubble 12] {a: ", synctest bubble 3]"}:`:                "12",
		`goroutine 7 [running] {a: ", synctest bubble 3]"}:`:                                    "",
		`goroutine 7 [running labels:{"a": ", synctest bubble 3]"}]:`:                           "",
		"goroutine 7 [running]:\nmain.main()\ngoroutine 8 [running, synctest bubble 12]:\n\t/x": "",
	} {
		t.Run("T1/the bubble of/"+header, func(t *testing.T) {
			if got := testutil.BubbleOf(header + "\nmain.main()\n"); got != want {
				t.Errorf("the bubble is %q, want %q", got, want)
			}
		})
	}
	t.Run("T1/only those that are leaked are taken from the profile", func(t *testing.T) {
		got := testutil.LeakedOnly("goroutine 1 [running]:\nmain.main()\n\n" +
			"goroutine 2000001 [chan receive (leaked)]:\nmain.a()\n\n" +
			"goroutine 3 [chan receive]:\nmain.b()\n\n" +
			"goroutine 2000004 [select (leaked)]:\nmain.c()\n")
		want := "goroutine 2000001 [chan receive (leaked)]:\nmain.a()\n\ngoroutine 2000004 [select (leaked)]:\nmain.c()\n\n"
		if got != want {
			t.Errorf("taken from the profile is\n%s, want\n%s", got, want)
		}
	})
}
