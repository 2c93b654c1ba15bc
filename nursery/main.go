package nursery

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
)

// defaultGrace is the Grace of a Main that was given none.
const defaultGrace = 10 * time.Second

// exitInterrupted is the exit status when the third signal ends the program, as
// a shell reports a program that SIGINT has ended.
const exitInterrupted = 130

// A SignalError is the cause when a signal asks the nursery of [Main] to stop, and when the
// second signal cancels it.
type SignalError struct{ Signal os.Signal }

// Error names the signal.
func (e *SignalError) Error() string { return "signal: " + e.Signal.String() }

// Main runs body and its nursery as a program, so that func main need contain nothing
// else. It is [Run] below context.Background, with these signals:
//
//   - The first SIGINT or SIGTERM asks everything to stop, with a [*SignalError] as the
//     cause; see [cancel.UntilStop]. After the [Grace], Main cancels what has not returned, with the cause [cancel.ErrGraceExpired].
//   - The second signal cancels at once, with a SignalError as the cause.
//   - The third signal ends the program with status 130.
//
// At the end of the grace, and at the second and the third signal, Main lists the tasks
// that have not returned on standard error, each with its function and its place in the
// user's code. For this it keeps a registry of the open nurseries while it runs, which
// package nursery/debug shows.
//
// Main returns if nothing failed, even if a signal asked the program to stop and everything
// did so. Otherwise it prints the failures as a tree to standard error and ends the program
// with status 1. If a task had to be canceled, an error that says so counts as a failure
// here. A panic ends the program as any panic does. Deferred calls of the caller do not run
// when Main ends the program.
//
// Set [Grace] if tasks need more than 10 seconds to finish. The other options are the same
// as for [Run]. If body or a task calls [runtime.Goexit], so does Main. Main
// panics if body is nil.
func Main(body func(ctx context.Context, n *Nursery) error, opts ...MainOption) {
	if body == nil {
		panic("nursery: Main: nil body")
	}
	conf := mainConfig{grace: defaultGrace}
	for _, o := range opts {
		if o == nil {
			panic("nursery: Main: nil option")
		}
		o.applyMain(&conf)
	}
	n := newNursery(conf.config)
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)

	defer live.Enable()() // names for the report of stragglers
	root := cancel.New(context.Background())
	over := make(chan struct{})
	go watch(root, conf.grace, signals, over)
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

// reportTime is how long a cancellation, or the end of the program, may wait for the report of
// stragglers. Standard error may be a pipe that is full.
const reportTime = time.Second

// cutOff returns when the tasks are canceled even if the report at the end of the grace hangs.
func cutOff(grace time.Duration) time.Duration {
	if grace == 0 {
		return 0 // and there is no report
	}
	return max(grace, grace+reportTime) // the sum may overflow
}

// watch acts on the signals until the nursery is over.
func watch(s *cancel.Scope, grace time.Duration, signals <-chan os.Signal, over <-chan struct{}) {
	var expired <-chan time.Time
	for i := 1; ; {
		select {
		case sig := <-signals:
			switch i {
			case 1:
				if grace > 0 {
					expired = time.After(grace)
				}
				// In goroutines, because functions of OnDone that block must not hold up the next
				// signal.
				go func() {
					s.StopCause(&SignalError{sig})
					s.Shutdown(cutOff(grace))
				}()
			case 2:
				reportStragglers("second " + (&SignalError{sig}).Error())
				go s.Cancel(&SignalError{sig})
			default:
				reportStragglers("third " + (&SignalError{sig}).Error())
				os.Exit(exitInterrupted)
			}
			i++
		case <-expired:
			reportStragglers(fmt.Sprintf("end of the grace of %v", grace))
			go s.Shutdown(0) // after the report, because canceled tasks are about to return
		case <-over:
			return
		}
	}
}
