package nursery

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"
)

// An Option configures a nursery. See [Name], [Limit], [KeepGoing], [LimitBy],
// [RecoverPanics], [PanicGrace], [PassPanics] and [EchoIf]. If options contradict each
// other, the last one holds. Functions panic if passed a nil Option.
type Option interface {
	MainOption
	applyNursery(c *config)
}

// A MainOption configures a program; see [Main]. It is an [Option], or [Grace].
type MainOption interface{ applyMain(c *mainConfig) }

// A TaskOption configures a task. See [Name], [Daemon] and [Values]. Functions panic if passed a nil
// TaskOption.
type TaskOption interface{ applyTask(i *taskInfo) }

// A NameOption is an option for nurseries and for tasks.
type NameOption interface {
	Option
	TaskOption
}

// config is what the options of a nursery say. The zero value is the default.
type config struct {
	name          string
	limiter       *Limiter
	panicGraceVal time.Duration
	limit         uint32 // 0: none
	hasPanicGrace bool
	keepGoing     bool
	recoverPanics bool
	bodyless      bool // of package errgroup: the cause of a cancellation is the error of the task itself
	isEcho        func(err error) bool
	passes        func(v any) bool
}

// mainConfig is what the options of a program say.
type mainConfig struct {
	config
	grace time.Duration
}

// A nurseryOption is an option of nurseries, and so of programs.
type nurseryOption func(c *config)

func (o nurseryOption) applyNursery(c *config)  { o(c) }
func (o nurseryOption) applyMain(c *mainConfig) { o(&c.config) }

type (
	nameOption   string
	graceOption  time.Duration
	daemonOption struct{}
	valuesOption struct{ ctx context.Context }
)

func (o nameOption) applyNursery(c *config)   { c.name = string(o) }
func (o nameOption) applyMain(c *mainConfig)  { c.name = string(o) }
func (o nameOption) applyTask(i *taskInfo)    { i.name = string(o) }
func (o graceOption) applyMain(c *mainConfig) { c.grace = time.Duration(o) }
func (daemonOption) applyTask(i *taskInfo)    { i.daemon = true }
func (o valuesOption) applyTask(i *taskInfo)  { i.values = o.ctx }

// Name names a nursery, or a task, in errors and in the reasons of
// cancellations. The default is no name. Names need not be unique.
func Name(name string) NameOption { return nameOption(name) }

// Limit bounds how many tasks of a nursery run at a time to n, first come, first served.
// The body does not count. Neither do daemons and tasks begun by [Start], because other
// goroutines wait for them. Without Limit there is no bound.
//
// Limit panics if n is less than 1.
//
// The tasks share goroutines. A task that calls [runtime.LockOSThread] must undo that.
//
// The SetLimit of errgroup makes Go block. Here Go never blocks, so that a task of a
// limited nursery may start tasks in it.
func Limit(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("nursery: Limit: n must be at least 1, got %d", n))
	}
	return nurseryOption(func(c *config) { c.limit = uint32(min(int64(n), math.MaxInt32)) })
}

// KeepGoing keeps a failure from canceling the nursery. The body and the other tasks run to
// completion, and Run returns all failures. A panic or Goexit still cancels them. The
// default is that a failure cancels the others.
//
// This is Kotlin's supervisorScope.
func KeepGoing() Option { return nurseryOption(func(c *config) { c.keepGoing = true }) }

// RecoverPanics makes a panic of a task, or of the body, a failure with a [*PanicError] as
// its error. The default is that [Run] panics.
func RecoverPanics() Option { return nurseryOption(func(c *config) { c.recoverPanics = true }) }

// defaultPanicGrace is the PanicGrace of a nursery that was given none.
const defaultPanicGrace = 10 * time.Second

// PanicGrace sets how long the other tasks may take to return after a panic before the
// panic is written to standard error, with the stacks of all goroutines. A task that does
// not watch its context cannot hide the panic. [Run] waits all the same. The default is 10
// seconds. With [RecoverPanics] PanicGrace has no effect.
//
// PanicGrace panics if d is negative.
func PanicGrace(d time.Duration) Option {
	if d < 0 {
		panic(fmt.Sprintf("nursery: PanicGrace: d must not be negative, got %v", d))
	}
	return nurseryOption(func(c *config) { c.hasPanicGrace, c.panicGraceVal = true, d })
}

// Grace sets how long the tasks of [Main] may take to finish after a signal has asked them
// to. The default is 10 seconds. A grace of 0 cancels them at once.
//
// Grace panics if d is negative.
func Grace(d time.Duration) MainOption {
	if d < 0 {
		panic(fmt.Sprintf("nursery: Grace: d must not be negative, got %v", d))
	}
	return graceOption(d)
}

// EchoIf names errors that a cancellation causes but that do not unwrap to it, such
// as a gRPC status. It is [cancel.EchoIf] for the nursery's scope and holds for
// everything below the nursery, so once in [Main] covers a program. The default is
// that no such error counts.
//
// EchoIf panics if match is nil.
func EchoIf(match func(err error) bool) Option {
	if match == nil {
		panic("nursery: EchoIf: nil function")
	}
	return nurseryOption(func(c *config) { c.isEcho = match })
}

// PassPanics names panics of tasks that [Run] passes on with their own value rather than
// with a [*PanicError]. It is for values that other code recognizes by ==, such as
// http.ErrAbortHandler, which net/http does not log. The option holds for the nursery and
// for every nursery below its context. The context of an HTTP request is below the context that
// http.Server.BaseContext returns. Failures of other tasks are written to standard error,
// because the value has no place for them. The default is that no panic passes. The panic
// of a body always does.
//
// There is no rule for all error values, because most panics are of more use with their
// stack, and no marker method, because values of other packages do not have it.
//
// PassPanics panics if match is nil.
func PassPanics(match func(value any) bool) Option {
	if match == nil {
		panic("nursery: PassPanics: nil function")
	}
	return nurseryOption(func(c *config) { c.passes = match })
}

// passesKey is the key under which the function of PassPanics is found in a context.
type passesKey struct{}

// OfNursery implements [bare.NurseryKey].
func (passesKey) OfNursery() {}

// passes reports whether PassPanics, in a nursery with the context ctx or around it,
// names the value of a panic.
func passes(ctx context.Context, v any) bool {
	match, _ := ctx.Value(passesKey{}).(func(any) bool)
	return match != nil && match(v)
}

// Daemon makes a task a daemon, which serves the other tasks. It is canceled when the body
// and all other tasks have returned, and Run waits for it. An error that it returns because
// of that is not a failure. Any other error is.
//
// This is Curio's spawn(daemon=True).
func Daemon() TaskOption { return daemonOption{} }

// Values makes the context of a task have the values of ctx in place of the values of the
// nursery's context. Cancellation, deadline and stop still come from the nursery. A task
// that is started for a request gets the request's values this way, such as the span of a
// trace, though it may outlive the request:
//
//	n.Go(notify, nursery.Values(ctx))
//
// The default is the values of the context that was passed to [Run]. Values panics if ctx is
// nil.
func Values(ctx context.Context) TaskOption {
	if ctx == nil {
		panic("nursery: Values: nil context; pass context.Background() if there is no other")
	}
	return valuesOption{ctx}
}

// configure applies the options in the name of the function fn.
func configure(fn string, opts []Option) config {
	var c config
	for _, o := range opts {
		if o == nil {
			panic("nursery: " + fn + ": nil option")
		}
		o.applyNursery(&c)
	}
	return c
}

// quoted returns the name in quotes after a space, or "".
func (c *config) quoted() string {
	if c.name == "" {
		return ""
	}
	return " " + strconv.Quote(c.name)
}

func (c *config) panicGrace() time.Duration {
	if c.hasPanicGrace {
		return c.panicGraceVal
	}
	return defaultPanicGrace
}
