package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

// These errors hold other errors in the ways that libraries do.
type (
	wrappedErrors struct{ errs []error }
	errorsMethod  struct{ errs []error }
	errorList     []error
	lastOf        struct{ errs []error } // Unwrap returns the last of errs
	anyOf         struct{ errs []error } // Is matches any of errs
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
		{"WrappedErrors of echoes", wrappedErrors{[]error{c, cancel.Err(s), boom}}, true},
		{"WrappedErrors with a real error", wrappedErrors{[]error{c, disk}}, false},
		{"Errors of echoes", errorsMethod{[]error{c, nil, wrap(c)}}, true},
		{"Errors with a real error", errorsMethod{[]error{disk, c}}, false},
		{"a slice of echoes", errorList{c, wrap(boom)}, true},
		{"a slice with a real error", errorList{disk, c}, false},
		{"an empty slice", errorList{}, false},
		{"Unwrap to the last of two echoes", lastOf{[]error{wrap(c), c}}, false}, // Unwrap hides the first
		{"Unwrap to the last of two equal echoes", lastOf{[]error{c, c}}, true},
		{"Unwrap to an echo after a real error", lastOf{[]error{disk, c}}, false},
		{"Is that matches any of two echoes", anyOf{[]error{c, c}}, false}, // could hold any error
		{"Is that matches an echo or a real error", anyOf{[]error{disk, c}}, false},
		{"Is that matches a real error behind a pointer", anyBehind{&struct{ errs []error }{[]error{disk, c}}}, false},
		{"a real error beside an echo", secondary{c, disk}, false},
		{"a real error beside an echo, deep inside", wrap(errorList{c, wrap(secondary{c, disk})}), false},
		{"an echo beside an echo", secondary{wrap(c), boom}, true},
		{"nil beside an echo", secondary{c, nil}, true},
		{"an echo beside its wrapper", secondary{wrap(c), c}, true},
		{"an echo with a real error as its kind", kinded{fs.ErrNotExist, c}, false},
		{"an echo with an echo as its kind", kinded{wrap(boom), c}, true},
		{"an echo with a kind that holds a real error", kinded{wrap(wrappedErrors{[]error{c, disk}}), c}, false},
		{"an echo with a code", coded{c, 1}, true}, // a code cannot hold an error
		{"an echo with a stack trace", traced{c, &trace{"main.main"}}, true},
		{"an echo with a number as its detail", detailed{c, 42}, true},
		{"an echo with a real error as its detail", detailed{c, disk}, false},
		{"an echo with an echo as its detail", detailed{c, wrap(c)}, true},
		{"a leaf with an Is that matches Canceled", leafIs{1}, true},
		{"a wrapped leaf with an Is that matches Canceled", wrap(&leafIs{1}), true},
		{"an empty wrapper with an Is that matches Canceled", emptyIs{nil}, false}, // could hold an error
		{"an empty wrapper", &net.OpError{}, false},
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
	t.Run("C9/an echo may be wrapped 100,000 times", func(t *testing.T) {
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
			if got := s.IsEcho(chain); got != want {
				t.Errorf("IsEcho() of wrapped %v = %v, want %v", err, got, want)
			}
			if got := s.IsEcho(joined); got != want {
				t.Errorf("IsEcho() of joined %v = %v, want %v", err, got, want)
			}
		}
	})
	t.Run("C9/a cycle is not an echo", func(t *testing.T) {
		a := &pair{}
		a.a, a.b = &pair{a, a}, a
		turn := &kinded{}
		turn.Err = &net.OpError{Err: turn}
		for name, err := range map[string]error{
			"cycle of one": &selfWrap{1}, "cycle of two": turn, "endless chain": endless{}, "cycle of groups": a,
		} {
			if s.IsEcho(err) {
				t.Errorf("%s: IsEcho() = true, want false", name)
			}
		}
	})
}

// echoIf reports whether err is an echo of a canceled and shielded scope. The scopes
// above it have the option EchoIf with the predicates in is, the innermost scope first.
func echoIf(t *testing.T, err error, is ...func(error) bool) bool {
	ctx := t.Context()
	for _, is := range slices.Backward(is) {
		s := cancel.New(ctx, cancel.EchoIf(is))
		defer s.Close()
		ctx = s
	}
	// A value and a shield make no difference.
	s := cancel.New(context.WithValue(ctx, key(1), 1), cancel.Shielded())
	defer s.Close()
	if s.IsEcho(err) {
		t.Errorf("IsEcho(%v) of an open scope = true, want false", err)
	}
	s.Cancel(nil)
	return s.IsEcho(err)
}

// C9: an error of package net for a context's deadline matches only DeadlineExceeded, and
// may be returned before the scope's own timer fires.
func TestEchoOfDial(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that no other thread fires the timer
	ended := cancel.New(t.Context(), cancel.Timeout(-1))
	_, err := new(net.Dialer).DialContext(ended, "tcp", "127.0.0.1:9")
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Fatalf("DialContext() = %v, want a timeout", err)
	}
	if cancel.New(t.Context()).IsEcho(err) {
		t.Error("IsEcho() of an open scope = true, want false")
	}
	for range 100 {
		s := cancel.New(t.Context(), cancel.Timeout(20*time.Microsecond))
		for d, _ := s.Deadline(); !time.Now().After(d); {
		}
		if !s.IsEcho(err) {
			t.Fatal("IsEcho() = false after the deadline, want true")
		}
		s.Close()
	}
}

func TestEchoPredicates(t *testing.T) {
	type predicate = func(error) bool
	other := cancel.New(t.Context())
	other.Cancel(nil)
	disk := errors.New("disk full")
	// isStatus finds the first code in the tree, as status.Code of package grpc does.
	isStatus := func(err error) bool { return errors.As(err, new(code)) }
	for _, tt := range []struct {
		name string
		err  error
		is   []predicate
		want bool
	}{
		{"no predicate", code(1), nil, false},
		{"a leaf that the predicate accepts", code(1), []predicate{isStatus}, true},
		{"a leaf that the predicate rejects", disk, []predicate{isStatus}, false},
		{"a wrapped leaf", fmt.Errorf("x: %w", code(1)), []predicate{isStatus}, true},
		{"a leaf joined with an echo", errors.Join(code(1), context.Canceled), []predicate{isStatus}, true},
		{"a leaf joined with a real error", errors.Join(code(1), disk), []predicate{isStatus}, false},
		{"a leaf joined with a real error, wrapped", fmt.Errorf("x: %w", errors.Join(code(1), disk)), []predicate{isStatus}, false},
		{"a leaf beside a real error", secondary{code(1), disk}, []predicate{isStatus}, false},
		{"an Error of another scope", fmt.Errorf("x: %w", cancel.Err(other)), []predicate{func(error) bool { return true }}, false},
		{"an error with an Echo method that returns false", opaque{code(1), false}, []predicate{isStatus}, false},
	} {
		t.Run("C9/"+tt.name, func(t *testing.T) {
			if got := echoIf(t, tt.err, tt.is...); got != tt.want {
				t.Errorf("echoIf(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
	t.Run("C9/IsEcho calls predicates for the innermost error first, and of the innermost scope first", func(t *testing.T) {
		var asked []string
		ask := func(name, yes string) predicate {
			return func(err error) bool {
				asked = append(asked, name+" "+err.Error())
				return err.Error() == yes
			}
		}
		err := fmt.Errorf("b: %w", fmt.Errorf("a: %w", disk))
		want := []string{"inner disk full", "outer disk full", "inner a: disk full", "outer a: disk full"}
		if got := echoIf(t, err, ask("inner", ""), ask("outer", "a: disk full")); !got || !slices.Equal(asked, want) {
			t.Errorf("echoIf() = %v after calls %q, want true after %q", got, asked, want)
		}
		asked = nil
		want = []string{"p disk full", "p a: disk full"} // and no call for the group
		if echoIf(t, errors.Join(fmt.Errorf("a: %w", disk)), ask("p", "")); !slices.Equal(asked, want) {
			t.Errorf("predicate calls = %q, want %q", asked, want)
		}
		asked = nil
		if got := echoIf(t, fmt.Errorf("b: %w", context.Canceled), ask("p", "")); !got || asked != nil {
			t.Errorf("echoIf() = %v after calls %q, want true after none", got, asked)
		}
	})
	t.Run("C9/an open scope does not call the predicate", func(t *testing.T) {
		s := cancel.New(t.Context(), cancel.EchoIf(func(err error) bool {
			t.Errorf("predicate called with %v, want no call", err)
			return true
		}))
		defer s.Close()
		if s.IsEcho(disk) || s.Absorb(disk) != disk {
			t.Error("IsEcho() of an open scope = true, want false")
		}
	})
	bubble(t, "C9/a predicate holds when the deadline has passed, even if the timer has not fired", func(t *testing.T, ctx context.Context) {
		for range 50 {
			s := cancel.New(ctx, cancel.Timeout(time.Second), cancel.EchoIf(isStatus))
			time.Sleep(time.Second)
			if !s.IsEcho(code(1)) {
				t.Error("IsEcho() = false, want true")
			}
			s.Close()
		}
	})
	t.Run("C9/EchoIf does not apply to a sibling or to the parent", func(t *testing.T) {
		root := cancel.New(t.Context())
		with := cancel.New(root, cancel.EchoIf(isStatus))
		without := cancel.New(root)
		root.Cancel(nil)
		if !with.IsEcho(code(1)) || without.IsEcho(code(1)) || root.IsEcho(code(1)) {
			t.Errorf("IsEcho() = %v, sibling %v, parent %v, want true, false, false",
				with.IsEcho(code(1)), without.IsEcho(code(1)), root.IsEcho(code(1)))
		}
	})
}
