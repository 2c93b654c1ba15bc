package nursery

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/point"
)

// A Nursery owns tasks: goroutines that have all returned before the call of [Run] that
// opened the nursery returns. Run passes it to its body, which may pass it on. While the
// nursery is open, any goroutine may start tasks in it.
//
// A Nursery is safe for use by multiple goroutines simultaneously. It must not be copied.
// The zero value is not usable.
type Nursery struct {
	// state counts the goroutines in the nursery. Most tasks touch nothing else that
	// goroutines share.
	//
	//	low 32 bits    all but the body: tasks, daemons, and workers in place of limited tasks
	//	next 31 bits   members: all of these but daemons
	//	highest bit    the body has left
	//
	// The nursery has ended when the body has left and all are 0. A nursery that ends
	// accepts no task.
	state    atomic.Uint64
	accepted atomic.Uint64 // all tasks that ever came in, but for those under a limit

	scope    *cancel.Scope
	set      *settings                // of a nursery with options, or nil
	failures atomic.Pointer[failures] // set when something fails
	done     sync.WaitGroup           // counts one, until the nursery ends, if the body does not leave last
}

// settings is what only nurseries with options need.
type settings struct {
	config
	caller *lease        // of the task that opened the nursery, if both use the same limiter
	crew   *crew[job]    // of a limited nursery
	seen   *live.Nursery // in the registry of package live; or nil
}

// newNursery returns a nursery that is configured so, to be run.
func newNursery(c config) *Nursery {
	n := &Nursery{set: &settings{config: c}}
	if c.limit > 0 {
		n.limit(int(c.limit))
	}
	return n
}

// config returns the configuration of the nursery, which is not to be changed.
func (n *Nursery) config() *config {
	if n.set == nil {
		return &noConfig
	}
	return &n.set.config
}

var noConfig config

const (
	daemon   uint64 = 1             // in state: a daemon
	member   uint64 = 1<<waited | 1 // in state: any other
	bodyLeft uint64 = 1 << 63       // in state: the body has left
	waited          = 32            // shifts state to the count of members
	everyone        = 1<<waited - 1 // masks the count of all
)

// Run opens a nursery below ctx, calls body with the nursery and its context, and waits
// until body and all tasks of the nursery have returned, whatever failed, panicked or was
// canceled. Tasks get the same context as body.
//
// The first failure, of a task or of body, cancels the context, so that the others return
// soon. With [KeepGoing] it does not. Run returns a [*GroupError] with all failures, the
// earliest first, even if there was only one. Errors that tasks return because they were
// canceled are not failures; the package comment defines them. If an outer context was
// canceled, and tasks return errors that say so, one [*cancel.Error] among the failures
// stands for all of them. If nothing failed, Run returns nil.
//
// If a task panicked, Run panics with a [*PanicError] in the end. A panic of body goes on
// as it is, when all tasks have returned. With [RecoverPanics] both are failures, with a
// PanicError as the error. If a task or body called [runtime.Goexit], as t.FailNow does,
// Run does so in the end.
//
// Run calls body even if ctx is already done.
//
// The options are [Name], [Limit], [LimitBy], [KeepGoing], [RecoverPanics], [PanicGrace],
// [PassPanics] and [EchoIf]. Run panics if ctx or body is nil.
//
// This is Trio's open_nursery.
func Run(ctx context.Context, body func(ctx context.Context, n *Nursery) error, opts ...Option) error {
	if ctx == nil {
		panic("nursery: Run: nil context; pass context.Background() if there is no other")
	}
	if body == nil {
		panic("nursery: Run: nil body")
	}
	n := new(Nursery)
	if len(opts) > 0 {
		n = configured("Run", opts)
	}
	return n.run(ctx, body)
}

// configured keeps the config out of the stack frame of Run. Run is often among the first
// calls of a goroutine, and the stack of a new goroutine is small.
//
//go:noinline
func configured(fn string, opts []Option) *Nursery { return newNursery(configure(fn, opts)) }

// run is Run for a nursery that is configured.
func (n *Nursery) run(ctx context.Context, body func(ctx context.Context, n *Nursery) error) (err error) {
	n.open(ctx)
	returned := false
	defer func() {
		if !returned {
			n.failed().addBody(recover())
		}
		n.join()
		err = n.end()
	}()
	if err := body(n.scope, n); err != nil {
		n.settle(exit{err: err}, nil)
	}
	returned = true // after settle, because methods of the error may panic
	return nil
}

// open opens the nursery.
func (n *Nursery) open(ctx context.Context) {
	if n.set == nil {
		n.scope = cancel.New(ctx)
		if live.Enabled() {
			n.register()
			n.labelBody(ctx)
		}
		return
	}
	around := ctx
	c := &n.set.config
	var opts []cancel.Option
	if c.name != "" {
		opts = append(opts, cancel.Name(c.name))
	}
	if c.isEcho != nil {
		opts = append(opts, cancel.EchoIf(c.isEcho))
	}
	if c.passes != nil {
		ctx = context.WithValue(ctx, passesKey{}, c.passes)
	}
	enabled := live.Enabled() && !c.bodyless // otherwise Begin registers
	if enabled && c.name != "" && live.Labeled() {
		ctx = withLabel(ctx, c.name)
	}
	n.scope = cancel.New(ctx, opts...)
	if enabled {
		n.register()
		n.labelBody(around)
	}
	if c.limiter != nil {
		n.releaseCaller(ctx)
	}
}

// join waits for all tasks. The body has returned.
func (n *Nursery) join() {
	if n.state.Load() == 0 && n.state.CompareAndSwap(0, bodyLeft) {
		return
	}
	point.Here("join: not alone")
	n.done.Add(1)
	n.leaveBody()
	n.done.Wait()
}

// enter counts one more into the nursery and reports whether the nursery is open.
func (n *Nursery) enter(kind uint64) bool {
	for n.scope != nil {
		v := n.state.Load()
		if v == bodyLeft {
			return false
		}
		point.Here("enter: open")
		if n.state.CompareAndSwap(v, v+kind) {
			return true
		}
	}
	return false
}

// mustEnter is enter for a task that was given to the function fn. It panics if the
// nursery is not open.
func (n *Nursery) mustEnter(fn string, kind uint64) {
	if !n.enter(kind) {
		n.refuse(fn)
	}
	n.accepted.Add(1)
}

// mustScope panics in the name of the function fn if n does not come from Run.
func (n *Nursery) mustScope(fn string) {
	if n.scope == nil {
		n.refuse(fn)
	}
}

// refuse panics because the nursery is not open.
func (n *Nursery) refuse(fn string) {
	if n.scope == nil {
		panic("nursery: " + fn + ": this Nursery does not come from nursery.Run")
	}
	panic("nursery: " + fn + ": the nursery" + n.config().quoted() + " has ended: its Run returned when the body and all tasks had; start tasks before that")
}

// leave counts out a goroutine that has returned. The body does not call it.
func (n *Nursery) leave(kind uint64) {
	if v := n.state.Add(-kind); v >= bodyLeft {
		n.left(v, kind)
	}
}

// leaveBody is leave for the body. The caller has added to done.
func (n *Nursery) leaveBody() { n.left(n.state.Add(bodyLeft), member) }

// left acts on the state v that remains when the body, or one of that kind after the body,
// has left.
func (n *Nursery) left(v, kind uint64) {
	switch {
	case v == bodyLeft:
		point.Here("leave: last")
		n.done.Done()
	case unattended(v) && kind == member:
		point.Here("leave: last but daemons")
		n.failed().dismiss()
	}
}

// unattended reports whether in the state v all but daemons have left.
func unattended(v uint64) bool { return v>>waited == bodyLeft>>waited }

// demote makes a member a daemon, and reports whether the daemons have to be dismissed.
func (n *Nursery) demote() bool {
	return unattended(n.state.Add(^(member - daemon - 1))) // minus (member - daemon)
}

// Cancel ends the nursery early: it cancels the context of the body and of all tasks,
// with the given cause. A nil cause stands for [context.Canceled]. Cancel does not fail the
// nursery. To fail, return an error.
func (n *Nursery) Cancel(cause error) {
	n.mustScope("Nursery.Cancel")
	n.scope.Cancel(cause)
}

// Scope returns the nursery's cancel scope, which is the context of the body and the
// tasks. A deadline of the scope ends the nursery early, as Cancel does, and does not fail
// it. For a deadline that fails, call Run within [cancel.FailAfter].
func (n *Nursery) Scope() *cancel.Scope {
	n.mustScope("Nursery.Scope")
	return n.scope
}

// Stats describes the tasks of a nursery at one moment; see [Nursery.Stats]. The body does
// not count.
type Stats struct {
	Running  int // tasks that have begun and not returned, daemons among them
	Queued   int // tasks that wait for their turn under Limit
	Finished int // tasks that have returned
	Failed   int // failures of tasks and of the body, without calls of Goexit
}

// Stats returns figures about the tasks of the nursery. While tasks start and finish, the
// figures of one call may be off by those tasks.
func (n *Nursery) Stats() Stats {
	var queued, idle, coming, failed int
	begun := int(n.accepted.Load())
	if n.set != nil && n.set.crew != nil {
		c := n.set.crew
		c.mu.Lock()
		queued, begun = c.items.Len(), begun+int(c.taken)
		idle = c.limit - c.workers
		if c.coming {
			idle, coming = idle+1, 1
		}
		c.mu.Unlock()
	}
	if f := n.failures.Load(); f != nil {
		f.mu.Lock()
		failed = len(f.errs)
		if f.panicked != nil {
			failed++
		}
		f.mu.Unlock()
	}
	running := int(n.state.Load()&everyone) - coming
	// Workers that are coming, or about to be, take what waits.
	moving := min(queued, max(0, idle))
	return Stats{
		Running:  running + moving,
		Queued:   queued - moving,
		Finished: max(0, begun-running),
		Failed:   failed,
	}
}

// String describes the nursery and its tasks.
func (n *Nursery) String() string {
	s := n.Stats()
	return fmt.Sprintf("nursery%s (%d running, %d queued, %d finished, %d failed)", n.config().quoted(), s.Running, s.Queued, s.Finished, s.Failed)
}
