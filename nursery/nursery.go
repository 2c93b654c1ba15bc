package nursery

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/point"
)

// A Nursery owns tasks: goroutines that have all returned before the call of
// [Run] that opened the nursery returns. It is handed to the body of Run, which
// may hand it on; anyone who has it may start tasks in it while it is open.
//
// A Nursery is safe for use by multiple goroutines simultaneously.
// It must not be copied. Its zero value is not usable.
type Nursery struct {
	// state counts who is in the nursery. It is the hot spot of the plain
	// path, which touches nothing else that is shared.
	//
	//	low 32 bits    all: the body, tasks (for tasks under a limit: workers), daemons
	//	high 32 bits   those among them for whom daemons are kept: all but daemons
	//
	// Invariant: state is 0 before Run has begun and for ever once the
	// nursery has ended, so that nobody comes in when it is 0.
	state    atomic.Uint64
	accepted atomic.Uint64 // all tasks that ever came in, but for those under a limit

	scope  *cancel.Scope
	conf   config
	lender *lease         // of the task in which the nursery was opened, if both use the same limiter
	done   sync.WaitGroup // counts one, until state becomes 0, if the body does not leave last

	outcome
	limited
}

const (
	daemon   uint64 = 1             // in state: one for whom nobody waits
	member   uint64 = 1<<waited | 1 // in state: any other
	waited          = 32            // shifts state to the count of those that are waited for
	everyone        = 1<<waited - 1 // masks the count of all
)

// Run opens a nursery below ctx, calls body with the nursery and its context,
// and waits until body and every task of the nursery have returned, whatever
// failed, panicked or was canceled. Tasks get the same context as the body does.
//
// The first failure, of a task or of body, cancels the context, so that the
// others return soon; with [KeepGoing] it does not. Run then returns a
// [*GroupError] with all failures in the order in which they happened. It is a
// *GroupError also if there was only one. What tasks return because they were
// canceled is no failure; see the package comment for what counts as that. If
// ctx, or anything around it, was canceled and some task says so, one
// [*cancel.Error] among the failures stands for all of them. If nothing failed Run
// returns nil.
//
// If a task or body panicked, Run panics with a [*PanicError] in the end, or
// returns it as a failure with [RecoverPanics]. If one of them called
// [runtime.Goexit], as t.FailNow does, Run does so in the end.
//
// A ctx that is done already is no reason not to call body.
//
// The options are [Name], [Limit], [Using], [KeepGoing], [RecoverPanics],
// [PanicGrace] and [EchoIf]. Run panics if ctx or body is nil.
//
// This is Trio's open_nursery.
func Run(ctx context.Context, body func(ctx context.Context, n *Nursery) error, opts ...Option) error {
	if ctx == nil {
		panic("nursery: Run: nil context; pass context.Background() if there is no other")
	}
	if body == nil {
		panic("nursery: Run: nil body")
	}
	n := &Nursery{}
	if len(opts) > 0 {
		n.configure("Run", opts)
	}
	return n.run(ctx, body)
}

// run is Run for a nursery that is configured.
func (n *Nursery) run(ctx context.Context, body func(ctx context.Context, n *Nursery) error) error {
	n.open(ctx)
	returned := false
	defer func() {
		if returned {
			return
		}
		// The body called Goexit, also if it panicked after that and runBody
		// has recovered: the goroutine runs its deferred calls and nothing else.
		n.join()
		n.finish()
		if n.panicked != nil {
			panic(n.panicked)
		}
	}()
	n.runBody(body)
	returned = true
	n.join()
	return n.end()
}

// open opens the nursery. Its body is in it from the start.
func (n *Nursery) open(ctx context.Context) {
	switch {
	case n.conf.isEcho != nil:
		n.scope = cancel.New(ctx, cancel.Name(n.conf.name), cancel.EchoIf(n.conf.isEcho))
	case n.conf.name != "":
		n.scope = cancel.New(ctx, cancel.Name(n.conf.name))
	default:
		n.scope = cancel.New(ctx)
	}
	n.state.Store(member)
	if n.conf.limiter != nil {
		n.borrow(ctx)
	}
}

// runBody calls body. It returns also if body panics.
func (n *Nursery) runBody(body func(ctx context.Context, n *Nursery) error) {
	returned := false
	defer func() {
		if !returned {
			n.crashed(recover(), nil)
		}
	}()
	if err := body(n.scope, n); err != nil {
		n.failed("", err)
	}
	returned = true
}

// join waits for all tasks. The body has returned.
func (n *Nursery) join() {
	n.bodyDone.Store(true)
	if n.state.CompareAndSwap(member, 0) {
		return
	}
	point.Here("join: not alone")
	n.done.Add(1)
	n.leave(member)
	n.done.Wait()
}

// enter counts one more in and reports whether the nursery is open.
func (n *Nursery) enter(kind uint64) bool {
	for {
		v := n.state.Load()
		if v == 0 {
			return false
		}
		point.Here("enter: open")
		if n.state.CompareAndSwap(v, v+kind) {
			return true
		}
	}
}

// mustEnter is enter for a task, which the function fn is given, and panics if
// the nursery is not open.
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
	name := ""
	if n.conf.name != "" {
		name = " " + strconv.Quote(n.conf.name)
	}
	panic("nursery: " + fn + ": the nursery" + name + " has ended: its Run returned when the body and all tasks had; start tasks before that")
}

// leave counts one out, who has returned.
func (n *Nursery) leave(kind uint64) {
	switch v := n.state.Add(-kind); {
	case v == 0:
		point.Here("leave: last")
		n.done.Done()
	case v>>waited == 0 && kind == member:
		point.Here("leave: last but daemons")
		n.dismiss()
	}
}

// demote makes one who is waited for a daemon, and reports whether the daemons
// are to be dismissed.
func (n *Nursery) demote() bool {
	return n.state.Add(^(member-daemon-1))>>waited == 0 // minus (member - daemon)
}

// dismiss cancels the daemons, for whom there is nobody left to serve.
func (n *Nursery) dismiss() {
	n.mu.Lock()
	if n.served == nil {
		n.served = new(servedError)
	}
	cause := n.served
	n.mu.Unlock()
	point.Here("dismiss")
	n.scope.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceClosed, Cause: cause}})
}

// Go starts task in a goroutine of its own, with the nursery's context, and
// returns at once. Its error counts as the nursery's, see [Run]. With [Limit] it
// waits for its turn in a queue; Go itself never blocks.
//
// A task that was accepted always runs, also if the nursery has been canceled:
// then its context is done from the start. A task may itself start tasks in the
// nursery.
//
// The options are [Name] and [Daemon]. Go panics if task is nil, and if the
// nursery's Run has returned.
func (n *Nursery) Go(task func(ctx context.Context) error, opts ...TaskOption) {
	if task == nil {
		panic("nursery: Go: nil task")
	}
	if len(opts) > 0 {
		n.launch("Go", task, newTaskInfo("Go", opts))
		return
	}
	if n.conf.limiter != nil {
		task = n.holding(task)
	}
	if n.conf.limit > 0 {
		n.queue("Go", job{task: task})
		return
	}
	n.mustEnter("Go", member)
	point.Here("Go: entered")
	go n.plain(task)
}

// launch starts a task about which there is something to know.
func (n *Nursery) launch(fn string, task func(ctx context.Context) error, info *taskInfo) {
	if n.conf.limiter != nil && !info.daemon {
		task = n.holding(task)
	}
	if n.conf.limit > 0 && !info.daemon {
		n.queue(fn, job{task, info})
		return
	}
	n.mustEnter(fn, info.kind())
	go n.known(task, info)
}

// plain runs a task of which nothing is known but its function. It must stay
// small: it is what the library adds to the stack of a task.
func (n *Nursery) plain(task func(ctx context.Context) error) {
	returned := false
	defer func() {
		if !returned {
			n.crashed(recover(), nil)
		}
		point.Here("task: returned")
		n.leave(member)
	}()
	point.Here("task")
	if err := task(n.scope); err != nil {
		n.failed("", err)
	}
	returned = true // also with the error, whose methods may have panicked
}

// known runs a task with its info.
func (n *Nursery) known(task func(ctx context.Context) error, info *taskInfo) {
	defer func() { n.leave(info.kind()) }()
	point.Here("task")
	n.call(task, info)
}

// call calls a task and deals with its outcome. It returns unless the task calls
// Goexit. The info may be nil.
func (n *Nursery) call(task func(ctx context.Context) error, info *taskInfo) {
	returned := false
	defer func() {
		if !returned {
			n.crashed(recover(), info)
		}
		if info != nil && info.scope != nil {
			info.scope.Close()
		}
	}()
	n.returned(task(info.context(n)), info)
	returned = true
}

// Cancel ends the nursery early: it cancels the context of the body and of all
// tasks, with the given cause; nil stands for [context.Canceled]. This is no
// failure. To fail, return an error.
func (n *Nursery) Cancel(cause error) {
	n.mustScope("Cancel")
	n.scope.Cancel(cause)
}

// Scope returns the nursery's cancel scope, which is the context that the body
// and the tasks get. A deadline of it ends the nursery early, as Cancel does, and
// is no failure: for a deadline that is one, call Run within [cancel.FailAfter].
func (n *Nursery) Scope() *cancel.Scope {
	n.mustScope("Scope")
	return n.scope
}

// Stats is what [Nursery.Stats] returns. The body is not counted.
type Stats struct {
	Running  int // tasks that have begun and not returned, daemons among them
	Queued   int // tasks that wait for their turn under Limit
	Finished int // tasks that have returned
	Failed   int // failures, the body's among them; not those who called Goexit
}

// Stats returns figures about the tasks of the nursery as of now. While others
// start and finish, the figures of one call may be off by those that do so
// just then.
func (n *Nursery) Stats() Stats {
	n.mu.Lock()
	queued, taken, failed := n.jobs.Len(), n.taken, len(n.errs)
	if n.panicked != nil {
		failed++
	}
	idle, coming := n.conf.limit-n.workers, 0
	if n.coming {
		idle, coming = idle+1, 1
	}
	n.mu.Unlock()
	begun := int(n.accepted.Load() + taken)
	running := int(n.state.Load()&everyone) - coming
	if running > 0 && !n.bodyDone.Load() {
		running--
	}
	// Workers that are coming, or about to be, take what waits.
	moving := min(queued, max(0, idle))
	return Stats{
		Running:  running + moving,
		Queued:   queued - moving,
		Finished: max(0, begun-running),
		Failed:   failed,
	}
}
