// Package errtree looks into errors of unknown types: it finds what an error wraps
// and what else it may hold, and tells whether two errors are the same.
package errtree

import (
	"math"
	"reflect"
	"slices"
)

// MaxChain bounds how far callers follow a chain of wrapped errors. An Unwrap that
// makes a new wrapper each time has no end.
const MaxChain = 1 << 20

// Unwrap returns what err wraps: the members of an error that holds several, or a
// single error. At most one of the two is not nil. No member is nil or err itself.
//
// The members are what Unwrap() []error, WrappedErrors() []error and Errors()
// []error return, or the elements if err is a slice or an array of errors. A type
// that has several of these methods, or Unwrap() error beside them, need not return
// all members from each: in retry libraries, Unwrap returns the last one. Unwrap
// therefore merges their results.
func Unwrap(err error) (members []error, inner error) {
	if list, ok := elements(err); ok {
		return clean(list, err), nil
	}
	if e, ok := err.(interface{ Unwrap() []error }); ok {
		members = e.Unwrap()
	}
	if e, ok := err.(interface{ WrappedErrors() []error }); ok {
		members = merge(members, e.WrappedErrors())
	}
	if e, ok := err.(interface{ Errors() []error }); ok {
		members = merge(members, e.Errors())
	}
	members = clean(members, err)
	e, ok := err.(interface{ Unwrap() error })
	if !ok {
		return members, nil
	}
	if inner = e.Unwrap(); inner == nil || Same(inner, err) {
		return members, nil
	}
	if len(members) == 0 {
		return nil, inner
	}
	// the inner list has the same members in hashicorp's multierror
	if list, ok := elements(inner); ok && len(merge(members, clean(list, err))) == len(members) {
		return members, nil
	}
	return merge(members, []error{inner}), nil
}

// elements returns the errors in err if its type is a slice or an array of
// errors.
func elements(err error) (list []error, ok bool) {
	t := reflect.TypeOf(err)
	if k := t.Kind(); k != reflect.Slice && k != reflect.Array || !t.Elem().Implements(errorType) {
		return nil, false
	}
	v := reflect.ValueOf(err)
	list = make([]error, v.Len())
	for i := range list {
		if e := v.Index(i); !isNil(e) {
			list[i], _ = e.Interface().(error)
		}
	}
	return list, true
}

// clean returns the members in list of the error parent, without nil and parent. It
// leaves list as it is, which belongs to parent.
func clean(list []error, parent error) []error {
	drop := func(err error) bool { return err == nil || Same(err, parent) }
	if !slices.ContainsFunc(list, drop) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), drop)
}

// merge returns list and the errors of more that are not in it. It takes linear time
// if both have the same order.
func merge(list, more []error) []error {
	at, n := 0, len(list)
	for _, err := range more {
		i := 0
		for i < n && !Same(list[(at+i)%n], err) {
			i++
		}
		if i == n {
			list = append(list[:len(list):len(list)], err)
			continue
		}
		at = (at + i + 1) % n
	}
	return list
}

// Is is [errors.Is], but looks into errors as Unwrap does, never panics because of ==,
// and gives up on errors that form a cycle.
func Is(err, target error) bool {
	if err == nil {
		return target == nil
	}
	todo := []error{err}
	for n := 0; len(todo) > 0 && n < MaxChain; n++ {
		err := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if Same(err, target) {
			return true
		}
		if isNil(reflect.ValueOf(err)) {
			continue // its methods are likely to panic
		}
		if is, ok := err.(interface{ Is(error) bool }); ok && is.Is(target) {
			return true
		}
		members, inner := Unwrap(err)
		todo = append(todo, members...)
		if inner != nil {
			todo = append(todo, inner)
		}
	}
	return false
}

// Same reports whether a and b are the same error. It never panics. If a == b does not
// panic either, Same returns the result of it. Otherwise slices and maps are the same if
// they share their memory, and functions are never the same.
func Same(a, b error) bool {
	switch t := reflect.TypeOf(a); {
	case t != reflect.TypeOf(b):
		return false
	case t == nil || t.Kind() == reflect.Pointer:
		return a == b // most errors, without the stack that reflection needs
	}
	return same(reflect.ValueOf(a), reflect.ValueOf(b), math.MaxInt)
}

// same is Same for values, and false for those with more than depth interfaces
// inside each other.
func same(a, b reflect.Value, depth int) bool {
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Interface:
		return depth > 0 && same(a.Elem(), b.Elem(), depth-1)
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i), depth) {
				return false
			}
		}
		return true
	case reflect.Array:
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i), depth) {
				return false
			}
		}
		return true
	case reflect.Pointer:
		return a.UnsafePointer() == b.UnsafePointer()
	case reflect.Slice:
		return a.Len() == b.Len() && a.UnsafePointer() == b.UnsafePointer()
	case reflect.Map:
		return a.UnsafePointer() == b.UnsafePointer()
	case reflect.Func:
		return a.IsNil() && b.IsNil()
	}
	return a.Equal(b)
}

var errorType = reflect.TypeFor[error]()
