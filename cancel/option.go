package cancel

import "time"

// An Option configures a scope. See [Name], [Timeout], [Deadline], [Shielded] and [EchoIf].
// If options contradict each other, the last one holds.
type Option interface{ applyScope(*config) }

// config gathers the options, which take effect together.
type config struct {
	name     string
	isEcho   func(err error) bool
	shielded bool
	timed    bool // the deadline is set
	deadline moment
}

type (
	nameOption     string
	timeoutOption  time.Duration
	deadlineOption time.Time
	shieldedOption struct{}
	echoIfOption   func(err error) bool
)

func (o nameOption) applyScope(c *config)     { c.name = string(o) }
func (o timeoutOption) applyScope(c *config)  { c.timed, c.deadline = true, after(time.Duration(o)) }
func (o deadlineOption) applyScope(c *config) { c.timed, c.deadline = true, at(time.Time(o)) }
func (shieldedOption) applyScope(c *config)   { c.shielded = true }
func (o echoIfOption) applyScope(c *config)   { c.isEcho = o }

// Name names a scope in errors, in [Path] and in [Scope.String]. The default is
// no name. Names need not be unique.
func Name(name string) Option { return nameOption(name) }

// Timeout gives a scope the deadline d from the moment when it is made. With a
// d of zero or less it is canceled from the start. The default is no deadline.
func Timeout(d time.Duration) Option { return timeoutOption(d) }

// Deadline gives a scope the deadline t. With a t in the past it is canceled
// from the start. The zero time stands for no deadline, which is the default.
func Deadline(t time.Time) Option { return deadlineOption(t) }

// Shielded makes a scope with its shield up. See [Scope.SetShield].
func Shielded() Option { return shieldedOption{} }

// EchoIf names errors that a cancellation causes but that do not unwrap to it, such
// as a gRPC status. They count as echoes of the cancellation:
//
//	isClosed := func(err error) bool { return errors.Is(err, net.ErrClosed) }
//	s := cancel.New(ctx, cancel.EchoIf(isClosed))
//
// The option holds for the scope and for all scopes below it, through shields,
// so once at the root of a program is enough. [Scope.IsEcho] calls match after the
// scope has ended. The error that it passes wraps at most one error and holds no
// other, as far as that can be known. Several goroutines may call match at the same
// time. The default is that no such error counts.
//
// EchoIf panics if match is nil.
func EchoIf(match func(err error) bool) Option {
	if match == nil {
		panic("cancel: EchoIf: nil function")
	}
	return echoIfOption(match)
}

// with returns c with the options applied. It panics in the name of the
// function fn if one of them is nil.
func (c config) with(fn string, opts []Option) config {
	if len(opts) == 0 {
		return c
	}
	all := c // c itself stays on the stack
	for _, o := range opts {
		if o == nil {
			panic("cancel: " + fn + ": nil option")
		}
		o.applyScope(&all)
	}
	return all
}
