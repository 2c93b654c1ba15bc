package cancel

import (
	"context"
	"fmt"
	"slices"
	"strconv"
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
	// Every scope is a node of one tree. A cancellation and a stop walk the
	// same lists, downward:
	//
	//	         New
	//	          |
	//	          v    Cancel, a deadline, Close,
	//	        open   or an end above it             last scope
	//	      (listed) ---------------------> ended   below leaves       left
	//	                                     (listed) ----------->   (not listed)
	//	          |                                                   |        ^
	//	          +---------------- ended, nothing below -------------|--------+
	//	                                     ^                        |
	//	                                     +--- New of a shielded --+
	//	                                          scope below it
	//
	// A scope is in the list of its enclosing scope while it is open or has
	// scopes below it. A scope that is made below an ended one, and not
	// shielded, ends at once and is never listed.
	//
	// state is nil while the scope is open, and set once. Under mu, endLocked
	// sets it, closes the channels that Done and bareDone have returned, and
	// cancels the contexts that package context has derived. So nobody who
	// holds mu sees a part of this.
	//
	// Locks: mu of an enclosing scope, mu of a scope, locks of package context,
	// in this order. A third scope is never locked under the two. No code of
	// other packages runs under mu: no method of a parent, no hook, no method
	// of a cause. Package context runs none either while it cancels.

	// Immutable after New.
	parent context.Context
	up     *Scope // the innermost enclosing scope, not always the parent, or nil
	edge   *edge  // the scope, this one or one above, to ask for the end of a foreign parent, or nil; see ended

	state atomic.Pointer[end]    // set under mu; closed may be replaced by its full record
	clock atomic.Pointer[clock]  // set once, under mu; see deadline.go
	more  atomic.Pointer[extras] // set once, under mu
	flags atomic.Uint32          // see the constants below

	own     bool // the end began in this scope; set before state, and read after it without mu
	use     use
	settled bool // the scope has ended, and everything below it was told
	listed  bool // in the list of up; written under up.mu and mu, read under either

	mu         point.Mutex
	prev, next *Scope        // in the list of up, guarded by up.mu
	kids       *Scope        // the list of scopes below
	bare       chan struct{} // if hasBare
	std        *standard     // if hasStd
}

// The flags of a scope. Those from hasStd on are set under mu.
const (
	isListener uint32 = 1 << iota // made by UntilStop; immutable
	hasEchoIf                     // the scope or one that encloses it has the option EchoIf; immutable
	stopping                      // Stop was called
	edgeTells                     // edge, another scope, is registered with its parent and tells this one
	hasStd                        // std is set
	hasBare                       // bare is set
	told                          // the scope has ended, and std and bare with it
	shielded                      // the shield is up
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

	grace    *time.Timer // of Shutdown
	graceDue time.Time
}

var _ context.Context = (*Scope)(nil)

// scopeKey is the key for which a Scope's Value returns the Scope itself.
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
	if len(opts) == 0 {
		s := attach(parent)
		s.enter()
		return s
	}
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

// attach returns a scope that knows what is above it, and is not in the tree
// yet.
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
	b := &edge{far: done}
	b.parent, b.up, b.edge = parent, up, b
	b.inherit()
	return &b.Scope
}

// below returns a scope that ends when up does, which may be nil.
func below(parent context.Context, up *Scope) *Scope {
	s := &Scope{parent: parent, up: up}
	if up != nil {
		if b := up.edge; b != nil && !b.registered.Load() {
			s.edge = b
		}
		s.inherit()
	}
	return s
}

// inherit sets the flags that the scope has from the one that encloses it.
func (s *Scope) inherit() {
	if s.up != nil && s.up.is(hasEchoIf) {
		s.flags.Store(hasEchoIf)
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
		s = s.up
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
	for s := enclosing(ctx); s != nil; s = s.up {
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

// Err returns nil while the scope is open. After that it returns
// [context.DeadlineExceeded] if a deadline ended it, its own or an outer one,
// and [context.Canceled] otherwise, and nothing but these two.
// See [Err] for an error that says why.
func (s *Scope) Err() error {
	if s.isOpen() {
		return nil
	}
	return s.err()
}

// isOpen reports whether the scope is open, and nothing has to be asked to know
// that.
func (s *Scope) isOpen() bool {
	return s.state.Load() == nil && (s.edge == nil || s.is(edgeTells))
}

func (s *Scope) err() error {
	e := s.ended()
	if e == nil {
		return nil
	}
	if f := s.flags.Load(); f&told == 0 {
		// endLocked is about to close the channels, on which the caller may rely.
		// Waiting for mu would take longer: closing wakes all that wait.
		if f&hasStd != 0 {
			<-s.std.ctx.Done()
		}
		if f&hasBare != 0 {
			<-s.bare
		}
	}
	return e.err
}

// ended returns how the scope ended, or nil if it is open. A scope is told of
// the end of everything above it, with one exception: a foreign context tells
// by a goroutine, or nobody has registered with it yet. So its Done channel is
// looked at here.
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
			// that it keeps secret. No other key has a value there.
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

// Cancel cancels the scope and everything below it that is not shielded, with
// the given cause, which [context.Cause] then returns. A nil cause stands for
// [context.Canceled]. The first cancellation wins: Cancel has no effect if the
// scope has ended, or anything that it is not shielded from has been canceled.
//
// When Cancel returns, every scope and every standard context below that is
// not shielded is canceled, even if another goroutine canceled the scope at the
// same time. Two things may still be under way: a function given to OnDone that
// another goroutine is calling, and the cancellation of a context of another
// type, and of what is below that, if the type uses a goroutine of its own.
// Cancel does not block.
//
// The place of the call is recorded for [ReasonOf].
func (s *Scope) Cancel(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	e := &end{err: context.Canceled, cause: cause, source: SourceCancel, scope: s.Name()}
	e.recordCallers()
	s.finish(e)
}

// CancelAs cancels the scope as Cancel does, for the reason that e gives. It is
// for libraries that know more of a cancellation than its cause: package
// nursery names the failed task, and a server names the place in the client's
// program. If e was returned by [Err] for another context, the scope ends by
// the same event, so that e is an echo of its cancellation; otherwise e.Err and
// e.Reason say what happened. An empty Reason.Scope stands for the name of the
// scope, and a nil Reason.Cause for e.Err.
//
// An echo of a cancellation whose source is [SourceClosed] or [SourceContext]
// is not absorbed by Run and [Scope.Absorb].
//
// CancelAs panics if e is nil, if e.Err is neither [context.Canceled] nor
// [context.DeadlineExceeded], or if e.Reason.Source is not one of the sources.
func (s *Scope) CancelAs(e *Error) {
	switch {
	case e == nil:
		panic("cancel: Scope.CancelAs: nil error")
	case !standardErr(e.Err):
		panic(fmt.Sprintf("cancel: Scope.CancelAs: Err must be context.Canceled or context.DeadlineExceeded, got %v", e.Err))
	case e.Reason.Source < SourceContext || e.Reason.Source > SourceClosed:
		panic("cancel: Scope.CancelAs: Reason.Source must be a source, got " + strconv.Itoa(int(e.Reason.Source)))
	}
	if e.end != nil {
		s.finish(e.end)
		return
	}
	r := e.Reason
	if r.Scope == "" {
		r.Scope = s.Name()
	}
	if r.Cause == nil {
		r.Cause = e.Err
	}
	end := &end{err: e.Err, cause: r.Cause, source: r.Source, scope: r.Scope}
	end.shared.Store(&Error{Err: e.Err, Reason: r, end: end})
	s.finish(end)
}

// Close ends the scope's use and releases what it holds. No timer and no entry
// in its parent stays behind. Close cancels everything below the scope that is
// not shielded, with the cause [ErrClosed]. When Close returns, all of it has
// been canceled, as when Cancel returns. Close is idempotent. To cancel with
// another cause, call Cancel first.
func (s *Scope) Close() {
	s.ended() // an end above that has already happened comes first
	point.Here("Close: asked above")
	s.conclude(closed, closing)
	if s.more.Load() != nil {
		s.dropDetached()
	}
}

// OnDone registers f to be called once when the scope ends. The goroutine that
// ends the scope calls f before it continues, when the scope and everything
// below it in the tree has ended; contexts of other types in between excepted.
// If the scope has already ended, f runs in a new goroutine.
//
// Calling stop removes the registration, and reports whether it did so before
// the scope ended. Stop does not wait for f.
//
// f must not block. Use [context.AfterFunc] to run something in a goroutine
// of its own. OnDone panics if f is nil.
func (s *Scope) OnDone(f func()) (stop func() bool) {
	if f == nil {
		panic("cancel: Scope.OnDone: nil function")
	}
	s.register()
	point.Here("OnDone: registered")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != nil {
		// Not in this goroutine: the caller may hold a lock that f takes.
		go f()
		return func() bool { return false }
	}
	m := s.extraLocked()
	h := &hook{scope: s, f: f, next: m.hooks}
	if h.next != nil {
		h.next.prev = h
	}
	m.hooks = h
	return h.stop
}

// A hook is a function to call when a scope ends: an element of the scope's
// list, guarded by the scope's mu.
type hook struct {
	scope      *Scope
	f          func()
	prev, next *hook
	stopped    bool
}

func (h *hook) stop() bool {
	s := h.scope
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != nil || h.stopped {
		return false
	}
	h.stopped = true
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		s.more.Load().hooks = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
	return true
}

// callHooks calls the hooks of a scope that has ended, except those that
// another goroutine calls at the same time.
func (s *Scope) callHooks() {
	for {
		s.mu.Lock()
		h := s.hooksLocked()
		if h != nil {
			s.more.Load().hooks = h.next
		}
		s.mu.Unlock()
		if h == nil {
			return
		}
		h.f()
	}
}

func (s *Scope) hooksLocked() *hook {
	if m := s.more.Load(); m != nil {
		return m.hooks
	}
	return nil
}

// extraLocked returns the scope's extras. The caller holds mu, or has not
// shared the scope yet.
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

// isClosed reports whether done, which may be nil, is closed.
func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
