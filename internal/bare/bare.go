// Package bare lets the packages of this module wait for a cancel scope at less cost than
// the Done method has.
package bare

import "context"

// Done returns a channel that is closed when ctx is done, like ctx.Done. It is
// for a goroutine that waits for the channel and does not pass it on: package
// context does not recognize the channel as the Done channel of ctx. Package
// cancel sets Done when it is initialized.
var Done func(ctx context.Context) <-chan struct{}

// Judge returns a value that identifies the functions of cancel.EchoIf that hold for ctx, a
// scope, or nil if there are none. Package cancel sets Judge when it is initialized.
var Judge func(ctx context.Context) any

// Event returns a value that identifies the end of a scope, or nil if the scope is open.
// Scopes that end by one event have the same value. The value is not an error, so an error
// that keeps it does not hold another error. Package cancel sets Event when it is
// initialized.
var Event func(scope context.Context) any

// OnDone is the method OnDone of a scope, for functions of this module that do not block or
// panic. They run before functions of users, which may take locks. Package cancel sets
// OnDone when it is initialized.
var OnDone func(scope context.Context, f func()) (stop func() bool)

// Standard returns the standard context that package context would use to register a
// context below ctx, or nil if there is none. done is the result of Done for ctx. Standard
// calls the method Value of ctx. Package cancel sets Standard when it is initialized.
var Standard func(ctx context.Context, done <-chan struct{}) context.Context

// WithValues returns a *cancel.Scope with a name below a scope. It has the values of
// another context, except for a NurseryKey. Package cancel sets WithValues when it is
// initialized.
var WithValues func(scope, values context.Context, name string) context.Context

// A NurseryKey is a key that belongs to a nursery rather than to a request or a caller.
type NurseryKey interface{ OfNursery() }

// IsClosed reports whether done, which may be nil, is closed.
func IsClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// IsOver reports whether ctx is done. done is the result of Done for ctx. IsOver calls no
// method of another package. It notices the end of a foreign context above a scope as soon
// as the scope's Err does. Package cancel sets IsOver when it is initialized.
var IsOver func(ctx context.Context, done <-chan struct{}) bool

// Catch is the method Go of a *nursery.Nursery, for a named task whose error is not a failure
// of the nursery. The goroutine of the task calls ended with the error, a *nursery.PanicError,
// or nursery.ErrGoexit. Package nursery sets Catch when it is initialized.
var Catch func(nursery any, name string, task func(ctx context.Context) error, ended func(err error))
