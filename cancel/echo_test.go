package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

// Errors that hold others, in the ways that libraries have for it.
type (
	wrappedErrors struct{ errs []error }
	errorsMethod  struct{ errs []error }
	errorList     []error
	lastOf        struct{ errs []error } // Unwrap returns the last one
	anyOf         struct{ errs []error } // Is answers for all
	anyBehind     struct{ p *struct{ errs []error } }
	secondary     struct {
		error
		also error
	}
	kinded struct{ Kind, Err error }
	coded  struct {
		err  error
		code code
	}
	traced struct {
		err   error
		trace *trace
	}
	detailed struct {
		Err    error
		Detail any
	}
	leafIs   struct{ code int }
	emptyIs  struct{ err error } // Unwrap returns nil
	endless  struct{ n int }
	pair     struct{ a, b *pair }
	selfWrap struct{ n int }
)

type (
	trace []string
	code  int
)

func (e wrappedErrors) Error() string          { return fmt.Sprint(e.errs) }
func (e wrappedErrors) WrappedErrors() []error { return e.errs }
func (e errorsMethod) Error() string           { return fmt.Sprint(e.errs) }
func (e errorsMethod) Errors() []error         { return e.errs }
func (e errorList) Error() string              { return fmt.Sprint([]error(e)) }
func (e lastOf) Error() string                 { return fmt.Sprint(e.errs) }
func (e lastOf) Unwrap() error                 { return e.errs[len(e.errs)-1] }
func (e anyOf) Error() string                  { return fmt.Sprint(e.errs) }
func (e anyOf) Is(target error) bool           { return errors.Is(errors.Join(e.errs...), target) }
func (e anyBehind) Error() string              { return fmt.Sprint(e.p.errs) }
func (e anyBehind) Is(target error) bool       { return errors.Is(errors.Join(e.p.errs...), target) }
func (e secondary) Unwrap() error              { return e.error }
func (e kinded) Error() string                 { return fmt.Sprint(e.Kind, e.Err) }
func (e kinded) Unwrap() error                 { return e.Err }
func (e coded) Error() string                  { return fmt.Sprint(e.code, e.err) }
func (e coded) Unwrap() error                  { return e.err }
func (e traced) Error() string                 { return e.err.Error() }
func (e traced) Unwrap() error                 { return e.err }
func (e detailed) Error() string               { return fmt.Sprint(e.Err, e.Detail) }
func (e detailed) Unwrap() error               { return e.Err }
func (e leafIs) Error() string                 { return fmt.Sprint("leaf ", e.code) }
func (e leafIs) Is(target error) bool          { return target == context.Canceled }
func (e emptyIs) Error() string                { return "empty" }
func (e emptyIs) Unwrap() error                { return nil }
func (e emptyIs) Is(target error) bool         { return target == context.Canceled }
func (e endless) Error() string                { return "endless" }
func (e endless) Unwrap() error                { return endless{e.n + 1} }
func (e *pair) Error() string                  { return "pair" }
func (e *pair) Unwrap() []error                { return []error{e.a, e.b} }
func (e *selfWrap) Error() string              { return "self" }
func (e *selfWrap) Unwrap() error              { return e }
func (trace) Error() string                    { return "trace" }
func (code) Error() string                     { return "code" }

func TestEchoContainers(t *testing.T) {
	s := cancel.New(t.Context())
	defer s.Close()
	boom := errors.New("boom")
	s.Cancel(boom)
	c, disk := context.Canceled, errors.New("disk full")
	wrap := func(err error) error { return fmt.Errorf("x: %w", err) }
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"WrappedErrors", wrappedErrors{[]error{c, cancel.Err(s), boom}}, true},
		{"WrappedErrors, one real", wrappedErrors{[]error{c, disk}}, false},
		{"Errors", errorsMethod{[]error{c, nil, wrap(c)}}, true},
		{"Errors, one real", errorsMethod{[]error{disk, c}}, false},
		{"a slice", errorList{c, wrap(boom)}, true},
		{"a slice, one real", errorList{disk, c}, false},
		{"an empty slice", errorList{}, false},
		{"the last of several", lastOf{[]error{wrap(c), c}}, false}, // the first cannot be read
		{"the last of the same", lastOf{[]error{c, c}}, true},
		{"the last of several, one real", lastOf{[]error{disk, c}}, false},
		{"Is any of several", anyOf{[]error{c, c}}, false}, // may hold anything
		{"Is any of several, one real", anyOf{[]error{disk, c}}, false},
		{"Is any, behind a pointer", anyBehind{&struct{ errs []error }{[]error{disk, c}}}, false},
		{"an error beside", secondary{c, disk}, false},
		{"an error beside, deep inside", wrap(errorList{c, wrap(secondary{c, disk})}), false},
		{"an echo beside", secondary{wrap(c), boom}, true},
		{"nothing beside", secondary{c, nil}, true},
		{"the same beside", secondary{wrap(c), c}, true},
		{"a real kind", kinded{fs.ErrNotExist, c}, false},
		{"a kind that is an echo", kinded{wrap(boom), c}, true},
		{"a kind that is real inside", kinded{wrap(wrappedErrors{[]error{c, disk}}), c}, false},
		{"a code", coded{c, 1}, true}, // cannot be read, and holds nothing
		{"a stack trace", traced{c, &trace{"main.main"}}, true},
		{"a detail", detailed{c, 42}, true},
		{"a detail that is real", detailed{c, disk}, false},
		{"a detail that is an echo", detailed{c, wrap(c)}, true},
		{"a leaf that says so", leafIs{1}, true},
		{"a wrapped leaf that says so", wrap(&leafIs{1}), true},
		{"a wrapper of nothing that says so", emptyIs{nil}, false}, // has room for an error
		{"a wrapper of nothing", &net.OpError{}, false},
	} {
		t.Run("C9/"+tt.name, func(t *testing.T) {
			if got := s.IsEcho(tt.err); got != tt.want {
				t.Errorf("IsEcho(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
}

func TestEchoWithoutEnd(t *testing.T) {
	s := cancel.New(t.Context())
	defer s.Close()
	s.Cancel(nil)
	t.Run("C9/deep", func(t *testing.T) {
		for want, err := range map[bool]error{true: cancel.Err(s), false: io.EOF} {
			chain, joined := err, err
			for i := range 100_000 {
				if i%2 == 0 {
					chain = &net.OpError{Err: chain}
				} else {
					chain = &kinded{nil, chain}
				}
				joined = errors.Join(joined)
			}
			if s.IsEcho(chain) != want || s.IsEcho(joined) != want {
				t.Errorf("IsEcho() of wrapped %v = %v, joined %v, want %v", err, !want, s.IsEcho(joined), want)
			}
		}
	})
	t.Run("C9/a cycle is not an echo", func(t *testing.T) {
		a := &pair{}
		a.a, a.b = &pair{a, a}, a
		turn := &kinded{}
		turn.Err = &net.OpError{Err: turn}
		for name, err := range map[string]error{
			"of itself": &selfWrap{1}, "of two": turn, "without an end": endless{}, "of groups": a,
		} {
			if s.IsEcho(err) {
				t.Errorf("%s: IsEcho() = true, want false", name)
			}
		}
	})
}

// echoIf reports whether err is an echo of a canceled scope below scopes with
// these options EchoIf, the first of them the innermost, and a shield.
func echoIf(t *testing.T, err error, is ...func(error) bool) bool {
	ctx := t.Context()
	for _, is := range slices.Backward(is) {
		s := cancel.New(ctx, cancel.EchoIf(is))
		defer s.Close()
		ctx = s
	}
	// A value in between and a shield make no difference.
	s := cancel.New(context.WithValue(ctx, key(1), 1), cancel.Shielded())
	defer s.Close()
	if s.IsEcho(err) {
		t.Errorf("IsEcho(%v) of an open scope = true, want false", err)
	}
	s.Cancel(nil)
	return s.IsEcho(err)
}

func TestEchoPredicates(t *testing.T) {
	type predicate = func(error) bool
	other := cancel.New(t.Context())
	other.Cancel(nil)
	disk := errors.New("disk full")
	// As status.Code of package grpc does, it finds the first one in the tree.
	isStatus := func(err error) bool { return errors.As(err, new(code)) }
	for _, tt := range []struct {
		name string
		err  error
		is   []predicate
		want bool
	}{
		{"none", code(1), nil, false},
		{"a leaf", code(1), []predicate{isStatus}, true},
		{"another leaf", disk, []predicate{isStatus}, false},
		{"wrapped", fmt.Errorf("x: %w", code(1)), []predicate{isStatus}, true},
		{"joined with an echo", errors.Join(code(1), context.Canceled), []predicate{isStatus}, true},
		{"joined with a real error", errors.Join(code(1), disk), []predicate{isStatus}, false},
		{"wrapped, joined with a real error", fmt.Errorf("x: %w", errors.Join(code(1), disk)), []predicate{isStatus}, false},
		{"a real error beside", secondary{code(1), disk}, []predicate{isStatus}, false},
		{"another scope's Error", fmt.Errorf("x: %w", cancel.Err(other)), []predicate{func(error) bool { return true }}, false},
		{"an error that must not be taken for one", opaque{code(1), false}, []predicate{isStatus}, false},
	} {
		t.Run("C9/"+tt.name, func(t *testing.T) {
			if got := echoIf(t, tt.err, tt.is...); got != tt.want {
				t.Errorf("echoes(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
	t.Run("C9/the innermost error first, and of that the innermost scope", func(t *testing.T) {
		var asked []string
		ask := func(name, yes string) predicate {
			return func(err error) bool {
				asked = append(asked, name+" "+err.Error())
				return err.Error() == yes
			}
		}
		err := fmt.Errorf("b: %w", fmt.Errorf("a: %w", disk))
		want := []string{"inner disk full", "outer disk full", "inner a: disk full", "outer a: disk full"}
		if !echoIf(t, err, ask("inner", ""), ask("outer", "a: disk full")) || !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q, and an echo", asked, want)
		}
		asked = nil
		if echoIf(t, errors.Join(fmt.Errorf("a: %w", disk)), ask("p", "")); !slices.Equal(asked, []string{"p disk full", "p a: disk full"}) {
			t.Errorf("asked %q, want nothing above the group", asked)
		}
		asked = nil
		if !echoIf(t, fmt.Errorf("b: %w", context.Canceled), ask("p", "")) || asked != nil {
			t.Errorf("asked %q about an echo, want nothing", asked)
		}
	})
	t.Run("C9/a predicate is not asked while the scope is open", func(t *testing.T) {
		s := cancel.New(t.Context(), cancel.EchoIf(func(err error) bool {
			t.Errorf("asked about %v", err)
			return true
		}))
		defer s.Close()
		if s.IsEcho(disk) || s.Absorb(disk) != disk {
			t.Error("IsEcho() = true, want false")
		}
	})
	bubble(t, "C9/a predicate counts before the timer of a deadline that has passed has fired", func(t *testing.T, ctx context.Context) {
		for range 50 {
			s := cancel.New(ctx, cancel.Timeout(time.Second), cancel.EchoIf(isStatus))
			time.Sleep(time.Second)
			if !s.IsEcho(code(1)) {
				t.Error("IsEcho() = false, want true")
			}
			s.Close()
		}
	})
	t.Run("C9/a scope beside is not concerned", func(t *testing.T) {
		root := cancel.New(t.Context())
		with := cancel.New(root, cancel.EchoIf(isStatus))
		without := cancel.New(root)
		root.Cancel(nil)
		if !with.IsEcho(code(1)) || without.IsEcho(code(1)) || root.IsEcho(code(1)) {
			t.Error("the option holds for another scope than its own")
		}
	})
}
