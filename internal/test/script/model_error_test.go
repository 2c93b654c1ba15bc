package script_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A fault is an error. Its address is its identity.
type fault struct {
	text     string // the message, if nothing is inside
	kind     string // the format for the messages inside
	inside   []*fault
	event    *event // the event of a cancel.Error
	bare     bool   // one of package context's errors
	deadline bool   // which of them
	group    *modelNursery
	name     string // of the task, in the cause of a failure
	panics   bool   // inside are the other failures
}

func (f *fault) String() string {
	switch {
	case f == nil:
		return "nil"
	case f.event != nil:
		return canceledText(bareError(f.event.deadline), f.event.source, f.event.origin.name)
	case f.bare:
		return bareError(f.deadline).Error()
	case f.kind == "":
		return f.text
	}
	var all []string
	for _, i := range f.inside {
		all = append(all, i.String())
	}
	slices.Sort(all)
	return fmt.Sprintf(f.kind, strings.Join(all, " "))
}

func bareError(deadline bool) error {
	if deadline {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// with returns an error that contains other errors.
func with(kind string, inside ...*fault) *fault { return &fault{kind: kind, inside: inside} }

// goexitFault represents a Goexit.
var goexitFault = &fault{text: nursery.ErrGoexit.Error()}

func failureOf(a *act) *fault { return &fault{text: a.failure().Error()} }

// An event is the cancellation of a scope.
type event struct {
	origin   *modelScope
	source   cancel.Source
	deadline bool
	cause    *fault
}

func (e *event) err() *fault {
	if e == nil {
		return nil
	}
	return &fault{event: e}
}

// echo reports whether f is an echo of e: C9.
func (e *event) echo(f *fault) bool {
	switch {
	case e == nil:
		return false
	case f == e.cause:
		return true
	case f.event != nil:
		return f.event == e
	case f.bare:
		return f.deadline == e.deadline
	case f.panics || len(f.inside) == 0:
		return false
	}
	return !slices.ContainsFunc(f.inside, func(f *fault) bool { return !e.echo(f) })
}
