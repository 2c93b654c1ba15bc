package nursery_test

import (
	"context"
	"iter"
	"maps"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// labelsNow returns the labels of the calling goroutine, as in a profile.
func labelsNow(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		t.Error(err)
	}
	for entry := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(entry, "nursery_test.labelsNow+") {
			_, labels, _ := strings.Cut(entry, "# labels: {")
			labels, _, _ = strings.Cut(labels, "}\n")
			return labels
		}
	}
	t.Error("the profile lacks the goroutine")
	return ""
}

// labelsOf returns the labels of the goroutines that have called hold.
func labelsOf(t *testing.T) []string {
	t.Helper()
	var b strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		t.Error(err)
	}
	labels := make(map[string]bool)
	for entry := range strings.SplitSeq(b.String(), "\n\n") {
		if !strings.Contains(entry, "nursery_test.hold+") {
			continue
		}
		label := regexp.MustCompile(`"grove":"([^"]*)"`).FindStringSubmatch(entry)
		if label == nil {
			label = []string{"", "no label"}
		}
		labels[label[1]] = true
	}
	return slices.Sorted(maps.Keys(labels))
}

// hold waits until ctx is done.
func hold(ctx context.Context) { <-ctx.Done() }

func TestTreeLabels(t *testing.T) {
	task := func(ctx context.Context) error { hold(ctx); return nil }
	item := func(ctx context.Context, _ int) error { hold(ctx); return nil }
	result := func(ctx context.Context, _ int) (int, error) { hold(ctx); return 0, nil }
	value := func(ctx context.Context) (int, error) { hold(ctx); return 0, nil }
	x := nursery.Name("x")
	in := func(start func(n *nursery.Nursery), opts ...nursery.Option) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { start(n); return nil }, append(opts, nursery.Name("n"))...)
		}
	}
	for name, c := range map[string]struct {
		run  func(ctx context.Context) error
		want string
	}{
		"a body": {func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error { return task(ctx) }, x)
		}, "x"},
		"Go":                       {in(func(n *nursery.Nursery) { n.Go(task) }), "n"},
		"Go with a name":           {in(func(n *nursery.Nursery) { n.Go(task, x) }), "n/x"},
		"a daemon":                 {in(func(n *nursery.Nursery) { n.Go(task, x, nursery.Daemon()); n.Go(task) }), "n n/x"},
		"Spawn":                    {in(func(n *nursery.Nursery) { nursery.Spawn(n, value); nursery.Spawn(n, value, x) }), "n n/x"},
		"Limit":                    {in(func(n *nursery.Nursery) { n.Go(task); n.Go(task, x) }, nursery.Limit(2)), "n n/x"},
		"Limit, one after another": {in(func(n *nursery.Nursery) { n.Go(func(context.Context) error { return nil }, x); n.Go(task) }, nursery.Limit(1)), "n"},
		"LimitBy":                  {in(func(n *nursery.Nursery) { n.Go(task); n.Go(task, x) }, nursery.LimitBy(nursery.NewLimiter(2))), "n n/x"},
		"Shared": {in(func(n *nursery.Nursery) {
			s := nursery.NewShared(n, func(ctx context.Context, _ int) (int, error) { hold(ctx); return 0, nil })
			n.Go(func(ctx context.Context) error { _, err := s.Do(ctx, 1); return err }, x)
		}), "n"},
		"a task from elsewhere": {func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				return nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { n.Go(task); return nil }, x)
			})
		}, "no label"},
		"Start": {func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				return nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error {
					started := func(ctx context.Context, started func(int)) error { started(1); hold(ctx); return nil }
					_, err := nursery.Start(ctx, n, started, nursery.Name("server"))
					return err
				}, x)
			}, nursery.Name("n"))
		}, "n/server"},
		"nurseries in tasks": {func(ctx context.Context) error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error { n.Go(task, nursery.Name("b")); return nil })
				}, nursery.Name("a"))
				n.Go(func(ctx context.Context) error { return in(func(n *nursery.Nursery) { n.Go(task) })(ctx) }, nursery.Name("c"))
				return nil
			}, x)
		}, "x/a/b x/c/n"},
		"For":  {func(ctx context.Context) error { return nursery.For(ctx, 3, item, x, nursery.Limit(3)) }, "x"},
		"Each": {func(ctx context.Context) error { return nursery.Each(ctx, ints(3), item, x, nursery.Limit(3)) }, "x"},
		"Stream": {func(ctx context.Context) error {
			drain(nursery.Stream(ctx, ints(3), result, x, nursery.Limit(2)))
			return nil
		}, "x"},
		"the sequence of a stream": {func(ctx context.Context) error {
			var items iter.Seq[int] = func(func(int) bool) { hold(ctx) }
			drain(nursery.Stream(ctx, items, result, x))
			return nil
		}, "x"},
		"no names": {func(ctx context.Context) error { return nursery.For(ctx, 3, item, nursery.Limit(3)) }, "no label"},
	} {
		bubble(t, "N24/"+name, func(t *testing.T, ctx context.Context) {
			defer live.EnableLabels()()
			ctx, cancel := context.WithCancel(ctx)
			done := make(chan error)
			go func() { done <- c.run(ctx) }()
			testutil.WaitAllBlocked()
			if got := strings.Join(labelsOf(t), " "); got != c.want {
				t.Errorf("the labels are %q, want %q", got, c.want)
			}
			cancel()
			<-done
		})
	}
	bubble(t, "N24/other labels stay, and the labels of the caller come back", func(t *testing.T, ctx context.Context) {
		defer live.EnableLabels()()
		pprof.Do(ctx, pprof.Labels("user", "u"), func(ctx context.Context) {
			before := labelsNow(t)
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				if got := labelsNow(t); got != `"grove":"n", "user":"u"` {
					t.Errorf("in the body the labels are %s", got)
				}
				n.Go(func(ctx context.Context) error {
					if got := labelsNow(t); got != `"grove":"n/x", "user":"u"` {
						t.Errorf("in a task the labels are %s", got)
					}
					pprof.Do(ctx, pprof.Labels("more", "m"), func(context.Context) {
						if got := labelsNow(t); got != `"grove":"n/x", "more":"m", "user":"u"` {
							t.Errorf("in pprof.Do the labels are %s", got)
						}
					})
					return nil
				}, nursery.Name("x"))
				return nil
			}, nursery.Name("n"))
			if err != nil {
				t.Error(err)
			}
			if after := labelsNow(t); after != before || after != `"user":"u"` {
				t.Errorf("before Run the labels are %s, and after it %s", before, after)
			}
			kit.MustPanic(t, "p", func() {
				_ = nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { panic("p") }, nursery.Name("n"))
			})
			if after := labelsNow(t); after != before {
				t.Errorf("after a panic the labels are %s, want %s", after, before)
			}
		})
	})
	bubble(t, "N24/labels are off", func(t *testing.T, ctx context.Context) {
		wantNoError(t, nursery.Run(ctx, func(context.Context, *nursery.Nursery) error {
			if got := labelsNow(t); got != "" {
				t.Errorf("the labels are %s", got)
			}
			return nil
		}, nursery.Name("n")))
	})
}
