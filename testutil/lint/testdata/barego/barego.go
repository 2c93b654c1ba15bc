package barego

import (
	"context"
	"sync"

	"github.com/grove-go/grove/nursery"
)

func work() {}

func serve(ctx context.Context) error { return nil }

func inBody(ctx context.Context, ch chan int) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		go work()   // want `goroutine belongs to no nursery, although nursery n is open; use n.Go`
		go func() { // want `use n.Go`
			ch <- 1
		}()
		n.Go(func(ctx context.Context) error {
			go serve(ctx) // want `use n.Go`
			return nil
		})
		return nursery.Run(ctx, func(ctx context.Context, inner *nursery.Nursery) error {
			go work() // want `nursery inner is open; use inner.Go`
			return nil
		})
	})
}

func parameter(n *nursery.Nursery) {
	go work() // want `use n.Go`
}

func variable(n *nursery.Nursery) func() {
	m := n
	m.Go(serve)
	return func() {
		go work() // want `although nursery [mn] is open`
	}
}

func notJoined(n *nursery.Nursery) {
	done := make(chan struct{})
	go func() { // want `use n.Go`
		defer close(done)
		work()
	}()
}

func mayLeave(ctx context.Context, n *nursery.Nursery) error {
	done := make(chan struct{})
	go func() { // want `use n.Go`
		defer close(done)
		work()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// What follows is right.

func before(ctx context.Context) error {
	go work()
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(serve)
		return nil
	})
	go work()
	return err
}

func goRun(ctx context.Context) chan error {
	ch := make(chan error, 1)
	go func() {
		ch <- nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return serve(ctx) })
	}()
	return ch
}

func joined(n *nursery.Nursery) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	<-done
}

func joinedAtTheEnd(n *nursery.Nursery) {
	done := make(chan struct{})
	go func() {
		work()
		close(done)
	}()
	<-done
}

func joinedByDefer(n *nursery.Nursery) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Add(1)
	go func() {
		defer wg.Done()
		work()
	}()
}

func joinedByWait(n *nursery.Nursery) {
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		work()
	}()
	wg.Wait()
}

func waitGroup(n *nursery.Nursery) {
	var wg sync.WaitGroup
	wg.Go(work)
	wg.Wait()
}

type holder struct{ n *nursery.Nursery }

func (h *holder) method() { go work() }

func hidden(n *nursery.Nursery) {
	for n := range 3 {
		_ = n
		go work()
	}
}

func declaredLater(ctx context.Context) {
	go work()
	var n *nursery.Nursery
	_ = n
}

var global *nursery.Nursery

func notInSight() { go work() }

func task(n *nursery.Nursery) {
	n.Go(serve)
	nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, nil })
}

func excused(n *nursery.Nursery) {
	//grove:ok the log outlives the nursery
	go work()
}
