package fromerrgroup_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oklog/run"
	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"
	"gopkg.in/tomb.v2"

	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A site has pages with links.
type site map[string][]string

var tree = site{"/": {"/a", "/b"}, "/a": {"/c"}, "/b": {"/c", "/d"}, "/c": {}, "/d": {}}

// A set has the pages that were visited.
type set struct {
	mu   sync.Mutex
	seen map[string]bool
}

// add reports whether the url is new.
func (s *set) add(url string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[url] {
		return false
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[url] = true
	return true
}

func crawlErrgroup(ctx context.Context, s site, limit int) ([]string, error) {
	var seen set
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(limit)
	var crawl func(url string)
	crawl = func(url string) {
		if !seen.add(url) {
			return
		}
		g.Go(func() error {
			for _, link := range s[url] {
				crawl(link)
			}
			return ctx.Err()
		})
	}
	crawl("/")
	err := g.Wait()
	return slices.Sorted(maps.Keys(seen.seen)), err
}

func crawlGrove(ctx context.Context, s site, limit int) ([]string, error) {
	var seen set
	err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		var crawl func(url string)
		crawl = func(url string) {
			if !seen.add(url) {
				return
			}
			n.Go(func(ctx context.Context) error {
				for _, link := range s[url] {
					crawl(link)
				}
				return ctx.Err()
			})
		}
		crawl("/")
		return nil
	}, nursery.Limit(limit))
	return slices.Sorted(maps.Keys(seen.seen)), err
}

func Example_crawl() {
	fmt.Println(crawlGrove(context.Background(), tree, 1))
	// Output: [/ /a /b /c /d] <nil>
}

// At the limit, a task that calls Go waits for a task to end, perhaps for itself.
func TestTaskStartsTaskAtLimit(t *testing.T) {
	t.Run("errgroup", func(t *testing.T) {
		testutil.WantBlock(t, func(_ *testing.T, ctx context.Context) {
			_, _ = crawlErrgroup(ctx, tree, 1) // does not return
		})
	})
	t.Run("conc", func(t *testing.T) {
		testutil.WantBlock(t, func(*testing.T, context.Context) {
			p := pool.New().WithMaxGoroutines(1)
			var gate sync.WaitGroup
			gate.Add(1)
			p.Go(func() {
				defer gate.Done()
				p.Go(func() {}) // does not return
			})
			gate.Wait()
			p.Wait()
		})
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		urls, err := crawlGrove(ctx, tree, 1)
		if len(urls) != len(tree) || err != nil {
			t.Errorf("%v, %v", urls, err)
		}
	})
}

// A pool that a caller waits for takes no tasks, not even from its own tasks.
func TestTaskStartsTaskDuringWait(t *testing.T) {
	t.Run("conc", func(t *testing.T) {
		_, errs := program.Start(t, "conc during Wait").Wait(2)
		mustContain(t, errs, "panic: send on closed channel")
	})
	inBubble(t, "errgroup", func(t *testing.T, _ context.Context, _ func() time.Duration) {
		var g errgroup.Group
		g.Go(func() error {
			testutil.WaitAllBlocked() // in Wait
			g.Go(func() error { return errFull })
			return nil
		})
		mustBe(t, g.Wait(), errFull)
	})
	inBubble(t, "tomb", func(t *testing.T, _ context.Context, _ func() time.Duration) {
		var tb tomb.Tomb
		tb.Go(func() error {
			testutil.WaitAllBlocked()
			tb.Go(func() error { return errFull })
			return nil
		})
		mustBe(t, tb.Wait(), errFull)
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error {
				testutil.WaitAllBlocked()
				n.Go(fails(errFull))
				return nil
			})
			return nil
		})
		mustBe(t, err, errFull)
	})
}

// concDuringWait is a process because it has a data race, besides a panic.
func concDuringWait() {
	runTests(func(t *testing.T) {
		testutil.Bubble(t, func(*testing.T, context.Context) {
			p := pool.New()
			p.Go(func() {
				testutil.WaitAllBlocked() // in Wait
				p.Go(func() {})
			})
			p.Wait()
		})
	})
}

// An actor that is added while the others run does not run, but it is interrupted.
func TestActorAddsActor(t *testing.T) {
	inBubble(t, "run", func(t *testing.T, _ context.Context, _ func() time.Duration) {
		interrupted := false
		var g run.Group
		g.Add(func() error {
			g.Add(func() error { t.Error("it runs"); return nil }, func(error) { interrupted = true })
			return errFull
		}, func(error) {})
		mustBe(t, g.Run(), errFull)
		if !interrupted {
			t.Error("it is not interrupted")
		}
	})
}

// A task that is started after Wait runs on its own, and its error is lost.
func TestGoAfterWait(t *testing.T) {
	inBubble(t, "errgroup", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		ran := make(chan error, 1)
		g, ctx := errgroup.WithContext(ctx)
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		g.Go(func() error {
			ran <- ctx.Err()
			return errFull
		})
		mustBe(t, <-ran, context.Canceled)
	})
	inBubble(t, "conc", func(t *testing.T, _ context.Context, _ func() time.Duration) {
		p := pool.New()
		p.Wait()
		if v := panicOf(func() { p.Go(func() {}) }); fmt.Sprint(v) != "send on closed channel" {
			t.Errorf("Go panics with %v", v)
		}
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		n := ended(t, ctx)
		v := panicOf(func() { n.Go(fails(nil)) })
		const want = `nursery: Nursery.Go: the nursery "pages" has ended: its Run returned when the body and all tasks had; start tasks before that`
		if fmt.Sprint(v) != want {
			t.Errorf("Go panics with %v, want %v", v, want)
		}
		mustContainDoc(t, want)
	})
}
