package nursery

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/grove-go/grove/cancel"
)

// defaultGrace is the Grace of a Main that was given none.
const defaultGrace = 10 * time.Second

// exitInterrupted is the status with which the third signal ends the program, as
// a shell reports a program that SIGINT has ended.
const exitInterrupted = 130

// A SignalError is the cause with which the second signal cancels the nursery of
// [Main].
type SignalError struct{ Signal os.Signal }

// Error names the signal.
func (e *SignalError) Error() string { return "second signal: " + e.Signal.String() }

// Main runs body and its nursery as a program: func main need contain nothing
// else. It is [Run] below context.Background, with these signals:
//
//   - The first SIGINT or SIGTERM asks all to stop; see [cancel.UntilStop]. What
//     has not returned after the [Grace] is canceled, with the cause
//     [cancel.ErrGraceExpired].
//   - The second one cancels at once, with a [*SignalError] as the cause.
//   - The third one ends the program with status 130.
//
// Main returns if nothing failed, also if a signal asked the program to stop
// and all did so. Otherwise it prints the failures as a tree to standard error
// and ends the program with status 1. If a task had to be canceled, and says so,
// that counts as a failure here. A panic ends the program as any panic does.
// Deferred calls of the caller do not run when Main ends the program.
//
// What takes longer than the default grace of 10 seconds to finish is cut off:
// set [Grace] to more than that. The options are those of [Run], and [Grace].
// If body or a task calls [runtime.Goexit], so does Main. Main panics if body is nil.
func Main(body func(ctx context.Context, n *Nursery) error, opts ...Option) {
	if body == nil {
		panic("nursery: Main: nil body")
	}
	n := &Nursery{conf: configure("Main", opts)}
	grace := defaultGrace
	if n.conf.hasGrace {
		grace = n.conf.grace
	}
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)

	root := cancel.New(context.Background(), cancel.Name(n.conf.name))
	over := make(chan struct{})
	go watch(root, grace, signals, over)
	err := func() error {
		defer func() {
			signal.Stop(signals)
			close(over)
			root.Close()
		}()
		return n.run(root, body)
	}()
	if err != nil {
		// With standard error gone, the status still tells.
		_, _ = fmt.Fprintf(os.Stderr, "%+v\n", err)
		os.Exit(1)
	}
}

// watch acts on the signals until the nursery is over.
func watch(s *cancel.Scope, grace time.Duration, signals <-chan os.Signal, over <-chan struct{}) {
	for i := 1; ; i++ {
		select {
		case sig := <-signals:
			switch i {
			case 1:
				s.Shutdown(grace)
			case 2:
				s.Cancel(&SignalError{sig})
			default:
				os.Exit(exitInterrupted)
			}
		case <-over:
			return
		}
	}
}
