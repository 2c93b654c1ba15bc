package cancel

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
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
// Make one with [New], and end it with [Scope.Close] or by [Scope.Run].
// A scope is for one use.
//
// A Scope is safe for use by multiple goroutines simultaneously.
// It must not be copied.
//
// This is Trio's CancelScope.
type Scope struct {
	// These never change.
	parent context.Context // as given to New
	up     *Scope          // the innermost enclosing scope, which may be further up than parent, or nil
	name   string

	// state is nil while the scope is open. It is set once, under mu, except
	// that closed may be replaced by the full record of the same end.
	state atomic.Pointer[end]

	done      chan struct{} // set once, under mu, before doneState is
	doneState atomic.Uint32 // see the done constants; set under mu

	link     atomic.Uint32 // how cancellation from above arrives: see the link constants
	shield   atomic.Bool   // set by SetShield, under mu
	stopping atomic.Bool   // set by Stop, for good

	// Locks: a scope's mu may be taken while its up's mu is held, never the
	// other way round, and no third lock of a scope is taken under those two.
	// No foreign code (a parent's method, an AfterFunc callback, a cause's
	// method) runs under any of them.
	mu      point.Mutex
	hooks   *hook       // registered by AfterFunc; fixed when the scope has ended, nil when it is settled
	kids    *Scope      // scopes below that have to be told
	unhook  func() bool // takes back the registration with a parent that is no scope
	more    *extras     // what few scopes need; set once
	used    bool        // Run was called
	closed  bool        // Close was called
	own     bool        // the end began in this scope; set before state, and read after it without mu
	settled bool        // the scope has ended, and all below has been told

	listener bool // made by UntilStop; never changes

	// Links in up.kids, guarded by up.mu.
	listed     bool
	relay      bool // the parent is to be asked: a foreign context stands between up and this scope
	prev, next *Scope
}

// How a scope learns of a cancellation above it, in the order in which a scope
// can go through them.
const (
	unlinked    uint32 = iota // nobody tells it; it asks upward when it is asked
	linking                   // being linked
	linkedScope               // up tells it, or there is nothing above that can be canceled
	linkedRelay               // the parent tells it by way of AfterFunc, one goroutine hop later; until then it asks
)

// The states of a scope's Done channel, in their order.
const (
	doneUnmade uint32 = iota
	doneOpen
	doneClosed
)

// extras holds what only some scopes need. The fields are guarded by the
// scope's mu.
type extras struct {
	deadline time.Time // as the user gave it; zero: none
	due      time.Time // the same instant on the monotonic clock
	timer    *time.Timer
	fires    time.Time // when timer is going to fire; zero: it is idle
	waited   bool      // the timer has left it to a foreign one once; see expire

	grace    *time.Timer // of Shutdown
	graceDue time.Time

	stop *stopNode // see UntilStop

	ended context.Context // a std context that ended as the scope did; see terminal
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
// canceled, whichever comes first. It costs nothing that has to be released
// until it gets a deadline or somebody has to be told of its end; even so,
// call Close or Run, which release it.
//
// The options are [Name], [Timeout], [Deadline] and [Shielded]. A [Timeout]
// counts from the call of New. New panics if parent or an option is nil.
func New(parent context.Context, opts ...Option) *Scope {
	mustContext("New", parent)
	s := &Scope{parent: parent}
	if p, ok := parent.(*Scope); ok {
		s.up = p
	} else {
		s.up = enclosing(parent)
	}
	if len(opts) > 0 {
		s.configure(opts)
	}
	return s
}

// FromContext returns the innermost scope that encloses ctx, which is ctx
// itself if ctx is a *Scope, or nil if there is none. It looks through
// [context.WithoutCancel], as values do. It panics if ctx is nil.
func FromContext(ctx context.Context) *Scope {
	mustContext("FromContext", ctx)
	s := enclosing(ctx)
	for s != nil && s.listener {
		s = s.up
	}
	return s
}

// enclosing is FromContext, and also returns what UntilStop makes.
func enclosing(ctx context.Context) *Scope {
	if s, ok := ctx.(*Scope); ok {
		return s
	}
	s, _ := ctx.Value(&scopeKey).(*Scope)
	return s
}

// Name returns the name given by the option [Name], or "".
func (s *Scope) Name() string { return s.name }

// String describes the scope in the form of the standard library's contexts,
// as in context.Background.WithScope(fetch).
func (s *Scope) String() string {
	names := []string{s.ownString()}
	for {
		p, ok := s.parent.(*Scope)
		if !ok {
			break
		}
		s = p
		names = append(names, s.ownString())
	}
	names = append(names, s.parentString())
	slices.Reverse(names)
	return strings.Join(names, ".")
}

func (s *Scope) ownString() string {
	if s.name == "" {
		return "WithScope"
	}
	return "WithScope(" + s.name + ")"
}

// parentString describes the parent, which is not a scope.
func (s *Scope) parentString() string {
	p, ok := s.parent.(fmt.Stringer)
	if !ok {
		return fmt.Sprintf("%T", s.parent)
	}
	name := p.String()
	// Package context wraps a parent with an AfterFunc method, which a scope
	// has, in a type of its own that has no String.
	if rest, ok := strings.CutPrefix(name, "context.stopCtx."); ok && s.up != nil {
		return s.up.String() + "." + rest
	}
	return name
}

// Done returns a channel that is closed when the scope is canceled or closed.
// Successive calls return the same channel.
func (s *Scope) Done() <-chan struct{} {
	if s.doneState.Load() != doneUnmade {
		return s.done
	}
	// Attached first, the scope cannot miss an end that comes before the
	// channel is there to be closed: state then says so.
	s.attach()
	point.Here("Done: attached")
	s.mu.Lock()
	if s.doneState.Load() == doneUnmade {
		if s.state.Load() == nil {
			s.done = make(chan struct{})
			s.doneState.Store(doneOpen)
		} else {
			s.done = closedChan
			s.doneState.Store(doneClosed)
		}
	}
	s.mu.Unlock()
	return s.done
}

// Err returns nil while the scope is open. After that it returns
// [context.DeadlineExceeded] if a deadline ended it, its own or an outer one,
// and [context.Canceled] otherwise, and nothing but these two.
// See [Err] for an error that says why.
func (s *Scope) Err() error {
	e := s.ended()
	if e == nil {
		return nil
	}
	if s.doneState.Load() == doneOpen {
		// Whoever sees the error may count on Done being closed. Both happen
		// under mu.
		s.mu.Lock()
		s.mu.Unlock() //lint:ignore SA2001 to wait for who holds it is the point
	}
	return e.err
}

// Deadline returns the time at which the scope is going to be canceled as
// things stand: the earliest of its own deadline and those of all that
// encloses it, up to the nearest shield. It changes when one of these moves.
//
// A context that the standard library derives from a scope with an earlier
// deadline of its own keeps none if the scope's comes first at that moment
// (see [context.WithDeadline]), and so is not bounded anew when the scope's
// deadline is moved to later. A scope in its place is.
func (s *Scope) Deadline() (deadline time.Time, ok bool) {
	for {
		d, has := s.ownDeadline()
		if has && (!ok || d.Before(deadline)) {
			deadline, ok = d, true
		}
		if s.shield.Load() {
			return deadline, ok
		}
		p, isScope := s.parent.(*Scope)
		if !isScope {
			break
		}
		s = p
	}
	if d, has := s.parent.Deadline(); has && (!ok || d.Before(deadline)) {
		return d, true
	}
	return deadline, ok
}

// Value returns the value associated with key in the scope's parent. Values
// pass through shields, and stay readable when the scope has ended.
func (s *Scope) Value(key any) any {
	for {
		if key == &scopeKey {
			return s
		}
		if s.state.Load() != nil && s.own {
			// context.Cause looks up the nearest context of the standard
			// library's, by a key that is its secret, and asks that one.
			return s.terminal().Value(key)
		}
		p, ok := s.parent.(*Scope)
		if !ok {
			return s.parent.Value(key)
		}
		s = p
	}
}

// Cancel cancels the scope and everything below it that is not shielded, with
// the given cause, which [context.Cause] then returns; nil stands for
// [context.Canceled]. If the scope has ended already, or anything that it is
// not shielded from has been canceled, Cancel does nothing: the first
// cancellation wins.
//
// Cancel does not block. When it returns, Err of every scope and every standard
// context below that is not shielded is set, also if somebody else has canceled
// the scope at the same time. Two standard contexts follow within one goroutine
// hop instead: one that another goroutine is deriving at that very moment, and
// one that was derived from a scope by way of context.WithValue, of whose end
// package context lets a goroutine tell. Nor does Cancel wait for a function
// given to AfterFunc directly that another goroutine is calling.
//
// The place of the call is recorded for [ReasonOf].
func (s *Scope) Cancel(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	s.finish(&end{err: context.Canceled, cause: cause, source: SourceCancel, scope: s.name, pcs: callers()})
}

// Fail cancels the scope, as Cancel does, because a task in it has failed: the
// reason says so and names the task, which may be "". It is for those who run
// tasks in scopes, as package nursery does. It panics if cause is nil.
func (s *Scope) Fail(task string, cause error) {
	if cause == nil {
		panic("cancel: Scope.Fail: nil cause")
	}
	s.finish(&end{err: context.Canceled, cause: cause, source: SourceTask, scope: s.name, task: task})
}

// Finish cancels the scope, as Cancel does, because what it was for is done: the
// reason is the end of the scope, and names no place. It is for those who run
// tasks in scopes, and want rid of those that serve the others. Run and Absorb do
// not absorb its echo. It panics if cause is nil.
func (s *Scope) Finish(cause error) {
	if cause == nil {
		panic("cancel: Scope.Finish: nil cause")
	}
	s.finish(&end{err: context.Canceled, cause: cause, source: SourceClosed, scope: s.name})
}

// Close ends the scope's use and releases what it holds: no timer and no entry
// in its parent stays behind. What is still below it, and not shielded, is
// canceled with the cause [ErrClosed]. When Close returns, all below that is not
// shielded has been canceled, by whomever, as when Cancel returns. Close is
// idempotent; to cancel first, call Cancel.
func (s *Scope) Close() {
	s.ended() // what came from above before counts
	point.Here("Close: asked above")
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	stop := s.stopNodeLocked()
	if s.state.Load() == nil {
		s.conclude(closed, true)
	} else {
		untold := s.untoldLocked() // whoever has ended it may not be through with that
		unhook := s.unhook
		s.unhook = nil
		s.mu.Unlock()
		point.Here("Close: had ended")
		if untold {
			s.spread()
		}
		s.leave(unhook)
	}
	if stop != nil {
		stop.close()
	}
}

// AfterFunc is the hook by which package context registers what it derives
// from a scope, without a goroutine: it arranges for f to be called, once,
// when the scope ends, by the goroutine that ends it, or is the first to notice
// that something around it has ended, and before that goes on; or in a goroutine
// of its own if the scope has ended already. The function returned takes the
// registration back and reports whether it came in time.
//
// f must not block. Use [context.AfterFunc] to run something in a goroutine
// of its own. AfterFunc panics if f is nil.
func (s *Scope) AfterFunc(f func()) (stop func() bool) {
	if f == nil {
		panic("cancel: Scope.AfterFunc: nil function")
	}
	s.attach()
	point.Here("AfterFunc: attached")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != nil {
		// Not here and now: package context calls AfterFunc with a lock held
		// that f takes.
		go f()
		return func() bool { return false }
	}
	h := &hook{scope: s, f: f, next: s.hooks}
	if h.next != nil {
		h.next.prev = h
	}
	s.hooks = h
	return h.stop
}

// A hook is a function to call when a scope ends: a link in the scope's list,
// guarded by the scope's mu.
type hook struct {
	scope      *Scope
	f          func()
	prev, next *hook
	stopped    bool
	begun      atomic.Bool // somebody has called f, or is calling it
}

// run calls the hook, once. Those of package context it calls again if somebody
// else may be calling it at this moment: that is how to wait for it, for they do
// nothing the second time, under a lock that the first call holds until it is
// through. To wait by means of ours would be a deadlock where a hook of somebody
// else's cancels a scope around its own.
func (h *hook) run() {
	if !h.begun.Swap(true) || strings.HasPrefix(runtime.FuncForPC(reflect.ValueOf(h.f).Pointer()).Name(), "context.") {
		h.f()
	}
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
		s.hooks = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
	return true
}

// extra returns the scope's extras. The caller holds mu.
func (s *Scope) extra() *extras {
	if s.more == nil {
		s.more = new(extras)
	}
	return s.more
}

// mustContext panics in the name of the function fn if ctx is nil.
func mustContext(fn string, ctx context.Context) {
	if ctx == nil {
		panic("cancel: " + fn + ": nil context; pass context.Background() if there is no other")
	}
}
