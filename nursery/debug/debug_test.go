package debug_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/stacks"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/testutil"
)

// service runs a program with a task of each kind until ctx is canceled. It starts them at
// different times, because snapshots sort tasks by their age.
func service(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(heartbeat, nursery.Name("heartbeat"), nursery.Daemon())
		time.Sleep(time.Millisecond)
		n.Go(accept, nursery.Name("accept"))
		time.Sleep(time.Millisecond)
		n.Go(backup)
		return nil
	}, nursery.Name("service"))
}

func heartbeat(ctx context.Context) error { return cancel.Sleep(ctx, time.Hour) }

func accept(ctx context.Context) error {
	_, r := channel.New[int](0)
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		for range 36 {
			n.Go(func(ctx context.Context) error {
				_, err := r.Receive(ctx)
				return err
			})
		}
		time.Sleep(time.Millisecond)
		n.Go(func(ctx context.Context) error {
			return cancel.FailAfter(ctx, time.Minute, func(ctx context.Context) error {
				go linger(ctx)
				return cancel.Forever(ctx)
			}, cancel.Name("idle"))
		}, nursery.Name("conn 91,170"))
		time.Sleep(time.Millisecond)
		n.Go(func(ctx context.Context) error { return cancel.Forever(ctx) })
		n.Go(func(ctx context.Context) error { return cancel.Forever(ctx) })
		return nil
	}, nursery.Name("workers"), nursery.Limit(38))
}

func linger(ctx context.Context) { <-ctx.Done() }

func backup(ctx context.Context) error {
	var disk sync.Mutex
	disk.Lock()
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { time.Sleep(10 * time.Second); return nil }, nursery.Name("write"))
		time.Sleep(time.Millisecond)
		n.Go(func(ctx context.Context) error {
			return cancel.Shield(ctx, 20*time.Second, func(ctx context.Context) error { return cancel.Sleep(ctx, 10*time.Second) })
		}, nursery.Name("commit"))
		n.Go(func(ctx context.Context) error {
			return errors.Join(cancel.Sleep(ctx, 3*time.Second), errors.New("disk full"))
		}, nursery.Name("replica-0"))
		return nil
	}, nursery.Name("backup"))
}

// normal replaces what differs from run to run: numbers of goroutines, addresses, and the
// head.
func normal(text string) string {
	text = regexp.MustCompile(`(?s)^.*?\n\n`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`\bg[0-9]+\b`).ReplaceAllString(text, "gN")
	text = regexp.MustCompile(`\bgoroutine [0-9]+\b`).ReplaceAllString(text, "goroutine N")
	text = regexp.MustCompile(`\bn[0-9a-f]{6,}\b`).ReplaceAllString(text, "nX")
	text = regexp.MustCompile(`\bo[0-9a-f]{6,}\b`).ReplaceAllString(text, "oX")
	text, _, _ = strings.Cut(text, "\ngoroutines that work for no nursery:")
	return regexp.MustCompile(`debug_test\.go:[0-9]+`).ReplaceAllString(text, "debug_test.go:L")
}

// text returns a snapshot as text.
func text(t *testing.T, s *debug.Snapshot) string {
	t.Helper()
	var b strings.Builder
	if err := s.WriteText(&b); err != nil {
		t.Error(err)
	}
	return b.String()
}

// during runs the service in a bubble and calls look after 8 seconds.
func during(t *testing.T, look func(t *testing.T)) {
	t.Helper()
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		defer debug.Enable()()
		s := cancel.New(ctx)
		done := make(chan error)
		go func() { done <- service(s) }()
		time.Sleep(8 * time.Second)
		look(t)
		s.Cancel(nil)
		if err := <-done; err == nil {
			t.Error("the service returned nil, want the failure of the backup")
		}
	})
}

const tree = `WARN unresponsive gN write: canceled 5s ago (a task in scope "backup" failed: task "replica-0": disk full), and has not returned: sleep  debug_test.go:L
WARN failing      nX backup: 1 failure, canceled 5s ago, and 2 tasks have not returned  debug_test.go:L
WARN escaped      gN a worker: began goroutine N with a bare go statement (chan receive)  debug_test.go:L

service  debug_test.go:L  open 8s  3 running, 0 done  waits for tasks
├─ heartbeat  gN  8s  daemon  time to pass (cancel.Sleep)  debug_test.go:L
├─ accept  gN  8s  its nursery
│  └─ workers  debug_test.go:L  open 8s  limit 38  38 running, 1 queued, 0 done  waits for tasks
│     ├─ debug_test.accept.func1.1 ×36  gN  8s  a value (Receiver.Receive) on oX  debug_test.go:L
│     ├─ conn 91,170  gN  8s  a cancellation (cancel.Forever)  debug_test.go:L  [deadline in 52s]
│     │  └─ + goroutine N  chan receive  debug_test.go:L  BARE GO by this worker debug_test.go:L
│     └─ debug_test.accept.func1.3  gN  8s  a cancellation (cancel.Forever)  debug_test.go:L
└─ debug_test.backup  gN  8s  its nursery
   └─ backup  debug_test.go:L  open 8s  2 running, 1 done, 1 FAILED  waits for tasks  CANCELED 5s ago (a task in scope "backup" failed: task "replica-0": disk full)
      ├─ write  gN  8s  sleep  debug_test.go:L
      └─ commit  gN  8s  time to pass (cancel.Sleep)  debug_test.go:L  [deadline in 12s · shielded]

next deadlines:
  in 12s  commit
  in 52s  idle
`

func TestTree(t *testing.T) {
	t.Run("D5/the tree, with exact times", func(t *testing.T) {
		during(t, func(t *testing.T) {
			if got := normal(text(t, debug.Take())); got != tree {
				t.Errorf("the tree is\n%s\nwant\n%s", got, tree)
			}
		})
	})
	t.Run("D2/the tree of a dump, without names", func(t *testing.T) {
		during(t, func(t *testing.T) {
			dump, _ := stacks.Text()
			s, err := debug.Parse(strings.NewReader(dump))
			if err != nil {
				t.Fatal(err)
			}
			live := debug.Take()
			if s.Counts.Tasks != live.Counts.Tasks || s.Counts.Nurseries != live.Counts.Nurseries || s.Counts.Escaped != 1 {
				t.Errorf("counted %+v, want %+v", s.Counts, live.Counts)
			}
			got := normal(text(t, s))
			for _, want := range []string{
				"\nnursery  debug_test.go:L\n",
				"─ debug_test.heartbeat  gN  time to pass (cancel.Sleep)  debug_test.go:L\n",
				// Without ages the order is that of the goroutines' numbers, which need not be the order of their start.
				"─ debug_test.accept  gN  its nursery\n",
				"─ debug_test.accept.func1.1 ×36  gN  a value (Receiver.Receive)  ",
				"─ debug_test.backup  gN  its nursery\n",
				"WARN escaped",
			} {
				if !strings.Contains("\n"+got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
		})
	})
	t.Run("D3/without stacks the registry tells", func(t *testing.T) {
		during(t, func(t *testing.T) {
			for _, o := range []debug.TakeOption{debug.NoStacks(), debug.MaxGoroutines(10)} {
				s := debug.Take(o)
				if s.Stacks == "all" || s.Stopped != 0 || len(s.Roots) != 3 || s.Counts.Queued != 1 || s.Counts.Canceled != 1 {
					t.Errorf("stacks %q, stopped for %v, %d nurseries, %+v", s.Stacks, s.Stopped, len(s.Roots), s.Counts)
				}
				if s.Counts.Tasks != 43 || !strings.Contains(text(t, s), "─ conn 91,170  t") {
					t.Errorf("%d tasks, want 43, with conn among them:\n%s", s.Counts.Tasks, text(t, s))
				}
				if got := text(t, s); !strings.Contains(got, "workers  open 8s  limit 38  38 running, 1 queued, 0 done") || !strings.Contains(got, "CANCELED 5s ago") {
					t.Errorf("the nurseries are\n%s", got)
				}
			}
		})
	})
	t.Run("D5/times of another bubble are left out", func(t *testing.T) {
		defer debug.Enable()()
		first, last := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { close(first); <-last; return nil }, nursery.Name("inside"))
					return nil
				}, nursery.Name("bubbled"))
				if err != nil {
					t.Error(err)
				}
			})
		})
		<-first
		s := debug.Take()
		close(last)
		wg.Wait()
		i := slices.IndexFunc(s.Roots, func(n *debug.Nursery) bool { return n.Name == "bubbled" })
		if i < 0 || len(s.Roots[i].Tasks) != 1 {
			t.Fatalf("the nursery and its task are missing:\n%s", text(t, s))
		}
		n := s.Roots[i]
		if n.Opened != nil || n.Age != 0 || n.Tasks[0].Age != 0 || n.Tasks[0].Name != "inside" {
			t.Errorf("the nursery was opened at %v, %v ago, and its task is %+v", n.Opened, n.Age, n.Tasks[0])
		}
	})
	t.Run("D8/names and reasons are escaped", func(t *testing.T) {
		const evil = "a\x1b[2J\u202eb\nc\"d\u0085"
		const control = "\x9b31m" // for a terminal that does not know UTF-8
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			defer debug.Enable()()
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Hour) }, nursery.Name(evil))
				n.Go(func(ctx context.Context) error {
					return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						n.Cancel(errors.New(control))
						return cancel.Shield(ctx, time.Minute, func(ctx context.Context) error { return cancel.Sleep(ctx, time.Second) })
					}, nursery.Name(control))
				}, nursery.Name(control))
				synctest.Wait()
				n.Cancel(errors.New(evil))
				got := text(t, debug.Take())
				if n := strings.Count(got, `\x9b31m`); n < 3 {
					t.Errorf("a control is escaped %d times, want 3:\n%q", n, got)
				}
				if strings.ContainsAny(got, "\x1b\u202e\u0085") || !utf8.ValidString(got) || strings.Count(got, `\x1b[2J\u202e`) < 3 {
					t.Errorf("the text is %q", got)
				}
				return nil
			}, nursery.Name(evil))
			if err != nil {
				t.Error(err)
			}
		})
	})
}

func TestOptions(t *testing.T) {
	for want, fn := range map[string]func(){
		"debug: Take: nil option":                                       func() { debug.Take(nil) },
		"debug: MaxGoroutines: n must not be negative, got -1":          func() { debug.MaxGoroutines(-1) },
		"debug: Enable: nil option":                                     func() { debug.Enable(nil) },
		"debug: Under: nil context":                                     func() { debug.Under(nil) }, //lint:ignore SA1012 must panic
		"debug: Under: the context has no scope":                        func() { debug.Under(context.Background()) },
		"debug: Width: n must be positive, got 0":                       func() { debug.Width(0) },
		"debug: Depth: n must be positive, got -1":                      func() { debug.Depth(-1) },
		"debug: Snapshot.WriteText: nil option":                         func() { _ = debug.Take().WriteText(io.Discard, nil) },
		"debug: WithThresholds: thresholds must not be negative, got {": func() { debug.WithThresholds(debug.Thresholds{Swollen: -1}) },
		"debug: Watch: nil context":                                     func() { _ = debug.Watch(nil, slog.Default(), 1) }, //lint:ignore SA1012 must panic
		"debug: Watch: nil logger":                                      func() { _ = debug.Watch(t.Context(), nil, 1) },
		"debug: Watch: every must be positive, got 0s":                  func() { _ = debug.Watch(t.Context(), slog.Default(), 0) },
	} {
		kit.MustPanic(t, want, fn)
	}
	failing := errors.New("no more")
	if _, err := debug.Parse(iotest.ErrReader(failing)); !errors.Is(err, failing) {
		t.Errorf("Parse() = %v, want the error of reading", err)
	}
	if s, err := debug.Parse(strings.NewReader("nothing\n")); err != nil || s.Goroutines != 0 || text(t, s) == "" {
		t.Errorf("Parse() of nothing = %+v, %v", s, err)
	}
}

func TestUnder(t *testing.T) {
	kit.Bubble(t, "a snapshot of what is below a scope", func(t *testing.T, ctx context.Context) {
		deaf := func(context.Context) error { time.Sleep(time.Minute); return nil }
		var scopes sync.Map // of contexts, by name
		// request has a nursery in a nursery. The inner one was canceled, and its task has a deadline
		// and a goroutine.
		request := func(ctx context.Context, name string) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				scopes.Store(name, ctx)
				n.Go(deaf)
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					scopes.Store("in "+name, ctx)
					n.Go(func(ctx context.Context) error {
						return cancel.FailAfter(context.WithoutCancel(ctx), time.Hour, func(ctx context.Context) error {
							go func() { _ = deaf(ctx) }()
							return deaf(ctx)
						}, cancel.Name("hour"))
					})
					time.Sleep(time.Second)
					n.Cancel(nil)
					return nil
				}, nursery.Name("in "+name))
			}, nursery.Name(name))
		}
		err := nursery.Run(ctx, func(ctx context.Context, server *nursery.Nursery) error {
			scopes.Store("server", ctx)
			for _, name := range []string{"a", "b"} {
				server.Go(func(ctx context.Context) error { return request(ctx, name) })
				time.Sleep(time.Millisecond)
			}
			server.Go(deaf)
			time.Sleep(5 * time.Second)
			for name, want := range map[string]string{
				"server": "[server] 5 nurseries, 7 tasks, 2 canceled, 2 escaped; 2 deadlines, 2 warnings",
				"b":      "[b] 2 nurseries, 2 tasks, 1 canceled, 1 escaped; 1 deadlines, 1 warnings",
				"in a":   "[in a] 1 nurseries, 1 tasks, 1 canceled, 1 escaped; 1 deadlines, 1 warnings",
			} {
				scope, _ := scopes.Load(name)
				s := debug.Take(debug.Under(ctx), debug.Under(scope.(context.Context)))
				var roots []string
				for _, n := range s.Roots {
					roots = append(roots, n.Name)
				}
				got := fmt.Sprintf("%v %d nurseries, %d tasks, %d canceled, %d escaped; %d deadlines, %d warnings", roots,
					s.Counts.Nurseries, s.Counts.Tasks, s.Counts.Canceled, s.Counts.Escaped, len(s.Deadlines), len(s.Warnings))
				if got != want || len(s.Others) > 0 {
					t.Errorf("under %s there are %s, and %d others; want %s:\n%s", name, got, len(s.Others), want, text(t, s))
				}
				if s := debug.Take(debug.NoStacks(), debug.Under(scope.(context.Context))); s.Counts.Canceled == 0 {
					t.Errorf("without stacks the counts are %+v", s.Counts)
				}
			}
			return nil
		}, nursery.Name("server"))
		if err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
	})
}

func TestHookInJoin(t *testing.T) {
	kit.Bubble(t, "a function of OnDone that blocks the end of a nursery is shown", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { time.Sleep(time.Minute); return nil }, nursery.Daemon())
			time.Sleep(time.Nanosecond)
			n.Scope().OnDone(func() { time.Sleep(time.Hour) })
			time.AfterFunc(2*time.Second, func() {
				got := text(t, debug.Take())
				if !regexp.MustCompile(`body  g\d+  2s  sleep  debug_test.go:\d+`).MatchString(got) {
					t.Errorf("the text does not show the function:\n%s", got)
				}
			})
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// A library in a vendor directory is another module, as in the module cache.
func TestVendored(t *testing.T) {
	const dump = "goroutine 7 [select]:\n" +
		"main.work()\n\t/src/app/main.go:17 +0x1\n" +
		"github.com/grove-go/grove/nursery.(*Nursery).plain(0xc000100180, 0xc00001)\n\t/src/app/vendor/github.com/grove-go/grove/nursery/go.go:95 +0x5e\n" +
		"created by github.com/grove-go/grove/nursery.(*Nursery).Go in goroutine 1\n\t/src/app/vendor/github.com/grove-go/grove/nursery/go.go:31 +0xa5\n\n" +
		"goroutine 8 [chan receive]:\n" +
		"example.com/lib.Pool.func1()\n\t/src/app/DIR/example.com/lib/lib.go:2 +0x1\n" +
		"created by example.com/lib.Pool in goroutine 7\n\t/src/app/DIR/example.com/lib/lib.go:2 +0x4f\n"
	for dir, want := range map[string]int{"vendor": 0, "own": 1} {
		s, err := debug.Parse(strings.NewReader(strings.ReplaceAll(dump, "DIR", dir)))
		if err != nil {
			t.Fatal(err)
		}
		if s.Counts.Tasks != 1 || len(s.Warnings) != want {
			t.Errorf("in directory %s: %d tasks, warnings %+v, want 1 task, %d warnings", dir, s.Counts.Tasks, s.Warnings, want)
		}
	}
}

func TestOtherBubble(t *testing.T) {
	defer debug.Enable()()
	one, two, canceled, last := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					return cancel.FailAfter(ctx, time.Minute, func(ctx context.Context) error { close(one); <-last; return nil })
				})
				n.Go(func(ctx context.Context) error {
					return cancel.Shield(ctx, time.Minute, func(ctx context.Context) error { close(two); <-last; return nil })
				})
				n.Go(func(ctx context.Context) error { <-ctx.Done(); close(canceled); return nil })
				<-one
				<-two
				return errors.New("failed")
			})
			if err == nil {
				t.Error("Run() = nil, want the failure")
			}
		})
	})
	<-canceled
	s := debug.Take()
	noStacks := debug.Take(debug.NoStacks())
	close(last)
	wg.Wait()
	for _, s := range []*debug.Snapshot{s, noStacks} {
		if len(s.Warnings) > 0 || len(s.Deadlines) > 0 || len(s.Roots) != 1 || s.Roots[0].Opened != nil {
			t.Errorf("the snapshot has times of another bubble:\n%s", text(t, s))
		}
	}
}

func TestTwoBubbles(t *testing.T) {
	defer debug.Enable()()
	opened, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	bubble := func(inside func(ctx context.Context)) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			err := cancel.FailAfter(ctx, time.Hour, func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { inside(ctx); return nil })
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() { bubble(func(context.Context) { close(opened); <-end }) })
	bubble(func(ctx context.Context) {
		time.Sleep(2 * time.Minute) // of this bubble
		<-opened
		s := debug.Take(debug.NoStacks())
		ages := make(map[time.Duration]int)
		for _, n := range s.Roots {
			ages[n.Age]++
		}
		if len(s.Roots) != 2 || ages[0] != 1 || ages[2*time.Minute] != 1 || len(s.Deadlines) > 1 {
			t.Errorf("D5/the ages are %v, with %d deadlines; want 2m and an unknown age", ages, len(s.Deadlines))
		}
	})
	close(end)
	wg.Wait()
}

// TestNoGoroutine counts the goroutines that the process begins. The runtime and other tests
// begin some now and then.
func TestNoGoroutine(t *testing.T) {
	defer debug.Enable()()
	begun := func() uint64 {
		s := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	for name, opts := range map[string][]debug.TakeOption{
		"all": nil, "the registry": {debug.NoStacks()}, "too many goroutines": {debug.MaxGoroutines(0)},
	} {
		least := uint64(math.MaxUint64)
		for range 100 {
			before := begun()
			debug.Take(opts...)
			least = min(least, begun()-before)
		}
		if least > 0 {
			t.Errorf("D3/%s: Take begins %d goroutines", name, least)
		}
	}
}

// A dump may be shown long after it was taken.
func TestTreeOfAnOldDump(t *testing.T) {
	defer debug.Enable()()
	err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
		begin := func(name string) (end func()) {
			var begun sync.WaitGroup
			begun.Add(100)
			release := make(chan struct{})
			for range 100 {
				n.Go(func(context.Context) error { begun.Done(); <-release; return nil }, nursery.Name(name))
			}
			begun.Wait()
			return func() {
				close(release)
				for n.Stats().Running > 0 {
					runtime.Gosched()
				}
			}
		}
		end := begin("first")
		d := stacks.All()
		end()
		runtime.GC()
		end = begin("second")
		got := stacks.Tree(d)
		end()
		if strings.Contains(got, "second") || !strings.Contains(got, "first ×") {
			t.Errorf("the tree of the first tasks is\n%s", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestNameOfTheDead lets tasks return while a snapshot is taken, after the dump, and others
// come into their memory. It sees to that in the first description of a nursery.
func TestNameOfTheDead(t *testing.T) {
	defer debug.Enable()()
	release, end := make(chan struct{}), make(chan struct{})
	describe := live.DescribeNursery
	defer func() { live.DescribeNursery = describe }()
	err := nursery.Run(t.Context(), func(ctx context.Context, first *nursery.Nursery) error {
		var begun sync.WaitGroup
		begun.Add(500)
		for range 500 {
			first.Go(func(context.Context) error { begun.Done(); <-release; return nil }, nursery.Name("first"))
		}
		begun.Wait()
		return nursery.Run(ctx, func(ctx context.Context, second *nursery.Nursery) error {
			reuse := sync.OnceFunc(func() {
				close(release)
				for first.Stats().Running > 0 {
					runtime.Gosched()
				}
				runtime.GC()
				for range 5000 {
					second.Go(func(context.Context) error { <-end; return nil }, nursery.Name("second"))
				}
			})
			live.DescribeNursery = func(self any) live.NurseryInfo { reuse(); return describe(self) }
			s := debug.Take()
			close(end)
			named := 0
			for _, task := range s.Roots[0].Tasks { // some may not have come to the receive
				if task.Name == "first" {
					named += max(1, task.Fold)
				}
			}
			if named != 500 {
				t.Errorf("the snapshot has\n%s", text(t, s))
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}
