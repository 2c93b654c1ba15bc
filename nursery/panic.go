package nursery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// ErrGoexit stands for a task that called [runtime.Goexit], as t.FailNow does,
// where an error is asked of it: in the cause that its siblings see, and in
// [Task.Wait].
var ErrGoexit = errors.New("task called runtime.Goexit")

// A PanicError is the panic of a task, or of a nursery's body. [Run] panics with
// it in the goroutine of its caller, or returns it with [RecoverPanics]. It
// rises through nurseries around that one as it is.
//
// Its Error has the stack of the task, which the runtime thus prints first in a
// crash; in fmt that takes %+v.
type PanicError struct {
	Value  any     // what was passed to panic
	Stack  []byte  // of the task, from the panicking function on, as text
	Task   string  // the task's name, or ""
	Others []error // other failures of the nurseries through which it rose
}

// newPanicError is called in the deferred call that recovered v.
func newPanicError(v any, task string) *PanicError {
	if p, ok := v.(*PanicError); ok && p != nil {
		return p // from a nursery inside
	}
	return &PanicError{Value: v, Stack: userStack(debug.Stack()), Task: task}
}

// with returns a copy of e that has errs among the others.
func (e *PanicError) with(errs []error) *PanicError {
	c := *e
	c.Others = append(c.Others[:len(c.Others):len(c.Others)], errs...)
	return &c
}

// Error returns the panic's value, the stack of the task, and the other failures.
func (e *PanicError) Error() string { return fmt.Sprintf("%+v", e) + "\n" }

// Unwrap returns Value if it is an error, else nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Echo returns false: a panic is no echo of a cancellation, also if its value
// is context.Canceled. See cancel.Scope.IsEcho.
func (e *PanicError) Echo() bool { return false }

// Format implements [fmt.Formatter]: %v and %s print a line, %+v all that Error
// returns.
func (e *PanicError) Format(f fmt.State, verb rune) { format(f, verb, e, e.line()) }

func (e *PanicError) line() string {
	s := fmt.Sprintf("panicked: %v", e.Value)
	if e.Task != "" {
		return "task " + strconv.Quote(e.Task) + " " + s
	}
	return s
}

// userStack returns a stack trace without the frames of the library, and without
// those above the panic.
func userStack(stack []byte) []byte {
	head, frames, _ := strings.Cut(string(stack), "\n")
	lines := strings.SplitAfter(frames, "\n")
	// A frame is two lines: the function, and its place. Those of the deferred
	// call that recovered come first, then the call of panic.
	start := 0
	for i := 0; i+1 < len(lines); i += 2 {
		if strings.HasPrefix(lines[i], "panic(") {
			start = i + 2
			break
		}
	}
	var b bytes.Buffer
	b.WriteString(head + "\n")
	for i := start; i+1 < len(lines); i += 2 {
		if ofLibrary(strings.TrimPrefix(lines[i], "created by ")) {
			continue
		}
		b.WriteString(lines[i] + lines[i+1])
	}
	return b.Bytes()
}

// ofLibrary reports whether a function, with its package's path, is the library's.
func ofLibrary(function string) bool {
	rest, ok := strings.CutPrefix(function, "github.com/grove-go/grove/")
	pkg, _, _ := strings.Cut(rest, ".")
	return ok && (pkg == "nursery" || pkg == "cancel" || pkg == "channel")
}

// stderr is where an overdue panic is reported; a variable for tests.
var stderr io.Writer = os.Stderr

// An overdue reports a panic if the siblings of the task do not return within the
// grace. The call of Run waits on, and panics when they have.
type overdue struct {
	timer *time.Timer
	done  chan struct{} // closed when the report is written
}

func newOverdue(c *config, p *PanicError) *overdue {
	o := &overdue{done: make(chan struct{})}
	o.timer = time.AfterFunc(c.panicGrace(), func() {
		defer close(o.done)
		name := ""
		if c.name != "" {
			name = " " + strconv.Quote(c.name)
		}
		// Nobody can be told if standard error is gone.
		_, _ = fmt.Fprintf(stderr, "nursery%s: after %v, tasks have not returned, and hold up the report of this panic:\n\n%s\nall goroutines:\n\n%s\n",
			name, c.panicGrace(), p.Error(), allStacks())
	})
	return o
}

// stop takes the report back, or waits for one that is being written.
func (o *overdue) stop() {
	if !o.timer.Stop() {
		<-o.done
	}
}

// allStacks returns the stacks of all goroutines.
func allStacks() []byte {
	for size := 1 << 16; ; size *= 2 {
		stacks := make([]byte, size)
		if k := runtime.Stack(stacks, true); k < size {
			return stacks[:k]
		}
	}
}
