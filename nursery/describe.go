package nursery

import (
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"

	"github.com/grove-go/grove/internal/live"
)

// What package live knows of a nursery while the registry is on. Without it a nursery
// loads a word when it opens, and nothing else here costs anything.

func init() {
	live.DescribeNursery = func(self any) live.NurseryInfo { return self.(*Nursery).describe() }
}

// register puts the nursery into the registry. It keeps this code out of the stack frame of
// open, which is often among the first calls of a goroutine.
//
//go:noinline
func (n *Nursery) register() {
	set := new(settings)
	if n.set != nil {
		*set = *n.set // which several nurseries of package errgroup may share
	}
	set.seen = live.New(n)
	n.set = set
	set.seen.Open() // last, because other goroutines see the nursery from here on
}

// unregister removes the nursery, in which nothing runs any more, from the registry.
func (n *Nursery) unregister() {
	r := n.record()
	if r == nil {
		return
	}
	s := live.Summary{Name: n.config().name, Tasks: n.Stats().Finished, Canceled: live.CanceledAt(n.scope)}
	if f := n.failures.Load(); f != nil {
		f.mu.Lock()
		s.Failed, s.Panicked = len(f.errs) > 0 || f.panicked != nil, f.panicked != nil
		f.mu.Unlock()
	}
	r.Close(s)
	if r.Around != nil {
		pprof.SetGoroutineLabels(r.Around)
	}
}

// labelBody gives the goroutine of the body the labels of the nursery until unregister is
// called, if labels are on. The nursery, which is in the registry, was opened with the context
// around.
//
//go:noinline
func (n *Nursery) labelBody(around context.Context) {
	if live.Labeled() {
		n.record().Around = around
		n.label()
	}
}

// labelKey is the key of the label that goroutines have.
const labelKey = "grove"

// withLabel returns a context with a name at the end of the label of ctx.
func withLabel(ctx context.Context, name string) context.Context {
	path, _ := pprof.Label(ctx, labelKey)
	return pprof.WithLabels(ctx, pprof.Labels(labelKey, strings.TrimPrefix(path+"/"+name, "/")))
}

// label gives the goroutine the labels of the nursery, if they are on.
func (n *Nursery) label() {
	if r := n.record(); r != nil && r.Around != nil {
		pprof.SetGoroutineLabels(n.scope)
	}
}

// labelTask gives the goroutine the labels of a task in the record with the context ctx, if
// they are on. It returns the context for the task.
func (n *Nursery) labelTask(ctx context.Context, info *taskInfo) context.Context {
	if n.record().Around == nil {
		return ctx
	}
	var own context.Context = n.scope
	if info.name != "" {
		own = withLabel(n.scope, info.name)
	}
	path, _ := pprof.Label(own, labelKey)
	if have, _ := pprof.Label(ctx, labelKey); have != path { // of the option Values, it is that of the caller
		ctx = pprof.WithLabels(ctx, pprof.Labels(labelKey, path))
	}
	pprof.SetGoroutineLabels(ctx)
	return ctx
}

// record returns the record of the nursery, or nil if the registry was off when it opened.
func (n *Nursery) record() *live.Nursery {
	if n.set == nil {
		return nil
	}
	return n.set.seen
}

// remember puts a task into the record of the nursery, if there is one. The task waits for
// its turn under a limit if queued is true.
func (n *Nursery) remember(info *taskInfo, queued bool) {
	r := n.record()
	if r == nil {
		return
	}
	info.seen = &live.Task{Self: info, Name: info.name, Daemon: info.daemon, Queued: queued, Accepted: live.Now()}
	if info.scope != nil {
		info.seen.Scope = info.scope
	}
	r.Add(info.seen)
}

// forget removes a task, which has returned, from the record of the nursery.
func (n *Nursery) forget(info *taskInfo) {
	if info.seen != nil {
		n.record().Remove(info.seen)
	}
}

// timed is plain for a nursery with a record. The stack of the task shows its last
// argument, which is the time when the nursery accepted the task.
func (n *Nursery) timed(task func(ctx context.Context) error, at int64) {
	n.label()
	n.plain(task)
	keep(at)
}

// keep keeps its argument alive in the caller, so that the caller's stack shows it.
//
//go:noinline
func keep(int64) {}

// consume calls the loop over a stream. Its frame shows the nursery in the stack of the
// loop, because frames of generic methods do not show their receiver.
//
//go:noinline
func (n *Nursery) consume(loop func()) {
	loop()
	runtime.KeepAlive(n)
}

// maxFailures is how many failures a description of a nursery has.
const maxFailures = 10

// describe describes the nursery for [live.DescribeNursery].
func (n *Nursery) describe() live.NurseryInfo {
	c, s := n.config(), n.Stats()
	state := n.state.Load()
	members := int(state &^ bodyLeft >> waited)
	if state < bodyLeft {
		members++ // the body
	}
	info := live.NurseryInfo{
		Name:      c.name,
		Running:   s.Running,
		Queued:    s.Queued,
		Finished:  s.Finished,
		Failed:    s.Failed,
		Limit:     int(c.limit),
		Unlimited: c.limit == 0 && c.limiter == nil,
		BodyDone:  state >= bodyLeft,
		Members:   members,
		Scope:     n.scope,
	}
	if c.limit > 0 {
		info.Options = append(info.Options, fmt.Sprintf("limit %d", c.limit))
	}
	if c.limiter != nil {
		info.Options = append(info.Options, fmt.Sprintf("limiter of %d", c.limiter.Stats().Total))
	}
	if c.keepGoing {
		info.Options = append(info.Options, "keeps going")
	}
	if f := n.failures.Load(); f != nil {
		f.mu.Lock()
		info.Panicking = f.panicked != nil
		info.Failures = append(info.Failures, f.errs[:min(len(f.errs), maxFailures)]...)
		if f.panicked != nil && len(info.Failures) < maxFailures {
			info.Failures = append(info.Failures, f.panicked)
		}
		f.mu.Unlock()
	}
	return info
}
