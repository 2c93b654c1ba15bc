package nursery

import (
	"errors"
	"iter"
	"reflect"
	"slices"

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

// Split divides err into what matches and the rest. Both keep the shape of the
// tree: groups stay groups, with what remains of their failures, and wrappers
// stay around what they wrap. Either is nil if there is nothing in it, and err
// itself if everything is. Each leaf, see [Leaves], is in exactly one of the two.
//
// Split decides on each leaf along with the errors that wrap it and nothing else.
// It matches if match returns true for it or for one of them. So a match by ==
// finds what one by [errors.Is] finds, and the name of a [TaskError] can be matched
// as well as the error in it.
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
	return rebuild(wrappers, end, in), rebuild(wrappers, end, out)
}

// rebuild returns the group with only parts of its members, in its wrappers.
func rebuild(wrappers []error, group error, parts []error) error {
	part := rebuildGroup(group, parts)
	for _, w := range slices.Backward(wrappers) {
		if t, ok := w.(*TaskError); ok {
			part = &TaskError{Task: t.Task, Err: part}
		} else {
			part = &partError{whole: w, wrapper: true, parts: []error{part}}
		}
	}
	return part
}

func rebuildGroup(group error, parts []error) error {
	if g, ok := group.(*GroupError); ok {
		return &GroupError{name: g.name, errs: parts}
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
