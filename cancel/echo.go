package cancel

// IsEcho reports whether err says nothing more than that the scope was
// canceled: the scope has ended, and every leaf of err (through Unwrap() error
// and Unwrap() []error) is one of
//
//   - the scope's Err, or an error that says of itself, by a method Is, that it
//     is that, as those of package net do,
//   - the cause of its end, itself,
//   - an [*Error] or [*TimeoutError] that stems from its end.
//
// An error with a single leaf that is something else is no echo. Neither is
// nil, nor an error whose method Echo() bool returns false, which a type
// should have that wraps what must not be taken for a cancellation, such as
// the value of a panic.
func (s *Scope) IsEcho(err error) bool {
	if err == nil {
		return false
	}
	if s.ended() == nil {
		// An inner timer that is due at the same instant may have rung first.
		if s.expire(false); s.state.Load() == nil {
			return false
		}
	}
	return s.full().echoes(err)
}

func (e *end) echoes(err error) bool {
	if same(err, e.cause) {
		return true
	}
	switch x := err.(type) {
	case *Error:
		return x != nil && x.end != nil && e.equal(x.end)
	case *TimeoutError:
		return x != nil && x.end == e
	case interface{ Echo() bool }:
		if !x.Echo() {
			return false
		}
	}
	switch x := err.(type) {
	case interface{ Unwrap() error }:
		if inner := x.Unwrap(); inner != nil {
			return e.echoes(inner)
		}
	case interface{ Unwrap() []error }:
		inner := x.Unwrap()
		some := false
		for _, i := range inner {
			if i == nil {
				continue
			}
			if !e.echoes(i) {
				return false
			}
			some = true
		}
		if some {
			return true
		}
	}
	if err == e.err {
		return true
	}
	is, ok := err.(interface{ Is(error) bool })
	return ok && is.Is(e.err)
}

// equal reports whether the two ends are one event. Of a context that is not a
// scope, everyone who asks makes a record of their own.
func (e *end) equal(o *end) bool {
	return e == o ||
		e.source == SourceContext && o.source == SourceContext && e.err == o.err && same(e.cause, o.cause)
}

// Absorb returns what is left of err, the error of what ran in the scope, at
// the scope's border. An echo of the scope's own cancellation (see IsEcho)
// ends there: Absorb returns nil. If a context that encloses the scope is
// canceled as well, and not shielded off, the echo belongs to that one, and
// Absorb returns the [*Error] of that. Any other error it returns unchanged.
//
// [Scope.Run] does this. Absorb is for those who run something in a scope by
// other means, and is called before the scope is closed.
func (s *Scope) Absorb(err error) error {
	_, left := s.absorb(err)
	return left
}

// absorb is Absorb, and also returns the end whose echo it absorbed.
func (s *Scope) absorb(err error) (*end, error) {
	if !s.IsEcho(err) {
		return nil, err
	}
	e := s.full()
	if !s.own || e.source == SourceContext || e.source == SourceClosed {
		return nil, err
	}
	if !s.shield.Load() && s.parent.Err() != nil {
		return nil, Err(s.parent)
	}
	return e, nil
}
