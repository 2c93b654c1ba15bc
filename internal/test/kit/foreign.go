package kit

import "context"

// A Foreign is a context of a type that package context does not know.
type Foreign struct {
	context.Context
	done chan struct{}
}

// NewForeign returns a Foreign with the values of parent. The end of parent does not reach it.
func NewForeign(parent context.Context) *Foreign {
	return &Foreign{Context: parent, done: make(chan struct{})}
}

// End ends the context. It must be called only once.
func (f *Foreign) End() { close(f.done) }

// Done implements [context.Context].
func (f *Foreign) Done() <-chan struct{} { return f.done }

// Err implements [context.Context].
func (f *Foreign) Err() error {
	select {
	case <-f.done:
		return context.Canceled
	default:
		return nil
	}
}
