package nursery

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A GroupError holds the failures of a nursery, the first one first. It is what
// [Run] returns if anything failed, also for one failure: the type of the result
// does not depend on how many tasks happened to fail. It holds at least one.
//
// errors.Is and errors.As look through it. A failure of a named task is a
// [*TaskError], a failure of a nursery inside this one a *GroupError, and
// nothing is flattened; see [Split] and [Leaves] for ways to take it apart.
//
// The verbs %v and %s print one line, %+v prints the tree, with the stacks of
// panics.
//
// This is Python's ExceptionGroup.
type GroupError struct {
	name string
	errs []error
}

// Nursery returns the name of the nursery that failed, or "".
func (e *GroupError) Nursery() string { return e.name }

// Unwrap returns the failures in the order in which they happened. The slice
// must not be modified.
func (e *GroupError) Unwrap() []error { return e.errs }

// Error returns the message of the failure if there is one only, and otherwise
// all messages in one line.
func (e *GroupError) Error() string {
	if len(e.errs) == 1 {
		return line(e.errs[0])
	}
	var b strings.Builder
	b.WriteString(e.title())
	for i, err := range e.errs {
		b.WriteString([]string{": ", "; "}[min(i, 1)])
		b.WriteString(strings.ReplaceAll(line(err), "\n", "; "))
	}
	return b.String()
}

// title returns, for example, nursery "crawl": 2 failures.
func (e *GroupError) title() string {
	s := strconv.Itoa(len(e.errs)) + " failures"
	if len(e.errs) == 1 {
		s = "1 failure"
	}
	if e.name != "" {
		s = "nursery " + strconv.Quote(e.name) + ": " + s
	}
	return s
}

// Format implements [fmt.Formatter]; see the type.
func (e *GroupError) Format(f fmt.State, verb rune) { format(f, verb, e, e.Error()) }

// A TaskError is the failure of a task: its error with its name. In a
// [*GroupError] named tasks have one. It is also the cause with which a failure
// cancels the nursery, then with an empty name if the task has none.
type TaskError struct {
	Task string
	Err  error
}

// Error returns the task's name and the message of its error.
func (e *TaskError) Error() string {
	if p, ok := e.Err.(*PanicError); e.Task == "" || ok && p.Task == e.Task {
		return line(e.Err)
	}
	return "task " + strconv.Quote(e.Task) + ": " + line(e.Err)
}

// Unwrap returns the task's error.
func (e *TaskError) Unwrap() error { return e.Err }

// Format implements [fmt.Formatter]: %+v prints a tree, as for [GroupError].
func (e *TaskError) Format(f fmt.State, verb rune) { format(f, verb, e, e.Error()) }

// line returns the message of err, that of a panic without its stack.
func line(err error) string {
	if p, ok := err.(*PanicError); ok {
		return p.line()
	}
	if err == nil {
		return "<nil>"
	}
	return err.Error()
}

// format prints err by verb, short being its message in one line.
func format(f fmt.State, verb rune, err error, short string) {
	switch {
	case verb == 'v' && f.Flag('+'):
		var b strings.Builder
		writeTree(&b, err, "")
		io.WriteString(f, strings.TrimSuffix(b.String(), "\n")) // fmt.State keeps the error
	case verb == 'v' || verb == 's':
		io.WriteString(f, short)
	case verb == 'q':
		io.WriteString(f, strconv.Quote(short))
	default:
		fmt.Fprintf(f, "%%!%c(%T=%s)", verb, err, short)
	}
}

// writeTree writes err as a tree. The cursor is where its first line begins;
// further lines begin with indent.
func writeTree(b *strings.Builder, err error, indent string) {
	var group *GroupError
	head, stack, below := line(err), "", []error(nil)
	if task, ok := err.(*TaskError); ok {
		err = task.Err // head has its name
	}
	if p, ok := err.(*PanicError); ok {
		stack, below = string(p.Stack), p.Others
	} else if group = groupIn(err); group != nil {
		below = group.errs
		if before, ok := strings.CutSuffix(head, group.Error()); ok {
			head = before + group.title()
		} else {
			head += ": " + group.title()
		}
	}
	b.WriteString(strings.ReplaceAll(head, "\n", "\n"+indent))
	b.WriteByte('\n')
	for l := range strings.Lines(strings.TrimSuffix(stack, "\n")) {
		b.WriteString(indent + "    " + strings.TrimSuffix(l, "\n") + "\n")
	}
	for i, f := range below {
		if i < len(below)-1 {
			b.WriteString(indent + "├── ")
			writeTree(b, f, indent+"│   ")
		} else {
			b.WriteString(indent + "└── ")
			writeTree(b, f, indent+"    ")
		}
	}
}

// groupIn returns the GroupError that err is or wraps, along the chain of
// single errors.
func groupIn(err error) *GroupError {
	for err != nil {
		if g, ok := err.(*GroupError); ok {
			return g
		}
		w, ok := err.(interface{ Unwrap() error })
		if !ok {
			return nil
		}
		err = w.Unwrap()
	}
	return nil
}
