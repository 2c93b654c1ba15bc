package escape

import (
	"context"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

var (
	global   *nursery.Nursery
	registry = map[string]*nursery.Nursery{}
	queue    = make(chan *nursery.Nursery, 1)
)

type server struct {
	n     *nursery.Nursery
	scope *cancel.Scope
	all   []*nursery.Nursery
	inner *server
}

func (s *server) serve(ctx context.Context, ch chan *nursery.Nursery) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s.n = n                  // want `nursery n ends with its block, and s.n outlives the block; pass it as an argument`
		s.scope = n.Scope()      // want `the scope of nursery n ends with its block`
		s.all = append(s.all, n) // want `s.all outlives the block`
		s.inner = &server{n: n}  // want `s.inner outlives the block`
		s.inner.all[0] = n       // want `outlives the block`
		*s = server{n: n}        // want `outlives the block`
		global = n               // want `global outlives the block`
		registry["a"] = n        // want `outlives the block`
		ch <- n                  // want `ch outlives the block`
		queue <- n               // want `queue outlives the block`
		n.Go(func(ctx context.Context) error {
			s.inner = &server{inner: &server{n: n}} // want `s.inner outlives the block`
			return nil
		})
		return nil
	})
}

func returned(ctx context.Context) (*server, error) {
	s := new(server)
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s.n = n // want `s.n outlives the block`
		return nil
	})
	return s, err
}

func named(ctx context.Context) (s server, err error) {
	err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s.n = n // want `s.n outlives the block`
		return nil
	})
	return
}

func publish(n *nursery.Nursery) {
	global = n // want `global outlives the block`
}

// What follows is right.

func newServer(n *nursery.Nursery) *server { return &server{n: n} }

func (s *server) start(n *nursery.Nursery) { s.n = n }

func work(ctx context.Context, n *nursery.Nursery) error { return cancel.Err(ctx) }

func inside(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s := &server{n: n}
		s.scope = n.Scope()
		t := newServer(n)
		t.start(n)
		t.inner = s
		m := n
		var all []*nursery.Nursery
		all = append(all, m, n)
		byName := map[string]*nursery.Nursery{"n": n}
		byName["m"] = n
		ch := make(chan *nursery.Nursery, 1)
		ch <- n
		n.Go(func(ctx context.Context) error {
			s.n = n
			return work(ctx, n)
		})
		return work(ctx, all[0])
	})
}

func localOutside(ctx context.Context) error {
	s := new(server)
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s.n = n
		return work(ctx, n)
	})
}

func (s *server) resets(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s.n = n
		defer func() { s.n = nil }()
		return work(ctx, n)
	})
}

func (s *server) copies(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s := *s
		s.n = n
		return work(ctx, n)
	})
}

func (s *server) facts(ctx context.Context, count *int, names map[string]string) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		*count = n.Stats().Running
		names["n"] = n.String()
		return nil
	})
}

func (s *server) excused(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s.n = n //grove:ok serve is called once, and s is dropped when it returns
		return nil
	})
}
