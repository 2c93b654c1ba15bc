// Fidelity runs a tree with every kind of task and compares where each task is with where
// snapshots show it. It prints the number of observations. It ends with status 1 if a
// snapshot showed a task in another nursery, or not at all.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"iter"
	"maps"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
)

// A claim is the address of the scope of a task's nursery, by the task itself.
type claim struct {
	scope uintptr
	kind  string
}

var claims = struct {
	mu sync.Mutex
	by map[string]claim // by the number of the goroutine
}{by: make(map[string]claim)}

// claimed returns a copy of the claims.
func claimed() map[string]claim {
	claims.mu.Lock()
	defer claims.mu.Unlock()
	c := make(map[string]claim, len(claims.by))
	maps.Copy(c, claims.by)
	return c
}

// id returns the ID of the calling goroutine in a snapshot.
func id() string {
	var buf [64]byte
	head := buf[:runtime.Stack(buf[:], false)]
	number, _, _ := bytes.Cut(head[len("goroutine "):], []byte(" "))
	return "g" + string(number)
}

// work claims for a moment to be a task of the nursery with a scope.
func work(ctx context.Context, scope context.Context, kind string, d time.Duration) {
	me := id()
	claims.mu.Lock()
	before, nested := claims.by[me]
	claims.by[me] = claim{live.Addr(scope), kind}
	claims.mu.Unlock()
	_ = cancel.Sleep(ctx, d)
	claims.mu.Lock()
	defer claims.mu.Unlock()
	if nested {
		claims.by[me] = before
	} else {
		delete(claims.by, me)
	}
}

// tree runs a nursery with a task of each kind, and trees in some of them.
func tree(ctx context.Context, depth int, d time.Duration) error {
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { work(ctx, n.Scope(), "plain", d); return nil })
		n.Go(func(ctx context.Context) error { work(ctx, n.Scope(), "named", d); return nil }, nursery.Name("named"))
		n.Go(func(ctx context.Context) error { work(ctx, n.Scope(), "daemon", d); return nil }, nursery.Daemon())
		nursery.Spawn(n, func(ctx context.Context) (int, error) { work(ctx, n.Scope(), "spawned", d); return 0, nil })
		_, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error {
			started(1)
			work(ctx, n.Scope(), "started", d)
			return nil
		})
		if err != nil {
			return err
		}
		if depth > 0 {
			n.Go(func(ctx context.Context) error { return tree(ctx, depth-1, d) })
			n.Go(func(ctx context.Context) error { return helpers(ctx, d) }, nursery.Name("helpers"))
		}
		work(ctx, n.Scope(), "body", d)
		return nil
	}, nursery.Name(fmt.Sprint("tree ", depth)))
	return err
}

// helpers runs the helper functions. Their calls know the nursery by its scope.
func helpers(ctx context.Context, d time.Duration) error {
	call := func(kind string) func(ctx context.Context, _ int) error {
		return func(ctx context.Context, _ int) error { work(ctx, ctx, kind, d); return nil }
	}
	result := func(ctx context.Context, _ int) (int, error) { work(ctx, ctx, "stream", d); return 0, nil }
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		for range 6 {
			n.Go(func(ctx context.Context) error { work(ctx, ctx, "limited", d); return nil })
		}
		n.Go(func(ctx context.Context) error { return nursery.For(ctx, 6, call("for"), nursery.Limit(2)) })
		n.Go(func(ctx context.Context) error { return nursery.Each(ctx, ints(6), call("each"), nursery.Limit(2)) })
		n.Go(func(ctx context.Context) error {
			for _, err := range nursery.Stream(ctx, ints(6), result, nursery.Limit(2)) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		return nil
	}, nursery.Limit(6))
}

func ints(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// shown returns, for each goroutine, the ID of the scope of the innermost nursery that has
// it in the snapshot.
func shown(s *debug.Snapshot) map[string]string {
	scopes := make(map[string]string)
	var walk func(n *debug.Nursery)
	task := func(t *debug.Task, n *debug.Nursery) {
		if t == nil {
			return
		}
		scope := "unknown"
		if n.Scope != nil {
			scope = n.Scope.ID
		}
		for _, id := range append([]string{t.ID}, t.IDs...) {
			scopes[id] = scope
		}
		for _, n := range t.Nurseries {
			walk(n)
		}
	}
	walk = func(n *debug.Nursery) {
		for _, t := range n.Tasks {
			task(t, n)
		}
		task(n.Body, n)
	}
	for _, n := range s.Roots {
		walk(n)
	}
	return scopes
}

func main() {
	want := flag.Int("n", 10_000, "how many observations to make")
	flag.Parse()
	defer debug.Enable()()
	ctx := cancel.New(context.Background())
	defer ctx.Close()
	over := make(chan error)
	go func() {
		for ctx.Err() == nil {
			if err := tree(ctx, 3, 3*time.Millisecond); err != nil && ctx.Err() == nil {
				over <- err
				return
			}
		}
		over <- nil
	}()
	kinds := make(map[string]int)
	seen, wrong := 0, 0
	for seen < *want {
		before := claimed()
		s := debug.Take(debug.Unfolded())
		after := claimed()
		tree := shown(s)
		for id, c := range before {
			if after[id] != c {
				continue // it did not run all the time
			}
			seen++
			kinds[c.kind]++
			if got, want := tree[id], fmt.Sprintf("s%x", c.scope); got != want {
				wrong++
				fmt.Printf("%s (%s) is shown in scope %q, want %s\n", id, c.kind, got, want)
			}
		}
	}
	ctx.Cancel(nil)
	if err := <-over; err != nil {
		fmt.Println(err)
		wrong++
	}
	for kind := range strings.FieldsSeq("plain named daemon spawned started body limited for each stream") {
		if kinds[kind] == 0 {
			fmt.Println("never seen:", kind)
			wrong++
		}
	}
	fmt.Printf("%d observations, %d wrong\n", seen, wrong)
	if wrong > 0 {
		os.Exit(1)
	}
}
