package droppederr

import "golang.org/x/sync/errgroup"

func statement(g *errgroup.Group) {
	g.Wait() // want `the error of errgroup.Group.Wait is dropped, and with it the failure of the tasks; handle it, or assign it to _`
}

func deferred(g *errgroup.Group) error {
	defer g.Wait() // want `is dropped`
	return nil
}

func started(g *errgroup.Group) {
	go g.Wait() // want `is dropped`
}

func inLiteral() {
	var g errgroup.Group
	go func() {
		g.Wait() // want `is dropped`
		println("done")
	}()
}

type holder struct{ g errgroup.Group }

func (h *holder) field() {
	h.g.Wait() // want `is dropped`
}

// What follows is right.

func returned(g *errgroup.Group) error {
	_ = g.Wait()
	g.Go(func() error { return nil })
	g.TryGo(func() error { return nil })
	g.SetLimit(3)
	if err := g.Wait(); err != nil {
		return err
	}
	return g.Wait()
}

func barrier(out chan int) chan int {
	g := new(errgroup.Group)
	go func() {
		g.Wait()
		close(out)
	}()
	return out
}

func twice(g *errgroup.Group) error {
	g.Go(func() error {
		h := new(errgroup.Group)
		return h.Wait()
	})
	go func() {
		g.Wait()
		println("done")
	}()
	return g.Wait()
}
