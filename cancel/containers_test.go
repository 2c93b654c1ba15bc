package cancel_test

import (
	"errors"
	"fmt"
)

// A container is a type of error that holds other errors. It has some or none of the
// usual methods to access them.
type container struct {
	make   func(a, b error) error
	opaque bool // IsEcho cannot see all errors in it
}

// containers has error types with the usual methods, alone and together, and with fields
// of all kinds. The methods need not return every error.
var containers = []container{
	{func(a, b error) error { return wrappedErrors{[]error{a, b}} }, false},
	{func(a, b error) error { return errorsMethod{[]error{a, nil, b}} }, false},
	{func(a, b error) error { return errorList{a, b} }, false},
	{func(a, b error) error { return &errorPair{a, b} }, false},
	{func(a, b error) error { return allMethods{[]error{a, b}} }, false},
	{func(a, b error) error { return halves{[]error{a}, []error{b}} }, false},
	{func(a, b error) error { return chainOf{a, []error{b}} }, true}, // if a is a list that has only b in it
	{func(a, b error) error { return lastOf{[]error{a, b}} }, true},
	{func(a, b error) error { return anyOf{[]error{a, b}} }, true},
	{func(a, b error) error { return anyBehind{&struct{ errs []error }{[]error{a, b}}} }, true},
	{func(a, b error) error { return secondary{a, b} }, true},
	{func(a, b error) error { return secondary{nil, errors.Join(a, b)} }, true},
	{func(a, b error) error { return kinded{a, b} }, false},
	{func(a, b error) error { return &kinded{b, a} }, false},
	{func(a, b error) error { return detailed{a, b} }, false},
	{func(a, b error) error { return &detailed{b, errorList{a}} }, false},
	{func(a, b error) error { return firstOf{Errs: []error{a, b}} }, false},
	{func(a, b error) error { return &firstOf{Errs: []error{b}, Any: []any{1, a}} }, false},
	{func(a, b error) error { return firstOf{Errs: []error{a}, Pair: [2]error{b}} }, false},
	{func(a, b error) error { return firstOf{Errs: []error{a}, Rest: &rest{Errs: []error{b}}} }, false},
	{func(a, b error) error { return firstOf{Errs: []error{a}, Rest: &rest{Next: &rest{Errs: []error{b}}}} }, false},
	{func(a, b error) error { return firstOf{Errs: []error{a}, rest: &rest{Errs: []error{b}}} }, true},
	{func(a, b error) error { return firstOf{Errs: []error{a}, inner: rest{Errs: []error{b}}} }, true},
	{func(a, b error) error { return firstOf{Errs: []error{a}, byName: map[string]error{"b": b}} }, true},
	{func(a, b error) error { return firstOf{Errs: []error{a}, List: []*kinded{{a, b}}} }, false},
	{func(a, b error) error { return firstOf{Errs: []error{a}, Kinded: kinded{b, a}} }, false},
}

type (
	errorPair  [2]error
	allMethods struct{ errs []error }
	halves     struct{ a, b []error }
	chainOf    struct {
		err  error
		errs []error
	}
	rest struct {
		Errs []error
		Next *rest
	}
	// A firstOf holds errors in fields of all kinds. Unwrap returns the first one.
	firstOf struct {
		Errs   []error
		Any    []any
		Pair   [2]error
		Rest   *rest
		rest   *rest
		inner  rest
		byName map[string]error
		List   []*kinded
		Kinded kinded
	}
)

func (e *errorPair) Error() string          { return fmt.Sprint(*e) }
func (e *errorPair) Unwrap() []error        { return e[:] }
func (e allMethods) Error() string          { return fmt.Sprint(e.errs) }
func (e allMethods) Unwrap() []error        { return e.errs }
func (e allMethods) WrappedErrors() []error { return e.errs }
func (e allMethods) Errors() []error        { return e.errs }
func (e allMethods) Is(target error) bool   { return errors.Is(errors.Join(e.errs...), target) }
func (e allMethods) As(target any) bool     { return errors.As(errors.Join(e.errs...), target) }
func (e halves) Error() string              { return fmt.Sprint(e.a, e.b) }
func (e halves) Unwrap() []error            { return e.a }
func (e halves) WrappedErrors() []error     { return e.b }
func (e chainOf) Error() string             { return fmt.Sprint(e.err, e.errs) }
func (e chainOf) Unwrap() error             { return e.err }
func (e chainOf) Errors() []error           { return e.errs }
func (e firstOf) Error() string             { return fmt.Sprint(e.Errs) }
func (e firstOf) Unwrap() error             { return e.Errs[0] }
func (e firstOf) Is(target error) bool      { return errors.Is(e.Errs[0], target) }
