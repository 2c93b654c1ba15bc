package testutil

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// Is matches an error that is target, or wraps it, in the sense of [errors.Is].
// Unlike that it does not look into groups, for there may be others in them, nor
// into the value of a panic. Is panics if target is nil.
func Is(target error) ErrorMatcher {
	if target == nil {
		panic("testutil: Is: nil target")
	}
	return isMatcher{target}
}

type isMatcher struct{ target error }

func (m isMatcher) tree() tree { return tree{text: "Is(" + errorTree(m.target).line() + ")"} }

func (m isMatcher) match(err error) *mismatch {
	for e := range chain(err) {
		if isItself(e, m.target) {
			return nil
		}
	}
	if miss := closed(m, err); miss != nil {
		return miss
	}
	for e := range chain(err) {
		if e.Error() == m.target.Error() {
			return no(0.3, fmt.Sprintf("%v is another error of the same text, a %T", e, e))
		}
	}
	return no(0.8, errorTree(err).line()+" is another error")
}

// isItself is errors.Is without a look at what e wraps.
func isItself(e, target error) bool {
	if reflect.TypeOf(target).Comparable() && e == target {
		return true
	}
	is, ok := e.(interface{ Is(error) bool })
	return ok && is.Is(target)
}

// closed returns the mismatch of a matcher for single errors with one into which
// it does not look: a group or a panic. Otherwise it returns nil.
func closed(m ErrorMatcher, err error) *mismatch {
	last := end(err)
	if p, ok := last.(*nursery.PanicError); ok {
		return no(1, "panic "+show(p.Value)+" is a panic: Panic matches it")
	}
	in := members(last)
	for _, e := range in {
		if m.match(e) == nil {
			return no(0.5, errorTree(last).line()+" is a group, with a match in it: put the matcher into Group")
		}
	}
	if len(in) > 0 {
		return no(1, errorTree(last).line()+" is a group: Group matches it")
	}
	return nil
}

// As matches an error that is a T, or wraps one, in the sense of [errors.As], for
// which check returns true; a nil check stands for any. Like [Is] it does not look
// into groups and panics, but a group or a panic may be the T: As[error](nil)
// matches all there is.
//
// check may be called several times, with any error of type T that there is.
func As[T error](check func(T) bool) ErrorMatcher { return asMatcher[T]{check} }

type asMatcher[T error] struct{ check func(T) bool }

func (m asMatcher[T]) tree() tree {
	text := "As[" + reflect.TypeFor[T]().String() + "]"
	if m.check != nil {
		text += "(check)"
	}
	return tree{text: text}
}

func (m asMatcher[T]) match(err error) *mismatch {
	var some *mismatch
	for e := range chain(err) {
		x, ok := e.(T)
		if !ok {
			as, has := e.(interface{ As(any) bool })
			ok = has && as.As(&x)
		}
		if !ok {
			continue
		}
		if m.check == nil || m.check(x) {
			return nil
		}
		if some == nil {
			some = no(0.4, "check returned false for "+errorTree(x).line())
		}
	}
	if some != nil {
		return some
	}
	if miss := closed(m, err); miss != nil {
		return miss
	}
	return no(0.8, fmt.Sprintf("%s is a %T", errorTree(err).line(), end(err)))
}

// Canceled matches the error of someone who gave up because a context was canceled
// for that cause: a [*cancel.Error] with a Reason whose Cause is, or wraps, cause.
// Of a context that was canceled without one that is [context.Canceled] or
// [context.DeadlineExceeded]. Canceled panics if cause is nil.
//
// An error that is but context.Canceled, as ctx.Err() returns it, has no cause: use
// [Is], or [Echo].
func Canceled(cause error) ErrorMatcher {
	if cause == nil {
		panic("testutil: Canceled: nil cause")
	}
	return canceledMatcher{cause}
}

type canceledMatcher struct{ cause error }

func (m canceledMatcher) tree() tree {
	return tree{text: "Canceled(" + errorTree(m.cause).line() + ")"}
}

func (m canceledMatcher) match(err error) *mismatch {
	for e := range chain(err) {
		if e, ok := e.(*cancel.Error); ok {
			if errors.Is(e.Reason.Cause, m.cause) {
				return nil
			}
			return no(0.4, errorTree(e).line()+" has another cause")
		}
	}
	if miss := closed(m, err); miss != nil {
		return miss
	}
	return no(0.9, errorTree(err).line()+" is no *cancel.Error")
}

// Echo matches an error that says nothing more than that the scope s was canceled:
// an echo of that, see [cancel.Scope.IsEcho]. A group is one if all in it are.
// Echo panics if s is nil.
func Echo(s *cancel.Scope) ErrorMatcher {
	if s == nil {
		panic("testutil: Echo: nil scope")
	}
	return echoMatcher{s}
}

type echoMatcher struct{ scope *cancel.Scope }

func (m echoMatcher) tree() tree {
	if m.scope.Name() == "" {
		return tree{text: "Echo(unnamed scope)"}
	}
	return tree{text: "Echo(scope " + strconv.Quote(m.scope.Name()) + ")"}
}

func (m echoMatcher) match(err error) *mismatch {
	switch {
	case m.scope.IsEcho(err):
		return nil
	case m.scope.Err() == nil:
		return no(0.9, "the scope has not been canceled")
	}
	return no(0.9, errorTree(err).line()+" is no echo of that")
}

// Task matches the failure of the task of that name, if its error matches want: a
// [*nursery.TaskError], or the [*nursery.PanicError] of such a task. Task panics if
// want is nil.
func Task(name string, want ErrorMatcher) ErrorMatcher {
	mustMatcher("Task", want)
	return taskMatcher{name, want}
}

type taskMatcher struct {
	name string
	want ErrorMatcher
}

func (m taskMatcher) tree() tree { return m.want.tree().under("Task(" + strconv.Quote(m.name) + ")") }

func (m taskMatcher) match(err error) *mismatch {
	var nearest *mismatch
	for e := range chain(err) {
		name, inner := "", error(nil)
		switch e := e.(type) {
		case *nursery.TaskError:
			name, inner = e.Task, e.Err
		case *nursery.PanicError:
			name, inner = e.Task, e
		}
		if inner == nil || name == "" && m.name != "" {
			continue
		}
		miss := m.want.match(inner)
		switch {
		case name != m.name && miss == nil:
			miss = no(0.5, fmt.Sprintf("the task is %q, and the rest matches", name))
		case name != m.name:
			miss = no(0.9, fmt.Sprintf("the task is %q", name))
		case miss == nil:
			return nil
		default:
			miss = &mismatch{miss.why.under("in task " + strconv.Quote(name)), miss.far / 2}
		}
		if nearest == nil || miss.far < nearest.far {
			nearest = miss
		}
	}
	if nearest != nil {
		return nearest
	}
	if m.want.match(err) == nil {
		return no(0.5, errorTree(err).line()+" has no name of a task, and the rest matches")
	}
	if len(members(end(err))) > 0 {
		return closed(m, err)
	}
	return no(0.9, errorTree(err).line()+" has no name of a task")
}

// Panic matches a [*nursery.PanicError] with that value, if the other failures that
// rise with it match others, in any order; without others there must be none. A
// value that is an error matches what [Is] matches, any other what
// [reflect.DeepEqual] finds equal. Panic panics if one of others is nil.
//
// A panic leaves [nursery.Run] as a panic: recover it, or use
// [nursery.RecoverPanics].
func Panic(value any, others ...ErrorMatcher) ErrorMatcher {
	mustMatcher("Panic", others...)
	return panicMatcher{value, slices.Clone(others)}
}

type panicMatcher struct {
	value  any
	others []ErrorMatcher
}

func (m panicMatcher) tree() tree {
	return tree{"Panic(" + show(m.value) + ")", treesOf(m.others, ErrorMatcher.tree)}
}

func (m panicMatcher) match(err error) *mismatch {
	p, ok := end(err).(*nursery.PanicError)
	if !ok {
		return no(1, errorTree(err).line()+" is no panic")
	}
	if !m.matchValue(p.Value) {
		return no(0.6, "the panic's value is "+show(p.Value))
	}
	if miss := matchAll(p.Others, m.others); miss != nil {
		return &mismatch{miss.why.under("what rose with the panic"), miss.far / 2}
	}
	return nil
}

func (m panicMatcher) matchValue(v any) bool {
	if target, ok := m.value.(error); ok {
		err, ok := v.(error)
		return ok && isMatcher{target}.match(err) == nil
	}
	return reflect.DeepEqual(v, m.value)
}
