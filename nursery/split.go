package nursery

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/errtree"
)

// Leaves returns an iterator over the leaves of err, from the first to the last:
// the errors in err that wrap no other. Leaves looks through Unwrap() error, and
// into errors that hold several: by Unwrap() []error, WrappedErrors() []error or
// Errors() []error, or because they are a slice of errors. Nil has no leaves.
func Leaves(err error) iter.Seq[error] {
	return func(yield func(error) bool) {
		if err != nil {
			leaves(err, maxDepth, yield)
		}
	}
}

func leaves(err error, depth int, yield func(error) bool) bool {
	_, members, end := follow(err, depth)
	if len(members) == 0 {
		return yield(end)
	}
	for _, m := range members {
		if !leaves(m, depth-1, yield) {
			return false
		}
	}
	return true
}

// maxDepth bounds how many groups inside each other are looked into. Errors can
// form cycles.
const maxDepth = 1 << 17

// follow follows the chain of single errors that begins with err. It returns the
// wrappers, from the outside in, and the end of the chain: a group with its
// members, or a leaf, which has none. At depth 0 a group counts as a leaf.
func follow(err error, depth int) (wrappers, members []error, end error) {
	for len(wrappers) < errtree.MaxChain {
		members, inner := errtree.Unwrap(err)
		if p, ok := err.(*PanicError); ok && len(p.Others) == 0 && len(members) == 1 {
			members, inner = nil, members[0] // a panic with an error wraps that
		}
		if inner == nil {
			if depth == 0 {
				members = nil
			}
			return wrappers, members, err
		}
		wrappers = append(wrappers, err)
		err = inner
	}
	return wrappers, nil, err
}

// Split divides the leaves of err (see [Leaves]) into the leaves that match and the rest.
// Both results keep the shape of the tree: groups stay groups, with their remaining
// failures, and wrappers stay around the errors that they wrap. A result without leaves is
// nil, and a result with all leaves is err itself.
//
// A leaf matches if match returns true for the leaf, or for an error that wraps the leaf
// and nothing else. A match by == therefore finds what a match by [errors.Is] finds, and
// match can look at the name of a [TaskError] as well as at the error in it.
//
// This is Python's ExceptionGroup.split. Split panics if match is nil.
func Split(err error, match func(error) bool) (matched, rest error) {
	if match == nil {
		panic("nursery: Split: nil match")
	}
	if err == nil {
		return nil, nil
	}
	return split(err, maxDepth, match)
}

func split(err error, depth int, match func(error) bool) (matched, rest error) {
	wrappers, members, end := follow(err, depth)
	if len(members) == 0 {
		if slices.ContainsFunc(append(wrappers, end), match) {
			return err, nil
		}
		return nil, err
	}
	var in, out []error
	whole := [2]bool{true, true} // all of err is in matched, in rest
	for _, member := range members {
		m, r := split(member, depth-1, match)
		if m != nil {
			in = append(in, m)
			whole[1] = false
		}
		if r != nil {
			out = append(out, r)
			whole[0] = false
		}
	}
	switch {
	case whole[0]:
		return err, nil
	case whole[1]:
		return nil, err
	}
	return rebuild(wrappers, end, members, in), rebuild(wrappers, end, members, out)
}

// rebuild returns the group with only parts of its members, in its wrappers.
func rebuild(wrappers []error, group error, members, parts []error) error {
	part := rebuildGroup(group, members, parts)
	for _, w := range slices.Backward(wrappers) {
		if l, ok := labeled(w); ok {
			part = l.with(part)
		} else {
			part = &partError{whole: w, wrapper: true, parts: []error{part}}
		}
	}
	return part
}

func rebuildGroup(group error, members, parts []error) error {
	if g, ok := group.(*GroupError); ok {
		return &GroupError{name: g.name, errs: parts, canceled: g.canceled}
	}
	if _, ok := group.(*PanicError); ok {
		if alone, ok := parts[0].(*PanicError); ok && parts[0] == members[0] {
			return alone.with(parts[1:])
		}
		return errors.Join(parts...)
	}
	if reflect.TypeOf(group) == joined {
		return errors.Join(parts...)
	}
	return &partError{whole: group, parts: parts}
}

// joined is the type of what errors.Join returns.
var joined = reflect.TypeOf(errors.Join(errors.ErrUnsupported))

// A partError is a part of an error of an unknown type. It wraps the part, but
// errors.Is and errors.As find the whole in it, and ask the methods Is and As of a
// wrapper. They do not ask a group, which may answer for members in the other part.
type partError struct {
	whole   error
	wrapper bool
	parts   []error
}

func (e *partError) Error() string   { return errors.Join(e.parts...).Error() }
func (e *partError) Unwrap() []error { return e.parts }

func (e *partError) Is(target error) bool {
	if errtree.Same(e.whole, target) {
		return true
	}
	is, ok := e.whole.(interface{ Is(error) bool })
	return ok && e.wrapper && is.Is(target)
}

func (e *partError) As(target any) bool {
	v := reflect.ValueOf(target)
	if v.Kind() == reflect.Pointer && !v.IsNil() && reflect.TypeOf(e.whole).AssignableTo(v.Type().Elem()) && v.Type().Elem() != errorType {
		v.Elem().Set(reflect.ValueOf(e.whole))
		return true
	}
	as, ok := e.whole.(interface{ As(any) bool })
	return ok && e.wrapper && as.As(target)
}

var errorType = reflect.TypeFor[error]()

// dropEchoes returns err, which came to a nursery with that scope, without the echoes of
// the scope's cancellation. It returns nil if nothing is left, and reports whether err held
// echoes. It looks for echoes in groups of nested nurseries. Any other error is an echo as
// a whole or not at all.
func dropEchoes(s *cancel.Scope, err error) (left error, echoed bool) {
	event := bare.Event(s)
	if event == nil {
		// The scope may be about to end, by an end above or a deadline. IsEcho looks, if err
		// is a cancellation. A nested nursery has looked at what is in its group.
		switch g := groupOf(err); {
		case g == nil:
			if s.IsEcho(err) {
				return nil, true
			}
		case g.canceled:
			s.IsEcho(context.DeadlineExceeded)
		}
		if event = bare.Event(s); event == nil {
			return err, false
		}
	}
	return dropEchoesIn(s, event, err)
}

func dropEchoesIn(s *cancel.Scope, event any, err error) (left error, echoed bool) {
	switch e := err.(type) {
	case *TaskError, *ItemError:
		l, ok := labeled(err)
		if !ok || context.Cause(s) == err || groupOf(l.Unwrap()) == nil {
			break
		}
		left, echoed := dropEchoesIn(s, event, l.Unwrap())
		switch {
		case !echoed:
			return err, false
		case left == nil:
			return nil, true
		}
		return l.with(left), true
	case *GroupError:
		if e == nil {
			break
		}
		var kept []error
		if e.event == event && e.judge == bare.Judge(s) {
			// The nursery inside ended by the same event, and has looked at all that
			// came to it.
			if kept = e.errs; kept[len(kept)-1] != cancel.Err(s) {
				return err, false
			}
			kept = kept[: len(kept)-1 : len(kept)-1]
			echoed = true
		} else {
			kept = make([]error, 0, len(e.errs))
			for _, f := range e.errs {
				l, some := dropEchoesIn(s, event, f)
				echoed = echoed || some
				if l != nil {
					kept = append(kept, l)
				}
			}
		}
		switch {
		case !echoed:
			return err, false
		case len(kept) == 0:
			return nil, true
		}
		return &GroupError{name: e.name, errs: kept, canceled: true, event: e.event, judge: e.judge}, true
	}
	if s.IsEcho(err) {
		return nil, true
	}
	return err, false
}

// groupOf returns the group that err is, with or without labels, or nil.
func groupOf(err error) *GroupError {
	for {
		l, ok := labeled(err)
		if !ok {
			g, _ := err.(*GroupError)
			return g
		}
		err = l.Unwrap()
	}
}

// isCancellation reports whether err is a cancellation, or is or wraps a group that holds
// one.
func isCancellation(err error) bool {
	_, _, end := follow(err, maxDepth)
	if g, ok := end.(*GroupError); ok && g != nil {
		return g.canceled
	}
	return errtree.Is(err, context.Canceled) || errtree.Is(err, context.DeadlineExceeded)
}
