package errmatch

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// Is matches an error that is target or wraps it, as in [errors.Is]. Unlike errors.Is it
// does not look into groups, which may hold other errors, or into the value of a panic.
// Is panics if target is nil.
func Is(target error) Matcher {
	if target == nil {
		panic("errmatch: Is: nil target")
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
			return no(0.3, fmt.Sprintf("%v is a different error with the same text, a %T", e, e))
		}
	}
	return no(0.8, errorTree(err).line()+" is a different error")
}

// isItself is like errors.Is but does not unwrap e.
func isItself(e, target error) bool {
	if reflect.TypeOf(target).Comparable() && e == target {
		return true
	}
	is, ok := e.(interface{ Is(error) bool })
	return ok && is.Is(target)
}

// closed returns the mismatch of err if it is a group or a panic, which matchers for
// single errors do not look into. Otherwise it returns nil.
func closed(m Matcher, err error) *mismatch {
	last := end(err)
	if p, ok := last.(*nursery.PanicError); ok {
		return no(1, "panic "+show(p.Value)+" is a panic: use Panic")
	}
	in := members(last)
	for _, e := range in {
		if m.match(e) == nil {
			return no(0.5, errorTree(last).line()+" is a group with a match in it: put the matcher into Group")
		}
	}
	if len(in) > 0 {
		return no(1, errorTree(last).line()+" is a group: use Group")
	}
	return nil
}

// As matches an error that is a T or wraps one, as in [errors.As], if check returns true
// for it. A nil check accepts every T. Like [Is] it does not look into groups and panics,
// but a group or a panic may itself be the T: As[error](nil) matches every error.
//
// check may be called several times, with any T in the error.
func As[T error](check func(T) bool) Matcher { return asMatcher[T]{check} }

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

// Canceled matches the error of code that gave up because its context was canceled for
// that cause: a [*cancel.Error] in which Reason.Cause is cause or wraps it. The Cause of
// a context canceled without one is [context.Canceled] or [context.DeadlineExceeded].
// Canceled panics if cause is nil.
//
// A bare context.Canceled, as returned by ctx.Err(), has no cause; match it with [Is] or
// [Echo].
func Canceled(cause error) Matcher {
	if cause == nil {
		panic("errmatch: Canceled: nil cause")
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
			return no(0.4, errorTree(e).line()+" has a different cause")
		}
	}
	if miss := closed(m, err); miss != nil {
		return miss
	}
	return no(0.9, errorTree(err).line()+" is not a *cancel.Error")
}

// Echo matches an error that is an echo of the cancellation of the scope s; see
// [cancel.Scope.IsEcho]. A group matches if all its errors do. Echo panics if s is nil.
func Echo(s *cancel.Scope) Matcher {
	if s == nil {
		panic("errmatch: Echo: nil scope")
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
	return no(0.9, errorTree(err).line()+" is not an echo of the scope's cancellation")
}

// Task matches the failure of the task with that name if its error matches want. The
// failure is a [*nursery.TaskError] or a [*nursery.PanicError]. Task panics if want is
// nil.
func Task(name string, want Matcher) Matcher {
	mustMatcher("Task", want)
	return taskMatcher{name, want}
}

type taskMatcher struct {
	name string
	want Matcher
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
			miss = no(0.5, fmt.Sprintf("the task is %q, but the rest matches", name))
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
		return no(0.5, errorTree(err).line()+" has no task name, but the rest matches")
	}
	if len(members(end(err))) > 0 {
		return closed(m, err)
	}
	return no(0.9, errorTree(err).line()+" has no task name")
}

// Item matches the failure of the call for the item with that index, if its error matches
// want: a [*nursery.ItemError]. Item panics if want is nil.
func Item(index int, want Matcher) Matcher {
	mustMatcher("Item", want)
	return itemMatcher{index, want}
}

type itemMatcher struct {
	index int
	want  Matcher
}

func (m itemMatcher) tree() tree { return m.want.tree().under(fmt.Sprintf("Item(%d)", m.index)) }

func (m itemMatcher) match(err error) *mismatch {
	for e := range chain(err) {
		item, ok := e.(*nursery.ItemError)
		if !ok {
			continue
		}
		miss := m.want.match(item.Err)
		switch {
		case item.Item != m.index && miss == nil:
			return no(0.5, fmt.Sprintf("the item is %d, and the rest matches", item.Item))
		case item.Item != m.index:
			return no(0.9, fmt.Sprintf("the item is %d", item.Item))
		case miss == nil:
			return nil
		}
		return &mismatch{miss.why.under(fmt.Sprintf("in item %d", item.Item)), miss.far / 2}
	}
	if m.want.match(err) == nil {
		return no(0.5, errorTree(err).line()+" has no index of an item, and the rest matches")
	}
	return no(0.9, errorTree(err).line()+" has no index of an item")
}

// Panic matches a [*nursery.PanicError] with that value, if its other failures match
// others, in any order. Without others, the error must have no other failures. An error
// value matches as in [Is], any other value as in [reflect.DeepEqual]. Panic panics if
// one of others is nil.
//
// A panic leaves [nursery.Run] as a panic: recover it, or use
// [nursery.RecoverPanics].
func Panic(value any, others ...Matcher) Matcher {
	mustMatcher("Panic", others...)
	return panicMatcher{value, slices.Clone(others)}
}

type panicMatcher struct {
	value  any
	others []Matcher
}

func (m panicMatcher) tree() tree {
	return tree{"Panic(" + show(m.value) + ")", treesOf(m.others, Matcher.tree)}
}

func (m panicMatcher) match(err error) *mismatch {
	p, ok := end(err).(*nursery.PanicError)
	if !ok {
		return no(1, errorTree(err).line()+" is not a panic")
	}
	if !m.matchValue(p.Value) {
		return no(0.6, "the panic's value is "+show(p.Value))
	}
	if miss := matchAll(p.Others, m.others); miss != nil {
		return &mismatch{miss.why.under("failures reported with the panic"), miss.far / 2}
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
