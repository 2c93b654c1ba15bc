package errtree

import (
	"reflect"
	"sync"
)

// A Held is an error in a field of another error.
type Held struct{ v reflect.Value }

// Is reports whether the held error is err. It calls no method of either.
func (h Held) Is(err error) bool {
	// If wrappers hold each other by value, comparing one takes as long as the
	// chain, and a chain has many.
	const depth = 100
	return h.v.IsValid() && err != nil && same(h.v, reflect.ValueOf(err), depth)
}

// Read returns the held error, unless it is in an unexported field.
func (h Held) Read() (err error, ok bool) {
	if !h.v.IsValid() || !h.v.CanInterface() {
		return nil, false
	}
	err, ok = h.v.Interface().(error)
	return err, ok
}

// AllHeld reports whether ok returns true for each error that err holds in its fields,
// exported or not. Such a field may be an error, an interface that contains an error, or a
// list of these, even in a struct within err. AllHeld calls no method of any error.
//
// AllHeld looks behind a pointer only for fields that are declared as errors, because other
// data there may be shared with running code, such as a request or a connection. For the
// same reason it reads no map, and no struct with a lock behind a pointer, even if err
// itself is one. If such a map or struct can contain errors, AllHeld calls ok with a Held
// that cannot be read and is not any error. It does the same for a nil pointer that is an
// error.
//
// A concrete type with a method Error in an unexported field need not be an error of its
// own: a stack trace can have that method. If ok returns false for such a field, its own
// fields decide.
func AllHeld(err error, ok func(Held) bool) bool {
	w := walker{ok, maxPointers}
	return w.walk(planOf(reflect.TypeOf(err)), reflect.ValueOf(err))
}

// MayHold reports whether a value of err's type can hold errors, as far as the type
// tells. An interface, a function or a channel can.
func MayHold(err error) bool { return planOf(reflect.TypeOf(err)).kind != nothing }

// maxPointers bounds how many pointers AllHeld follows. They can form cycles.
const maxPointers = 1000

type walker struct {
	ok       func(Held) bool
	pointers int
}

func (w *walker) walk(p *plan, v reflect.Value) bool {
	switch p.kind {
	case dynamic:
		v = v.Elem()
		if !v.IsValid() {
			return true
		}
		if !v.Type().Implements(errorType) {
			switch v.Kind() {
			case reflect.Slice, reflect.Array, reflect.Struct, reflect.Map:
				return w.walk(planOf(v.Type()), v)
			}
			return true // other goroutines may write to what it leads to
		}
		if isNil(v) {
			v = reflect.Value{} // not to be read: its methods are likely to panic
		}
		return w.ok(Held{v})
	case concrete:
		return v.IsZero() || w.ok(Held{v}) || !v.CanInterface() && w.walk(p.elem, v)
	case closed:
		return v.IsZero() || v.Kind() == reflect.Map && v.Len() == 0 || w.ok(Held{})
	case pointer:
		if v.IsNil() {
			return true
		}
		if w.pointers--; w.pointers < 0 {
			return w.ok(Held{})
		}
		return w.walk(p.elem, v.Elem())
	case list:
		for i := range v.Len() {
			if !w.walk(p.elem, v.Index(i)) {
				return false
			}
		}
	case structure:
		for _, f := range p.fields {
			if !w.walk(f.plan, v.Field(f.index)) {
				return false
			}
		}
	}
	return true
}

func isNil(v reflect.Value) bool { return v.Kind() == reflect.Pointer && v.IsNil() }

// A plan says where values of a type hold errors.
type plan struct {
	kind   kind
	elem   *plan   // of concrete, pointer, list
	fields []field // of structure: the ones to look at
}

type field struct {
	index int
	plan  *plan
}

type kind uint8

const (
	nothing   kind = iota // no error can be in it
	unknown               // errors can be in it, but are not looked for
	structure             // a struct with fields of the kinds below, or this one
	dynamic               // an interface
	concrete              // a type with a method Error
	closed                // an error is in it unless it is empty
	pointer
	list
)

var plans sync.Map // reflect.Type -> *plan

// planOf returns the plan for errors of type t.
func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	var p plan
	if b := make(builder); t.Kind() == reflect.Pointer {
		// What an error points to is the error itself.
		elem := b.inside(t.Elem(), true)
		kind := pointer
		if hasLock(t.Elem()) {
			kind = closed
		}
		p = around(kind, &elem)
	} else {
		p = b.inside(t, true)
	}
	plans.Store(t, &p)
	return &p
}

// around returns a plan of kind k for what leads to elem, if anything does.
func around(k kind, elem *plan) plan {
	if elem.kind <= unknown {
		return plan{kind: elem.kind}
	}
	return plan{kind: k, elem: elem}
}

// A builder has the plans that were begun, because types can be recursive.
type builder map[place]*plan

type place struct {
	t   reflect.Type
	own bool // in the error's own memory, not behind a pointer
}

// field returns the plan for a field or an element of type t.
func (b builder) field(t reflect.Type, own bool) *plan {
	if p, ok := b[place{t, own}]; ok {
		return p
	}
	p := &plan{kind: structure} // not nothing, for the types inside that lead back to t
	b[place{t, own}] = p
	if inside := b.inside(t, own); t.Kind() != reflect.Interface && t.Implements(errorType) {
		*p = plan{kind: concrete, elem: &inside}
	} else {
		*p = inside
	}
	return p
}

// inside returns the plan for what a value of type t holds.
func (b builder) inside(t reflect.Type, own bool) plan {
	switch t.Kind() {
	case reflect.Interface:
		if own || t.Implements(errorType) {
			return plan{kind: dynamic}
		}
		return plan{kind: unknown}
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return plan{kind: unknown}
	case reflect.Map:
		// Reading a map that another goroutine writes to is fatal.
		return around(closed, &plan{kind: max(b.field(t.Key(), false).kind, b.field(t.Elem(), false).kind)})
	case reflect.Pointer:
		if hasLock(t.Elem()) {
			return around(closed, b.field(t.Elem(), false))
		}
		return around(pointer, b.field(t.Elem(), false))
	case reflect.Slice, reflect.Array:
		return around(list, b.field(t.Elem(), own))
	case reflect.Struct:
		var p plan
		for i := range t.NumField() {
			f := b.field(t.Field(i).Type, own)
			if f.kind > unknown {
				p.fields = append(p.fields, field{i, f})
			}
			p.kind = max(p.kind, min(f.kind, structure))
		}
		return p
	}
	return plan{}
}

// hasLock reports whether t is, or is a struct with, something to be locked.
func hasLock(t reflect.Type) bool {
	if t.Kind() == reflect.Struct {
		for field := range t.Fields() {
			if reflect.PointerTo(field.Type).Implements(lockerType) {
				return true
			}
		}
	}
	return reflect.PointerTo(t).Implements(lockerType)
}

var lockerType = reflect.TypeFor[sync.Locker]()
