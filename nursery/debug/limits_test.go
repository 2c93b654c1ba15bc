package debug_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/testutil"
)

// TestDeep nests nurseries deeper than decoders of JSON go.
func TestDeep(t *testing.T) {
	const depth = 4000
	kit.Bubble(t, "D4/nurseries that are very deep", func(t *testing.T, ctx context.Context) {
		var nest func(ctx context.Context, depth int) error
		nest = func(ctx context.Context, depth int) error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				if depth > 1 {
					n.Go(func(ctx context.Context) error { return nest(ctx, depth-1) })
				} else {
					n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) }, nursery.Name("innermost"))
				}
				return nil
			})
		}
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return nest(ctx, depth-1) })
			testutil.WaitAllBlocked()
			for _, opts := range [][]debug.TakeOption{nil, {debug.Unfolded()}} {
				s := debug.Take(append(opts, debug.Under(ctx))...)
				if s.Counts.Nurseries != depth {
					t.Errorf("%d nurseries, want %d", s.Counts.Nurseries, depth)
				}
				data, err := json.Marshal(s)
				if err != nil {
					t.Fatal(err)
				}
				again := new(debug.Snapshot)
				if err := json.Unmarshal(data, again); err != nil {
					t.Fatal(err)
				}
				shown, cut := 0, 0
				for list := again.Roots; len(list) > 0; {
					n := list[0]
					shown, cut = shown+1, n.Tasks[0].Deeper
					list = n.Tasks[0].Nurseries
				}
				if shown != 1000 || cut != depth-1000 {
					t.Errorf("%d nurseries in each other, and %d deeper, want 1000 and %d", shown, cut, depth-1000)
				}
				for levels, opts := range map[int][]debug.TextOption{64: nil, 5: {debug.Depth(5)}, 1000: {debug.Depth(2000)}} {
					var b strings.Builder
					if err := again.WriteText(&b, opts...); err != nil {
						t.Error(err)
					}
					if got := strings.Count(b.String(), "─ nursery"); got != levels-1 {
						t.Errorf("the text goes %d deep, want %d", got+1, levels)
					}
					if want := fmt.Sprintf("└─ and %d nurseries below\n", depth-levels); !strings.Contains(b.String(), want) {
						t.Errorf("the text has no %q", want)
					}
				}
			}
			n.Cancel(nil)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestManyFailures(t *testing.T) {
	kit.Bubble(t, "D4/failures", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range 30 {
				n.Go(func(ctx context.Context) error {
					return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
						for range 20 {
							n.Go(func(context.Context) error { return io.EOF })
						}
						n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Second) })
						return nil
					}, nursery.KeepGoing())
				})
			}
			testutil.WaitAllBlocked()
			shown, counted := 0, 0
			for _, task := range debug.Take(debug.Under(ctx)).Roots[0].Tasks {
				inner := task.Nurseries[0]
				shown += len(inner.Failures)
				counted += inner.Stats.Failed
			}
			if shown != 200 || counted != 600 {
				t.Errorf("%d failures are shown of %d, want 200 of 600", shown, counted)
			}
			return nil
		}, nursery.KeepGoing())
		if err == nil {
			t.Error("Run() = nil, want the failures")
		}
	})
}

func TestWidth(t *testing.T) {
	kit.Bubble(t, "lines are cut off", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(context.Context, *nursery.Nursery) error {
			for width := 1; width < 40; width++ {
				var b strings.Builder
				if err := debug.Take().WriteText(&b, debug.Width(width)); err != nil {
					t.Error(err)
				}
				for line := range strings.Lines(b.String()) {
					if n := len([]rune(line)) - 1; n > width || n < width && strings.Contains(line, "…") {
						t.Errorf("a line has %d characters, want at most %d: %q", n, width, line)
					}
				}
			}
			return nil
		}, nursery.Name(strings.Repeat("ü", 100)))
		if err != nil {
			t.Error(err)
		}
	})
	fail := errors.New("full")
	r, w := io.Pipe()
	if err := r.CloseWithError(fail); err != nil {
		t.Fatal(err)
	}
	if err := debug.Take().WriteText(w, debug.Width(7)); !errors.Is(err, fail) {
		t.Errorf("WriteText() = %v, want the error of the writer", err)
	}
}

func TestNotBegun(t *testing.T) {
	kit.Bubble(t, "D9/named tasks that wait for their turn are shown", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			hold := func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) }
			for _, name := range []string{"first", "second", "second", "third"} {
				n.Go(hold, nursery.Name(name))
				time.Sleep(time.Second)
			}
			n.Go(hold)
			n.Go(hold, nursery.Name("daemon"), nursery.Daemon())
			testutil.WaitAllBlocked()
			s := debug.Take(debug.Under(ctx))
			var got []string
			for _, m := range regexp.MustCompile(`(?m)^.─ (.+)$`).FindAllStringSubmatch(text(t, s), -1) {
				got = append(got, regexp.MustCompile(`  ([gt])[0-9a-f]+|  limits_test.*`).ReplaceAllString(m[1], " $1"))
			}
			want := []string{"body g  4s  running ", "first g  4s  time to pass (cancel.Sleep) ", "second ×2 t  3s  its turn", "third t  1s  its turn", "daemon g  daemon  time to pass (cancel.Sleep) "}
			if !slices.Equal(got, want) {
				t.Errorf("the lines are\n%q\nwant\n%q", got, want)
			}
			if s.Counts.Queued != 4 || s.Counts.Tasks != 2 || s.Counts.NotBegun != 0 {
				t.Errorf("%+v, want 4 queued and 2 tasks", s.Counts)
			}
			n.Cancel(nil)
			return nil
		}, nursery.Limit(1))
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("D9/goroutines that have not run are counted apart", func(t *testing.T) {
		defer debug.Enable()()
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		noop := func(context.Context) error { return nil }
		seen := false
		for range 1000 { // a goroutine may be preempted at any time
			err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				n.Go(noop)
				n.Go(noop, nursery.Name("new"))
				before := debug.Take().Counts.Outside
				s := debug.Take()
				var names []string
				for _, task := range s.Roots[0].Tasks {
					names = append(names, task.Name+" waits for "+task.WaitsFor)
				}
				seen = s.Counts.NotBegun == 2 && s.Counts.Tasks == 0 && strings.Join(names, ", ") == "new waits for to begin" && s.Counts.Outside == before
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if seen {
				return
			}
		}
		t.Error("2 tasks that have not begun were never shown as such")
	})
	t.Run("D9/they are counted in a dump", func(t *testing.T) {
		var dump strings.Builder
		for i, function := range []string{"nursery.(*Nursery).Go.gowrap1", "nursery.(*crew[...]).callLocked.gowrap1", "nursery/errgroup.(*Group).start.gowrap4"} {
			fmt.Fprintf(&dump, "goroutine %d [runnable]:\ngithub.com/grove-go/grove/%s()\n\t/src/grove/x.go:30\n"+
				"created by main.main in goroutine 1\n\t/src/app/main.go:3 +0xe7\n\n", 7+i, function)
		}
		dump.WriteString("goroutine 17 [runnable]:\nmain.main.gowrap1()\n\t/src/app/main.go:30\n")
		s, err := debug.Parse(strings.NewReader(dump.String()))
		if err != nil {
			t.Fatal(err)
		}
		if s.Counts.NotBegun != 3 || s.Counts.Outside != 1 || len(s.Others) != 1 {
			t.Errorf("%+v, want 3 that have not begun and 1 outside", s.Counts)
		}
		if got := text(t, s); !strings.Contains(got, " · 0 tasks · 3 not begun · ") {
			t.Errorf("the text is\n%s", got)
		}
	})
}
