package cancel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/grove-go/grove/internal/point"
)

// A Scope is a [context.Context] that can be canceled, given a deadline that
// moves, shielded from outer cancellation, and asked to stop gracefully. All
// of it flows down to every scope and context derived from it.
//
// Make a Scope with [New], and end it with [Scope.Close] or [Scope.Run].
// A Scope is for one use.
//
// A Scope is safe for use by multiple goroutines simultaneously.
// It must not be copied.
//
// This is Trio's CancelScope.
type Scope struct {
	// Every scope is a node of one tree: it is in the list of its enclosing
	// scope while it is open or has scopes below it. A cancellation and a stop
	// walk these lists downward.
	//
	//	open, listed
	//	  |  Cancel, Close, a deadline,
	//	  |  or an end above
	//	  |
	//	  +-- scopes below --> ended, listed
	//	  |                      |       ^
	//	  |    the last leaves   |       |   New below it, of a shielded scope
	//	  |                      v       |   or an edge
	//	  +-- none below ----> ended, not listed
	//
	// Any other scope made below an ended one is ended from the start, and not
	// listed. A listener that is dropped leaves the tree as an ended scope does.
	//
	// state is nil while the scope is open, and is set once. Then everything below
	// ends, and after that tellLocked closes the channels of Done and bareDone and
	// ends the standard contexts below.
	//
	// The order of locks is mu of up, mu, the locks of package context. No
	// goroutine holds mu of three scopes. No code of another package runs under
	// mu: no method of a parent, no hook, no method of an error. Package context
	// runs no such code while it cancels.

	// Immutable.
	parent context.Context
	up     *Scope // the innermost enclosing scope, not always the parent, or nil
	edge   *edge  // the innermost edge: the scope itself, or one above; or nil

	state atomic.Pointer[end]    // set under mu; closed may be replaced by its full record
	clock atomic.Pointer[clock]  // set once, under mu; see deadline.go
	more  atomic.Pointer[extras] // set once, under mu
	flags atomic.Uint32          // see the constants below

	own     bool // the end began in this scope; set before state, and read after it without mu
	use     use  // guarded by mu
	settled bool // the scope has ended, and everything below it was told; guarded by mu
	listed  bool // in the list of up; written under up.mu and mu, read under either

	mu         point.Mutex
	prev, next *Scope        // in the list of up; guarded by up.mu
	kids       *Scope        // the list of the scopes below; guarded by mu
	bare       chan struct{} // see bareDone; set once, under mu, before hasBare is
	std        *standard     // see standard.go; set once, under mu, before hasStd is
}

// The flags of a scope.
const (
	isListener uint32 = 1 << iota // made by UntilStop; immutable
	hasEchoIf                     // the scope or an enclosing one has the option EchoIf; immutable
	stopping                      // Stop was called
	edgeTells                     // edge is another scope, and registered: it tells this one of its end
	hasStd                        // std is set
	hasBare                       // bare is set
	dropped                       // it is a listener that nothing ends, and out of use; see dropDetached
	registered                    // of an edge: with the parent, or about to be
	over                          // of an edge: the parent has called back
	told                          // everything below has ended, and so have bare and std, as far as they are set; set under mu
	shielded                      // the shield is up; set under mu

	asked uint32 = 1 << 16 // of an edge: the bits from here on count how often scopes below have asked; see ask
)

// A use says how far a scope has been used.
type use uint8

const (
	useNone use = iota
	useRun      // Run was called
	useOver     // Close was called
)

func (s *Scope) is(flag uint32) bool { return s.flags.Load()&flag != 0 }

// extras holds what few scopes need. The fields up to isEcho are immutable
// after New, the others are guarded by the scope's mu.
type extras struct {
	name   string
	isEcho func(err error) bool // of the option EchoIf

	hooks     *hook                      // registered by OnDone and not yet called
	listeners map[<-chan struct{}]*Scope // made by UntilStop, by the Done channel of its argument

	stopCause error // of StopCause, or nil; set before the flag stopping, and read after it without mu

	grace    *time.Timer // of Shutdown
	graceDue time.Time
}

var _ context.Context = (*Scope)(nil)

// scopeKey is the key of the value that is the Scope itself.
var scopeKey int

// closedChan is what Done returns for a scope that had ended before Done was
// called.
var closedChan = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// New returns a new scope below parent. It is canceled when [Scope.Cancel] or
// [Scope.Close] is called, when its deadline passes, or when parent is
// canceled, whichever comes first. Call Close or Run in the end: like a
// context of the standard library, a scope stays in its parent until it ends.
//
// The options are [Name], [Timeout], [Deadline], [Shielded] and [EchoIf]. A
// [Timeout] counts from the call of New. New panics if parent or an option is
// nil.
func New(parent context.Context, opts ...Option) *Scope {
	mustContext("New", parent)
	if len(opts) > 0 {
		return newWith(parent, opts)
	}
	s := attach(parent)
	s.enter()
	return s
}

// newWith is New with options, which need much stack.
//
//go:noinline
func newWith(parent context.Context, opts []Option) *Scope {
	return open(parent, config{}.with("New", opts))
}

// open is New with the options gathered.
func open(parent context.Context, c config) *Scope {
	s := attach(parent)
	if c.name != "" || c.isEcho != nil {
		s.more.Store(&extras{name: c.name, isEcho: c.isEcho})
	}
	if c.isEcho != nil {
		s.flags.Or(hasEchoIf)
	}
	if c.shielded {
		s.flags.Or(shielded)
	}
	s.enter()
	if c.timed { // after enter: an end above comes first
		s.move(c.deadline, true)
	}
	return s
}

// attach returns a scope that knows what is above it and is not in the tree yet.
func attach(parent context.Context) *Scope {
	up, direct := parent.(*Scope)
	if direct {
		return below(parent, up)
	}
	up = enclosing(parent)
	done := parent.Done()
	if done == nil && up == nil || done != nil && up != nil && done == up.shown() {
		return below(parent, up) // nothing but values in between
	}
	b := &edge{far: done, std: standardOf(parent, done)}
	b.parent, b.up, b.edge = parent, up, b
	b.inherit()
	return &b.Scope
}

// below returns a scope that ends when up does, which may be nil.
func below(parent context.Context, up *Scope) *Scope {
	s := &Scope{parent: parent, up: up}
	if up != nil {
		s.edge = up.edge
		s.inherit()
	}
	return s
}

// inherit sets the flags that the scope has from what is above it.
func (s *Scope) inherit() {
	var f uint32
	if s.up != nil {
		f = s.up.flags.Load() & hasEchoIf
	}
	if s.edge != nil && !s.isForeign() && s.edge.is(registered) {
		f |= edgeTells
	}
	if f != 0 {
		s.flags.Store(f)
	}
}

// isForeign reports whether the parent is a foreign context; see edge.
func (s *Scope) isForeign() bool { return s.edge != nil && s == &s.edge.Scope }

// FromContext returns the innermost scope that encloses ctx, which is ctx
// itself if ctx is a *Scope, or nil if there is none. It looks through
// [context.WithoutCancel], as values do. It panics if ctx is nil.
func FromContext(ctx context.Context) *Scope {
	mustContext("FromContext", ctx)
	s := enclosing(ctx)
	for s != nil && s.is(isListener) {
		s = s.around()
	}
	return s
}

// enclosing is FromContext, and also returns the scopes that UntilStop makes.
func enclosing(ctx context.Context) *Scope {
	if s, ok := ctx.(*Scope); ok {
		return s
	}
	s, _ := ctx.Value(&scopeKey).(*Scope)
	return s
}

// around returns the scope that encloses s. That is up, except for a listener that
// is in the list of a scope further up; see listen.
func (s *Scope) around() *Scope {
	if s.is(isListener) {
		return enclosing(s.parent)
	}
	return s.up
}

// Name returns the name given by the option [Name], or "".
func (s *Scope) Name() string {
	if m := s.more.Load(); m != nil {
		return m.name
	}
	return ""
}

// Path returns the names of the scopes that enclose ctx, the outermost first,
// separated by slashes, as in "req-17/fetch". Scopes without a name are left
// out. Path looks through [context.WithoutCancel]. It panics if ctx is nil.
func Path(ctx context.Context) string {
	mustContext("Path", ctx)
	var names []string
	for s := enclosing(ctx); s != nil; s = s.around() {
		if name := s.Name(); name != "" {
			names = append(names, name)
		}
	}
	slices.Reverse(names)
	return strings.Join(names, "/")
}

// String describes the scope in the form of the standard library's contexts,
// as in context.Background.WithScope(fetch).
func (s *Scope) String() string {
	names := []string{s.ownString()}
	p, ok := s.parent.(*Scope)
	for ; ok; p, ok = p.parent.(*Scope) {
		names = append(names, p.ownString())
		s = p
	}
	if p, ok := s.parent.(fmt.Stringer); ok {
		names = append(names, p.String())
	} else {
		names = append(names, fmt.Sprintf("%T", s.parent))
	}
	slices.Reverse(names)
	return strings.Join(names, ".")
}

func (s *Scope) ownString() string {
	name := s.Name()
	if name == "" {
		return "WithScope"
	}
	return "WithScope(" + name + ")"
}

// Err returns nil while the scope is open. After that it returns [context.DeadlineExceeded]
// if its own or an outer deadline ended it, and [context.Canceled] otherwise. The function
// [Err] returns an error that says why.
func (s *Scope) Err() error {
	if s.isOpen() {
		return nil
	}
	return s.err()
}

// isOpen reports whether the scope is open, if that is known without asking a foreign
// context.
func (s *Scope) isOpen() bool {
	return s.state.Load() == nil && (s.edge == nil || s.is(edgeTells))
}

func (s *Scope) err() error {
	e := s.ended()
	if e == nil {
		return nil
	}
	s.learn()
	return e.err
}

// ended returns how the scope ended, or nil if it is open. The goroutine that
// ends a scope tells all scopes below. A foreign parent does not: it tells the
// edge by another goroutine, or not at all while the edge is not registered.
// Therefore ended looks at the parent's Done channel.
func (s *Scope) ended() *end {
	if s.isOpen() {
		return nil
	}
	if e := s.state.Load(); e != nil {
		return e
	}
	return s.ask()
}

// Value returns the value associated with key in the scope's parent. Values
// pass through shields, and stay readable when the scope has ended.
func (s *Scope) Value(key any) any {
	asked := false
	for {
		if key == &scopeKey {
			return s
		}
		if !asked {
			// Package context looks up the nearest of its own contexts by a key
			// that it keeps to itself. No other key has a value in ctx.
			if ctx := s.standard(); ctx != nil {
				if v := ctx.Value(key); v != nil {
					return v
				}
				asked = true
			}
		}
		p, ok := s.parent.(*Scope)
		if !ok {
			return s.parent.Value(key)
		}
		s = p
	}
}

// extraLocked returns the scope's extras.
func (s *Scope) extraLocked() *extras {
	m := s.more.Load()
	if m == nil {
		m = new(extras)
		s.more.Store(m)
	}
	return m
}

// mustContext panics in the name of the function fn if ctx is nil.
func mustContext(fn string, ctx context.Context) {
	if ctx == nil {
		panic("cancel: " + fn + ": nil context; pass context.Background() if there is no other")
	}
}
