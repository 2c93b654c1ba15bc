package nursery

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// ErrGoexit is the error of a task that called [runtime.Goexit], as t.FailNow does. It is
// in the cause when the task's siblings are canceled, and [Task.Wait] returns it.
var ErrGoexit = errors.New("task called runtime.Goexit")

// A PanicError is the panic of a task. [Run] panics with it in the goroutine of its caller,
// or returns it with [RecoverPanics]. It goes on unchanged through outer nurseries. The
// panic of a body goes on with its own value. It becomes a PanicError with RecoverPanics,
// or when it goes on in a task of an outer nursery.
//
// Its Error has the stack of the task, so the runtime prints the stack first in a crash,
// and handlers that print a recovered value print it too. In a [*GroupError] it takes one
// line, and %+v prints the stack.
//
// errors.Is, errors.As, [Leaves] and [Split] find Value, if that is an error, and Others.
type PanicError struct {
	Value  any     // what was passed to panic
	Stack  []byte  // of the task, from the panicking function on, as text
	Task   string  // the task's name, or ""
	Others []error // other failures of the nurseries that it went through

	item  int         // the index of the item, from 1 on, if a call for an item panicked
	alone *PanicError // the same without Others; nil if there are none
}

// newPanicError is called in the deferred call that recovered v.
func newPanicError(v any, task string) *PanicError {
	return &PanicError{Value: v, Stack: userStack(debug.Stack()), Task: task}
}

// with returns e with errs among the others.
func (e *PanicError) with(errs []error) *PanicError {
	if len(errs) == 0 {
		return e
	}
	c := *e
	c.Others = append(c.Others[:len(c.Others):len(c.Others)], errs...)
	c.alone = e.only()
	return &c
}

// only returns e without Others.
func (e *PanicError) only() *PanicError {
	switch {
	case len(e.Others) == 0:
		return e
	case e.alone != nil:
		return e.alone
	}
	return &PanicError{Value: e.Value, Stack: e.Stack, Task: e.Task, item: e.item}
}

// Error returns the panic's value, the stack of the task, and the other failures.
func (e *PanicError) Error() string { return e.tree() + "\n" }

// tree is Error without the newline at its end.
func (e *PanicError) tree() string {
	var b strings.Builder
	writeTree(&b, e, "")
	return strings.TrimSuffix(b.String(), "\n")
}

// Item returns the index of the item, from 0 on, if a call of [For], [Map], [Each] or a
// stream panicked.
func (e *PanicError) Item() (index int, ok bool) { return e.item - 1, e.item > 0 }

// Unwrap returns Value if it is an error. If there are Others, it returns a PanicError
// without them, followed by the Others.
func (e *PanicError) Unwrap() []error {
	if len(e.Others) > 0 {
		return append([]error{e.only()}, e.Others...)
	}
	if err, ok := e.Value.(error); ok {
		return []error{err}
	}
	return nil
}

// Echo returns false: a panic is not an echo of a cancellation, even if its value
// is context.Canceled. See cancel.Scope.IsEcho.
func (e *PanicError) Echo() bool { return false }

// Format implements [fmt.Formatter]: %v, %+v and %s print what Error returns, without the
// newline at its end, and %q the first line.
func (e *PanicError) Format(f fmt.State, verb rune) {
	short := e.line()
	if verb == 'v' || verb == 's' {
		short = e.tree()
	}
	format(f, verb, e, short)
}

// line returns the first line of Error.
func (e *PanicError) line() string {
	s := fmt.Sprintf("panicked: %v", e.Value)
	switch {
	case e.Task != "":
		s = "task " + strconv.Quote(e.Task) + " " + s
	case e.item > 0:
		s = fmt.Sprintf("item %d %s", e.item-1, s)
	}
	return s
}

// userStack returns a stack trace without the frames of the library, and without
// those above the panic.
func userStack(stack []byte) []byte {
	head, frames, _ := strings.Cut(string(stack), "\n")
	lines := strings.SplitAfter(frames, "\n")
	// A frame is two lines: the function, and its place. The frames of the deferred
	// call that recovered come first, then the call of panic.
	start := 0
	for i := 0; i+1 < len(lines); i += 2 {
		if strings.HasPrefix(lines[i], "panic(") {
			start = i + 2
		} else if start > 0 && !ofLibrary(lines[i]) {
			break // between two panics, the library has passed one on
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
	return ok && (pkg == "nursery" || pkg == "nursery/errgroup" || pkg == "nursery/otel" || pkg == "cancel" || pkg == "channel")
}

// An overdue reports a panic if the siblings of the task do not return within the
// grace. The call of Run waits on, and panics when they have.
type overdue struct {
	timer *time.Timer
	done  chan struct{} // closed when the report is written
}

func newOverdue(c *config, p *PanicError) *overdue {
	o := &overdue{done: make(chan struct{})}
	what := fmt.Sprintf("nursery%s: after %v, tasks have not returned, and hold up the report of this panic", c.quoted(), c.panicGrace())
	if c.bodyless {
		what = fmt.Sprintf("errgroup: after %v, tasks have not returned, or Wait has not been called, which holds up the report of this panic", c.panicGrace())
	}
	o.timer = time.AfterFunc(c.panicGrace(), func() {
		defer close(o.done)
		// Nothing else takes a report here.
		_, _ = fmt.Fprintf(os.Stderr, "%s:\n\n%s\nall goroutines:\n\n%s\n", what, p.Error(), allStacks())
	})
	return o
}

// stop takes the report back, or waits until it is written.
func (o *overdue) stop() {
	if !o.timer.Stop() {
		<-o.done
	}
}

// allStacks returns the stacks of all goroutines, or as much of them as has a place in
// maxStacks bytes. It stops the world once, with a buffer that is large enough.
func allStacks() []byte {
	const (
		maxStacks = 64 << 20
		perStack  = 4 << 10
	)
	stacks := make([]byte, min(maxStacks, perStack*(runtime.NumGoroutine()+16)))
	k := runtime.Stack(stacks, true)
	if k < len(stacks) {
		return stacks[:k]
	}
	return append(stacks, "\n... and more\n"...)
}
