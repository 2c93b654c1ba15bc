package cancel_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
)

var (
	bubble    = kit.Bubble
	mustPanic = kit.MustPanic
)

// wantEnded fails the test unless ctx is canceled with err and cause, and its
// Done channel is closed.
func wantEnded(t *testing.T, what string, ctx context.Context, err, cause error) {
	t.Helper()
	if got := ctx.Err(); got != err {
		t.Errorf("%s: Err() = %v, want %v", what, got, err)
	}
	if got := context.Cause(ctx); got != cause {
		t.Errorf("%s: Cause() = %v, want %v", what, got, cause)
	}
	select {
	case <-ctx.Done():
	default:
		t.Errorf("%s: Done() is open, want closed", what)
	}
}

// wantOpen fails the test if ctx is canceled.
func wantOpen(t *testing.T, what string, ctx context.Context) {
	t.Helper()
	if err := ctx.Err(); err != nil {
		t.Errorf("%s: Err() = %v, want nil", what, err)
	}
	if err := context.Cause(ctx); err != nil {
		t.Errorf("%s: Cause() = %v, want nil", what, err)
	}
	select {
	case <-ctx.Done():
		t.Errorf("%s: Done() is closed, want open", what)
	default:
	}
}

// A wrapper is a context of another type that forwards every method.
type wrapper struct{ context.Context }

// A custom is a foreign context: it ends by itself, and package context does not know
// its Done channel.
type custom struct {
	parent context.Context
	once   sync.Once
	done   chan struct{}
	err    error
}

func newCustom(parent context.Context) *custom {
	c := &custom{parent: parent, done: make(chan struct{})}
	context.AfterFunc(parent, func() { c.end(parent.Err()) })
	return c
}

func (c *custom) end(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.done)
	})
}

func (c *custom) Deadline() (time.Time, bool) { return c.parent.Deadline() }
func (c *custom) Done() <-chan struct{}       { return c.done }
func (c *custom) Value(key any) any           { return c.parent.Value(key) }

func (c *custom) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// nest returns n nested scopes, the outermost first.
func nest(parent context.Context, n int) []*cancel.Scope {
	scopes := make([]*cancel.Scope, n)
	for i := range scopes {
		scopes[i] = cancel.New(parent)
		parent = scopes[i]
	}
	return scopes
}

var errBoom = errors.New("boom")
