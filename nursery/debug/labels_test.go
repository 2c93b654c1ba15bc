package debug_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/stacks"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/testutil"
)

// lines matches the numbers of lines in this file.
var lines = regexp.MustCompile(`labels_test\.go:\d+`)

// TestLabels has dumps show labels, which they do from Go 1.27 on.
func TestLabels(t *testing.T) {
	t.Setenv("GODEBUG", "tracebacklabels=1")
	kit.Bubble(t, "D10/a dump of another program shows names", func(t *testing.T, ctx context.Context) {
		defer debug.Enable(debug.Labels())()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) }, nursery.Name(`a "quoted" name]}:`))
					n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) })
					return nil
				}, nursery.Name("inner"))
			}, nursery.Name("task"))
			testutil.WaitAllBlocked()
			dump, _ := stacks.Text()
			s, err := debug.Parse(strings.NewReader(dump))
			if err != nil {
				return err
			}
			got := lines.ReplaceAllString(text(t, s), "labels_test.go:L")
			for _, want := range []string{
				"└─ nursery  labels_test.go:L  {outer/task/inner}\n",
				`labels_test.go:L  {"outer/task/inner/a \"quoted\" name]}:"}` + "\n",
				"labels_test.go:L  {outer/task/inner}\n",
				"─ body  g", // which has the label of a goroutine that does something else
				"{outer}\n",
			} {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			if got := text(t, debug.Take()); strings.Contains(got, "{outer") {
				t.Errorf("the tree repeats names as labels:\n%s", got)
			}
			n.Cancel(nil)
			return nil
		}, nursery.Name("outer"))
		if err != nil {
			t.Error(err)
		}
	})
	kit.Bubble(t, "D10/a goroutine that outlives its task shows where it comes from", func(t *testing.T, ctx context.Context) {
		defer debug.Enable(debug.Labels())()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error {
				for range 2 {
					go func() {
						go time.Sleep(time.Minute)
						time.Sleep(time.Minute)
					}()
				}
				time.Sleep(time.Second)
				return nil
			}, nursery.Name("task"))
			time.Sleep(2 * time.Second)
			s := debug.Take()
			var got strings.Builder
			for _, w := range s.Warnings {
				fmt.Fprintln(&got, w.Code, w.Name, w.Text)
			}
			want := strings.Repeat("escaped outer/task 2 goroutines have outlived the code with a bare go statement that began it (sleep)\n", 2)
			if got.String() != want {
				t.Errorf("the warnings are\n%s\nwant\n%s", got.String(), want)
			}
			if text := text(t, s); strings.Count(text, "{outer/task}") != 2 {
				t.Errorf("the text is\n%s", text)
			}
			return nil
		}, nursery.Name("outer"))
		if err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
	})
}

func TestProfile(t *testing.T) {
	kit.Bubble(t, "D3/too many goroutines for a tree have a profile", func(t *testing.T, ctx context.Context) {
		defer debug.Enable(debug.Labels())()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range 7 {
				n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) }, nursery.Name("task"))
			}
			testutil.WaitAllBlocked()
			s := debug.Take(debug.MaxGoroutines(5))
			got := lines.ReplaceAllString(text(t, s), "labels_test.go:L")
			if want := "\n\nall goroutines:\n  7  time to pass (cancel.Sleep)  labels_test.go:L  {outer/task}\n"; !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
			total := 0
			for _, g := range s.Profile {
				total += g.Count
			}
			if total != s.Goroutines || s.MoreStacks != 0 {
				t.Errorf("%d goroutines, want %d", total, s.Goroutines)
			}
			if debug.Take(debug.NoStacks()).Profile != nil || debug.Take().Profile != nil {
				t.Error("there is a profile where there need not be one")
			}
			n.Cancel(nil)
			return nil
		}, nursery.Name("outer"))
		if err != nil {
			t.Error(err)
		}
	})
}
