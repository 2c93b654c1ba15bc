package nursery

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A GroupError holds the failures of a nursery, the first one first. [Run] returns it if
// anything failed, even for one failure, so that the type of the result does not depend on
// how many tasks failed.
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

	canceled bool // one of errs may be a cancellation
	event    any  // as bare.Event: of errs, only the last can be an echo of it; nil: not known
	judge    any  // as bare.Judge returned it for the nursery, which has looked at errs
}

// NewGroupError returns a [*GroupError] with errs that are not nil, or nil if there are
// none, for code that gathers failures itself and reports them as [Run] does. The name says
// what failed. It may be "".
func NewGroupError(name string, errs ...error) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return &GroupError{name: name, errs: errs, canceled: slices.ContainsFunc(errs, isCancellation)}
}

// Nursery returns the name of the nursery that failed, or "".
func (e *GroupError) Nursery() string { return e.name }

// Unwrap returns the failures, the earliest first. The slice must not be
// modified.
func (e *GroupError) Unwrap() []error { return e.errs }

// Error returns the message of the failure if there is one only, and otherwise
// all messages in one line.
func (e *GroupError) Error() string { return line(e) }

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

// A TaskError is the failure of a task: its error with its name. In a [*GroupError] the
// failures of named tasks are TaskErrors. A TaskError is also the cause when a failure
// cancels the nursery. Its name is empty if the task has none.
type TaskError struct {
	Task string
	Err  error
}

// Error returns the task's name and the message of its error.
func (e *TaskError) Error() string { return line(e) }

// title returns, for example, task "read": with a space behind it. A panic names its
// task itself.
func (e *TaskError) title() string {
	if p, ok := e.Err.(*PanicError); e.Task == "" || ok && p.Task == e.Task {
		return ""
	}
	return "task " + strconv.Quote(e.Task) + ": "
}

// Unwrap returns the task's error.
func (e *TaskError) Unwrap() error { return e.Err }

// with returns e with another error.
func (e *TaskError) with(err error) error { return &TaskError{Task: e.Task, Err: err} }

// Format implements [fmt.Formatter]: %+v prints a tree, as for [GroupError].
func (e *TaskError) Format(f fmt.State, verb rune) { format(f, verb, e, e.Error()) }

// An ItemError is the failure of a call of [For], [Map], [Each] or a stream: its error with
// the index of the item, from 0 on. Its message begins with the index, as in item 3: not
// found.
type ItemError struct {
	Item int
	Err  error

	names bool // Err names the item itself
}

// Error returns the index and the message of the error.
func (e *ItemError) Error() string { return line(e) }

// title returns, for example, item 3: with a space behind it.
func (e *ItemError) title() string {
	if e.names {
		return ""
	}
	return fmt.Sprintf("item %d: ", e.Item)
}

// Unwrap returns the error of the call.
func (e *ItemError) Unwrap() error { return e.Err }

// with returns e with another error.
func (e *ItemError) with(err error) error { return &ItemError{Item: e.Item, Err: err, names: e.names} }

// Format implements [fmt.Formatter]: %+v prints a tree, as for [GroupError].
func (e *ItemError) Format(f fmt.State, verb rune) { format(f, verb, e, e.Error()) }

// A labelError is a *TaskError or an *ItemError, which is not nil.
type labelError interface {
	error
	title() string
	Unwrap() error
	with(err error) error
}

// labeled returns err as a labelError.
func labeled(err error) (l labelError, ok bool) {
	switch e := err.(type) {
	case *TaskError:
		return e, e != nil
	case *ItemError:
		return e, e != nil
	}
	return nil, false
}

// line returns the message of err. The message of a panic has no stack.
func line(err error) string {
	var b strings.Builder
	writeLine(&b, err, false)
	return b.String()
}

// writeLine writes the message of err, without the stack of a panic and, if flat is true,
// without newlines. Groups can be deep, so it writes each message once.
func writeLine(b *strings.Builder, err error, flat bool) {
	switch e := err.(type) {
	case nil:
		b.WriteString("<nil>")
	case *GroupError:
		if len(e.errs) == 1 {
			writeLine(b, e.errs[0], flat)
			return
		}
		b.WriteString(e.title())
		for i, f := range e.errs {
			b.WriteString([]string{": ", "; "}[min(i, 1)])
			writeLine(b, f, true)
		}
	case *TaskError, *ItemError:
		l := err.(labelError)
		b.WriteString(l.title())
		writeLine(b, l.Unwrap(), flat)
	default:
		s := ""
		if p, ok := err.(*PanicError); ok {
			s = p.line()
		} else {
			s = err.Error()
		}
		if flat {
			s = strings.ReplaceAll(s, "\n", "; ")
		}
		b.WriteString(s)
	}
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
	title := ""
	for {
		l, ok := labeled(err)
		if !ok {
			break
		}
		title += l.title()
		err = l.Unwrap()
	}
	stack, below := "", []error(nil)
	switch e := err.(type) {
	case *PanicError:
		title += e.line()
		stack, below = string(e.Stack), e.Others
	case *GroupError:
		title += e.title()
		below = e.errs
	default:
		title += line(err)
		if group := groupIn(err); group != nil {
			below = group.errs
			if before, ok := strings.CutSuffix(title, group.Error()); ok {
				title = before + group.title()
			} else {
				title += ": " + group.title()
			}
		}
	}
	b.WriteString(strings.ReplaceAll(title, "\n", "\n"+indent))
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
