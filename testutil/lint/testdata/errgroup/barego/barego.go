package barego

import (
	"context"

	"golang.org/x/sync/errgroup"
)

func work() {}

func open(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	go work()   // want `goroutine is not awaited, although errgroup g is open; use g.Go`
	go func() { // want `use g.Go`
		<-ctx.Done()
	}()
	return g.Wait()
}

func zero() error {
	var g errgroup.Group
	for range 3 {
		go work() // want `use g.Go`
	}
	return g.Wait()
}

func given(g *errgroup.Group) {
	go work() // want `use g.Go`
}

func waitOfAnother(g, h *errgroup.Group) {
	go func() { // want `errgroup g is open`
		_ = h.Wait()
	}()
}

// What follows is right.

func closes(ctx context.Context, out chan int) chan int {
	g := new(errgroup.Group)
	g.Go(func() error { out <- 1; return nil })
	go func() {
		_ = g.Wait()
		close(out)
	}()
	return out
}

func after() error {
	var g errgroup.Group
	g.Go(func() error { return nil })
	if err := g.Wait(); err != nil {
		go work()
		return err
	}
	go work()
	return nil
}

func before() error {
	go work()
	var g errgroup.Group
	return g.Wait()
}

func waitInTheSame() error {
	g := new(errgroup.Group)
	err := g.Wait()
	if err == nil {
		func() {}()
		go work()
	}
	return err
}

func joined(g *errgroup.Group) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	<-done
}
