//go:build !race

package nursery_test

import (
	"context"
	"iter"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

// TestLongLife repeats the same operations in a nursery that stays open.
func TestLongLife(t *testing.T) {
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		ctx.Done() // links contexts below it
		caller := cancel.New(ctx)
		defer caller.Close()
		for name, work := range map[string]func(){
			"Start": func() {
				task := func(_ context.Context, started func(int)) error { started(1); return nil }
				if _, err := nursery.Start(caller, n, task, nursery.Daemon()); err != nil {
					t.Error(err)
				}
			},
			"Start that fails": func() {
				if _, err := nursery.Start(caller, n, ending(noop)); err != nursery.ErrNotStarted {
					t.Error(err)
				}
			},
			"Spawn that is canceled": func() {
				task := nursery.Spawn(n, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }, nursery.Name("x"))
				task.Cancel(nil)
				<-task.Done()
			},
			"a nursery inside": func() {
				if err := nursery.Run(ctx, parkedAndCanceled, nursery.Name("x")); err != nil {
					t.Error(err)
				}
			},
			"a context derived in a task": func() {
				done := make(chan struct{})
				n.Go(func(ctx context.Context) error {
					defer close(done)
					ctx, stop := context.WithTimeout(ctx, time.Hour)
					defer stop()
					cancel.UntilStop(ctx).Done()
					return nil
				})
				<-done
			},
		} {
			const rounds = 10_000
			kit.WantNoGrowth(t, "N18: "+name, rounds*16, func() {
				for range rounds {
					work()
				}
			})
		}
		return nil
	})
	if err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// TestBurst checks that a burst of tasks leaves no large queue behind.
func TestBurst(t *testing.T) {
	const tasks = 200_000 // 3 MB in the queue
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		before := kit.Heap()
		release, through := make(chan struct{}), make(chan struct{})
		n.Go(func(context.Context) error { <-release; return nil })
		for range tasks {
			n.Go(noop)
		}
		n.Go(func(context.Context) error { close(through); return nil })
		if after := kit.Heap(); after < before+tasks*8 {
			t.Errorf("the heap grew from %d to %d bytes, too little to test anything", before, after)
		}
		close(release)
		<-through
		if after := kit.Heap(); after > before+tasks*8 {
			t.Errorf("N18: the heap grew from %d to %d bytes", before, after)
		}
		return nil
	}, nursery.Limit(1))
	if err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// parkedAndCanceled is a body that starts a task and cancels it.
func parkedAndCanceled(_ context.Context, n *nursery.Nursery) error {
	n.Go(cancel.Forever)
	n.Cancel(nil)
	return nil
}

// TestCollectable checks that finished tasks of an open nursery are collected.
func TestCollectable(t *testing.T) {
	type payload struct{ _ [1 << 10]byte }
	for name, opts := range map[string][]nursery.Option{"": nil, "limited": {nursery.Limit(3)}, "KeepGoing": {nursery.KeepGoing()}} {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			var captured []weak.Pointer[payload]
			var tasks []weak.Pointer[nursery.Task[*payload]]
			var scopes []weak.Pointer[cancel.Scope]
			for range 100 {
				p := new(payload)
				captured = append(captured, weak.Make(p))
				task := nursery.Spawn(n, func(ctx context.Context) (*payload, error) {
					ctx.Done()
					scopes = append(scopes, weak.Make(cancel.FromContext(ctx)))
					return p, nil
				})
				tasks = append(tasks, weak.Make(task))
				if _, err := task.Wait(ctx); err != nil {
					t.Error(err)
				}
				done := make(chan struct{})
				n.Go(func(context.Context) error { _ = *p; close(done); return nil }, nursery.Name("x"))
				<-done
			}
			// Finished tasks may take a moment to leave.
			for n.Stats().Running > 0 {
				runtime.Gosched()
			}
			runtime.GC()
			runtime.GC()
			alive := [3]int{}
			for i := range captured {
				for j, gone := range []bool{captured[i].Value() == nil, tasks[i].Value() == nil, scopes[i].Value() == nil} {
					if !gone {
						alive[j]++
					}
				}
			}
			// The last values may still be in a register or a dead stack slot.
			if alive[0] > 4 || alive[1] > 4 || alive[2] > 4 {
				t.Errorf("N18: %s: captured values, handles and scopes of 100 still reachable: %d, want 0", name, alive)
			}
			return nil
		}, opts...)
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	}
}

// TestQueueForgets checks that tasks are collected after they have waited in a queue and
// run.
func TestQueueForgets(t *testing.T) {
	type payload struct{ _ [1 << 10]byte }
	err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
		const tasks = 200
		var waited []weak.Pointer[payload]
		gate := make(chan struct{})
		n.Go(func(context.Context) error { <-gate; return nil })
		for range tasks {
			p := new(payload)
			waited = append(waited, weak.Make(p))
			n.Go(func(context.Context) error { _ = *p; return nil })
		}
		close(gate)
		for n.Stats().Running > 0 {
			runtime.Gosched()
		}
		runtime.GC()
		runtime.GC()
		alive := 0
		for _, w := range waited {
			if w.Value() != nil {
				alive++
			}
		}
		if alive > 2 { // as in TestCollectable
			t.Errorf("N18: %d of %d finished tasks are reachable, want 0", alive, tasks)
		}
		return nil
	}, nursery.Limit(1))
	if err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// TestEndlessInput processes ten million items. If the blocks they point to were kept,
// they would fill the memory.
func TestEndlessInput(t *testing.T) {
	const items, block = 10_000_000, 1000
	source := func(yield func(*[64]byte) bool) {
		for range items {
			if !yield(new([64]byte)) {
				return
			}
		}
	}
	// check is called with each item. The heap must not be larger at the end than at the
	// first check.
	var seen, before uint64
	check := func() {
		if seen++; seen%(items/4) != 0 {
			return
		}
		now := kit.Heap()
		if before == 0 {
			before = now
		} else if now > before+1<<20 {
			t.Errorf("N11: the heap grew from %d to %d bytes by item %d", before, now, seen)
		}
	}
	forward := func(_ context.Context, item *[64]byte) (*[64]byte, error) { return item, nil }
	if err := nursery.Each(t.Context(), source, func(context.Context, *[64]byte) error { check(); return nil }, nursery.Limit(1)); err != nil || seen != items {
		t.Errorf("Each() = %v after %d items, want nil after all", err, seen)
	}
	for _, stream := range []iter.Seq2[*[64]byte, error]{
		nursery.Stream(t.Context(), source, forward, nursery.Limit(8)),
		nursery.StreamUnordered(t.Context(), source, forward, nursery.Limit(8)),
	} {
		seen, before = 0, 0
		for _, err := range stream {
			if err != nil {
				t.Fatal(err)
			}
			check()
		}
		if seen != items {
			t.Errorf("the stream had %d items, want %d", seen, items)
		}
	}
}
