package nursery

import (
	"fmt"
	"time"
)

// An Option configures a nursery. See [Name], [Limit], [KeepGoing], [Using],
// [RecoverPanics], [PanicGrace], [EchoIf] and, for [Main], [Grace]. Of options that
// contradict each other the last one holds. What is given one that is nil panics.
type Option interface{ applyNursery(c *config) }

// A TaskOption configures one task. See [Name] and [Daemon]. What is given one that is
// nil panics.
type TaskOption interface{ applyTask(i *taskInfo) }

// A NameOption is accepted wherever something can be named.
type NameOption interface {
	Option
	TaskOption
}

// config is what the options of a nursery say. The zero value is the default.
type config struct {
	name          string
	limit         int // 0: none
	limiter       *Limiter
	keepGoing     bool
	recoverPanics bool
	hasPanicGrace bool
	hasGrace      bool
	panicGraceVal time.Duration
	grace         time.Duration
	isEcho        func(err error) bool
}

type (
	nameOption          string
	limitOption         int
	keepGoingOption     struct{}
	recoverPanicsOption struct{}
	panicGraceOption    time.Duration
	graceOption         time.Duration
	echoIfOption        func(err error) bool
	daemonOption        struct{}
)

func (o nameOption) applyNursery(c *config)        { c.name = string(o) }
func (o nameOption) applyTask(i *taskInfo)         { i.name = string(o) }
func (o limitOption) applyNursery(c *config)       { c.limit = int(o) }
func (keepGoingOption) applyNursery(c *config)     { c.keepGoing = true }
func (recoverPanicsOption) applyNursery(c *config) { c.recoverPanics = true }
func (o panicGraceOption) applyNursery(c *config) {
	c.hasPanicGrace, c.panicGraceVal = true, time.Duration(o)
}
func (o graceOption) applyNursery(c *config)  { c.hasGrace, c.grace = true, time.Duration(o) }
func (o echoIfOption) applyNursery(c *config) { c.isEcho = o }
func (daemonOption) applyTask(i *taskInfo)    { i.daemon = true }

// Name names a nursery, or a task, in errors, reasons and stack dumps. The
// default is no name. Names need not be unique.
func Name(name string) NameOption { return nameOption(name) }

// Limit bounds how many tasks of a nursery run at a time to n, first come, first
// served. The body is not counted, nor are daemons and tasks that were begun
// by [Start], for others wait for those. Without Limit there is no bound.
//
// Limit panics if n is less than 1.
//
// Such tasks share goroutines, one after the other: who calls
// [runtime.LockOSThread] or pprof.SetGoroutineLabels in one has to undo it.
//
// errgroup's SetLimit makes Go block; here Go never blocks, so that a task of a
// limited nursery may start tasks in it.
func Limit(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("nursery: Limit: n must be at least 1, got %d", n))
	}
	return limitOption(n)
}

// KeepGoing lets the other tasks of a nursery go on when one fails, and so does
// the body; all failures come back together. A panic or Goexit still cancels
// them. The default is that a failure cancels the others.
//
// This is Kotlin's supervisorScope.
func KeepGoing() Option { return keepGoingOption{} }

// RecoverPanics makes a panic of a task, or of the body, an ordinary failure
// with a [*PanicError] as its error. The default is that [Run] panics with it.
func RecoverPanics() Option { return recoverPanicsOption{} }

// defaultPanicGrace is the PanicGrace of a nursery that was given none.
const defaultPanicGrace = 10 * time.Second

// PanicGrace sets how long after a panic of a task its siblings may take to
// return before the panic is written to standard error, along with the stacks of
// all goroutines, so that a sibling that does not look at its context cannot
// hide the panic. [Run] waits all the same. The default is 10 seconds. With
// [RecoverPanics] it has no effect.
//
// PanicGrace panics if d is negative.
func PanicGrace(d time.Duration) Option {
	if d < 0 {
		panic(fmt.Sprintf("nursery: PanicGrace: d must not be negative, got %v", d))
	}
	return panicGraceOption(d)
}

// Grace sets how long the tasks of [Main] may take to finish after a signal has
// asked them to. The default is 10 seconds. With 0 they are canceled at
// once. It is an option of Main alone; all others panic if given it.
//
// Grace panics if d is negative.
func Grace(d time.Duration) Option {
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
	return echoIfOption(match)
}

// Daemon makes a task one that serves the others: it is canceled once the body
// and all other tasks have returned, and awaited. What it returns because of
// that is no failure; any other error is.
//
// This is Curio's spawn(daemon=True).
func Daemon() TaskOption { return daemonOption{} }

// configure applies the options in the name of the function fn.
func configure(fn string, opts []Option) config {
	var c config
	for _, o := range opts {
		if o == nil {
			panic("nursery: " + fn + ": nil option")
		}
		o.applyNursery(&c)
	}
	if c.hasGrace && fn != "Main" {
		panic("nursery: " + fn + ": Grace is an option of Main alone")
	}
	return c
}

// configure is for Run, whose stack frame has no place for a config: it is often one of
// the first of a goroutine, whose stack is small.
//
//go:noinline
func (n *Nursery) configure(fn string, opts []Option) { n.conf = configure(fn, opts) }

func (c *config) panicGrace() time.Duration {
	if c.hasPanicGrace {
		return c.panicGraceVal
	}
	return defaultPanicGrace
}
