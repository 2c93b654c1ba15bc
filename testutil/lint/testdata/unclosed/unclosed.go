package unclosed

import (
	"context"
	"errors"
	"time"

	"github.com/grove-go/grove/cancel"
)

var errSmall = errors.New("small")

func use(ctx context.Context) error { return cancel.Err(ctx) }

func keep(s *cancel.Scope) {}

func dropped(ctx context.Context) {
	cancel.New(ctx)                                            // want `the scope of cancel.New is dropped and stays open; call Close or Run`
	_ = cancel.New(ctx)                                        // want `is dropped`
	use(cancel.New(ctx))                                       // want `the scope of cancel.New is passed as a context and stays open; keep it in a variable, and call Close`
	cancel.New(ctx).SetTimeout(time.Second)                    // want `the scope of cancel.New stays open; keep it in a variable, and call Close`
	use(cancel.New(context.Background(), cancel.Timeout(1e9))) // want `passed as a context`
}

func never(ctx context.Context) error {
	s := cancel.New(ctx) // want `scope s is not closed; defer s.Close\(\)`
	s.SetTimeout(time.Second)
	return use(s)
}

func twice(ctx context.Context) error {
	s := cancel.New(ctx) // want `scope s is not closed`
	s = cancel.New(ctx)  // want `scope s is not closed`
	return use(s)
}

func asContext(ctx context.Context) error {
	var s = cancel.New(ctx, cancel.Timeout(time.Second)) // want `scope s is not closed`
	var c context.Context = s
	_ = s
	return use(c)
}

func someReturns(ctx context.Context, n int) error {
	s := cancel.New(ctx) // want `scope s is not closed on all paths; defer s.Close\(\)`
	if n < 10 {
		return errSmall
	}
	defer s.Close()
	return use(s)
}

func someEnds(ctx context.Context, n int) {
	for range n {
		s := cancel.New(ctx) // want `scope s is not closed on all paths`
		if use(s) != nil {
			return
		}
		s.Close()
	}
}

// What follows is right.

func deferred(ctx context.Context) error {
	s := cancel.New(ctx)
	defer s.Close()
	return use(s)
}

func run(ctx context.Context) error {
	s := cancel.New(ctx)
	s.SetTimeout(time.Second)
	return s.Run(use)
}

func atOnce(ctx context.Context) error { return cancel.New(ctx).Run(use) }

func inLiteral(ctx context.Context) error {
	s := cancel.New(ctx)
	defer func() { s.Close() }()
	return use(s)
}

func value(ctx context.Context, cleanup func(func())) error {
	s := cancel.New(ctx)
	cleanup(s.Close)
	return use(s)
}

func canceled(ctx context.Context) error {
	s := cancel.New(ctx)
	defer s.Cancel(nil)
	return use(s)
}

func returned(ctx context.Context) *cancel.Scope {
	s := cancel.New(ctx)
	return s
}

func returnedAtOnce(ctx context.Context) *cancel.Scope { return cancel.New(ctx) }

func passed(ctx context.Context) {
	s := cancel.New(ctx)
	keep(s)
	keep(cancel.New(ctx))
}

type session struct {
	scope *cancel.Scope
	ctx   context.Context
}

func stored(ctx context.Context, into *session, all map[string]*cancel.Scope, ch chan *cancel.Scope) *session {
	into.scope = cancel.New(ctx)
	s := cancel.New(ctx)
	all["s"] = s
	ch <- cancel.New(ctx)
	return &session{scope: cancel.New(ctx)}
}

func outside(ctx context.Context) error {
	var s *cancel.Scope
	open := func() { s = cancel.New(ctx) }
	open()
	defer s.Close()
	return use(s)
}

func everyPath(ctx context.Context, n int) error {
	s := cancel.New(ctx)
	if n < 10 {
		s.Close()
		return errSmall
	}
	if n < 20 {
		panic("n")
	}
	return s.Run(use)
}

func maybe(ctx context.Context, n int) error {
	var s *cancel.Scope
	if n > 0 {
		s = cancel.New(ctx)
		ctx = s
	}
	err := use(ctx)
	if s != nil {
		s.Close()
	}
	return err
}

func root() error {
	s := cancel.New(context.Background(), cancel.Name("root"))
	return use(s)
}

func excused(ctx context.Context) error {
	return use(cancel.New(ctx)) //grove:ok ctx ends at once
}
