package nursery

import (
	"errors"
	"iter"
	"reflect"
)

// Leaves returns an iterator over the leaves of err: the errors that are reached
// through Unwrap() error and Unwrap() []error and unwrap to nothing more, from
// the first to the last. Of nil there are none.
func Leaves(err error) iter.Seq[error] {
	return func(yield func(error) bool) { leaves(err, yield) }
}

func leaves(err error, yield func(error) bool) bool {
	if err == nil {
		return true
	}
	inner := unwrap(err)
	if len(inner) == 0 {
		return yield(err)
	}
	for _, i := range inner {
		if !leaves(i, yield) {
			return false
		}
	}
	return true
}

// Split divides err into what matches and the rest. Both keep the shape of the
// tree: groups stay groups, with what remains of their failures, and wrappers
// stay around what they wrap. Either is nil if there is nothing in it, and err
// itself if everything is. Each leaf is in exactly one of the two.
//
// What is decided on, as a whole, is each error that stands for one leaf: a leaf
// along with all that wraps it and nothing else. It matches if match returns true
// for it or for anything in its chain of Unwrap() error. So a match by == finds what
// one by [errors.Is] finds, and the name of a [TaskError] can be matched as well as the
// error in it.
//
// This is Python's ExceptionGroup.split. Split panics if match is nil.
func Split(err error, match func(error) bool) (matched, rest error) {
	if match == nil {
		panic("nursery: Split: nil match")
	}
	if err == nil {
		return nil, nil
	}
	if single(err) {
		for e := err; ; {
			if match(e) {
				return err, nil
			}
			inner := unwrap(e)
			if len(inner) == 0 {
				return nil, err
			}
			e = inner[0]
		}
	}
	inner := unwrap(err)
	var in, out []error
	whole := [2]bool{true, true} // all of err is in matched, in rest
	for _, i := range inner {
		m, r := Split(i, match)
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
	return rebuild(err, in), rebuild(err, out)
}

// unwrap returns what err wraps, without nils.
func unwrap(err error) []error {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return []error{inner}
		}
	case interface{ Unwrap() []error }:
		all := e.Unwrap()
		for i, inner := range all {
			if inner == nil {
				kept := append([]error(nil), all[:i]...)
				for _, inner := range all[i:] {
					if inner != nil {
						kept = append(kept, inner)
					}
				}
				return kept
			}
		}
		return all
	}
	return nil
}

// single reports whether err stands for one leaf and is no group, not even one
// of a single error.
func single(err error) bool {
	for {
		if _, group := err.(interface{ Unwrap() []error }); group && len(unwrap(err)) > 0 {
			return false
		}
		inner := unwrap(err)
		if len(inner) == 0 {
			return true
		}
		err = inner[0]
	}
}

// joined is the type of what errors.Join returns.
var joined = reflect.TypeOf(errors.Join(errors.ErrUnsupported))

// rebuild returns err with only parts of what it wraps.
func rebuild(err error, parts []error) error {
	switch e := err.(type) {
	case *GroupError:
		return &GroupError{name: e.name, errs: parts}
	case *TaskError:
		return &TaskError{Task: e.Task, Err: parts[0]}
	}
	if reflect.TypeOf(err) == joined {
		return errors.Join(parts...)
	}
	return &partError{whole: err, parts: parts}
}

// A partError is a part of an error whose type is not known here: it wraps that
// part, and is the whole for errors.Is and errors.As all the same.
type partError struct {
	whole error
	parts []error
}

func (e *partError) Error() string   { return errors.Join(e.parts...).Error() }
func (e *partError) Unwrap() []error { return e.parts }

func (e *partError) Is(target error) bool {
	if t := reflect.TypeOf(e.whole); t == reflect.TypeOf(target) && t.Comparable() && reflect.ValueOf(e.whole).Comparable() && reflect.ValueOf(target).Comparable() && e.whole == target {
		return true
	}
	is, ok := e.whole.(interface{ Is(error) bool })
	return ok && is.Is(target)
}

func (e *partError) As(target any) bool {
	v := reflect.ValueOf(target)
	if v.Kind() == reflect.Pointer && !v.IsNil() && reflect.TypeOf(e.whole).AssignableTo(v.Type().Elem()) && v.Type().Elem() != errorType {
		v.Elem().Set(reflect.ValueOf(e.whole))
		return true
	}
	as, ok := e.whole.(interface{ As(any) bool })
	return ok && as.As(target)
}

var errorType = reflect.TypeFor[error]()
