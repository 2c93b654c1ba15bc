package script_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A causeID identifies the cause of a cancellation.
type causeID int

func (c causeID) Error() string { return fmt.Sprint("cause ", int(c)) }

// A line of a trace is an event of an act, or of a member inside it.
type line struct {
	at   time.Duration
	id   int
	what string
}

func (l line) String() string { return fmt.Sprintf("%v act %d: %s", l.at, l.id, l.what) }

// A trace is sorted by time, then by act, because the order in which siblings notice an
// event is not determined.
type trace []line

func (t trace) sorted() trace {
	slices.SortFunc(t, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id), strings.Compare(a.what, b.what))
	})
	return t
}

// text returns a description of an error that does not depend on the order in which
// siblings notice an event.
func text(err error) string {
	list := func(errs []error) string {
		var all []string
		for _, e := range errs {
			all = append(all, text(e))
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	switch e := err.(type) {
	case nil:
		return "nil"
	case failureID, causeID:
		return e.Error()
	case *cancel.Error:
		return canceledText(e.Err, e.Reason.Source, e.Reason.Scope)
	case *nursery.TaskError:
		return fmt.Sprintf("task%q(%s)", e.Task, text(e.Err))
	case *nursery.ItemError:
		return fmt.Sprintf("item%d(%s)", e.Item, text(e.Err))
	case *nursery.GroupError:
		return fmt.Sprintf("nursery%q(%s)", e.Nursery(), list(e.Unwrap()))
	case *nursery.PanicError:
		return fmt.Sprintf("panic %d of %q(%s)", e.Value, e.Task, list(e.Others))
	case interface{ Unwrap() []error }:
		return fmt.Sprintf("joined(%s)", list(e.Unwrap()))
	case interface{ Unwrap() error }:
		return fmt.Sprintf("wrapped(%s)", text(e.Unwrap()))
	}
	return err.Error()
}

func canceledText(err error, source cancel.Source, scope string) string {
	return fmt.Sprintf("[%v by %v %s]", err, source, scope)
}

// diff returns the first difference between the traces, or "".
func diff(got, want trace) string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			return fmt.Sprintf("got\n%swant\n%s", got.around(i), want.around(i))
		}
	}
	return ""
}

// around returns the lines around the one with index i.
func (t trace) around(i int) string {
	var b strings.Builder
	for _, l := range t[max(0, min(i, len(t))-4):min(len(t), i+4)] {
		fmt.Fprintf(&b, "\t%v\n", l)
	}
	return b.String()
}
