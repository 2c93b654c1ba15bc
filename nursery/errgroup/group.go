package errgroup

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/grove-go/grove/internal/bodyless"
	"github.com/grove-go/grove/internal/point"
	"github.com/grove-go/grove/nursery"
)

// A Group is a collection of tasks: functions that run in goroutines of their own and are
// parts of one job. The zero Group is usable, has no limit, and does not cancel anything
// when a task fails. [WithContext] returns a Group that does.
//
// Call [Group.Wait] for each Group that has started a task. Otherwise one goroutine stays, and
// leak checks report it.
//
// A Group is safe for use by multiple goroutines simultaneously, except for [Group.SetLimit].
// It must not be copied after first use.
type Group struct {
	current atomic.Pointer[round] // takes tasks; nil: Go begins a round
	tokens  chan struct{}         // of SetLimit, one of them for each task that runs; or nil

	mu       point.Mutex // guards the fields below; no code of a user runs under it
	opened   *round      // by WithContext, or nil
	failures []error     // of the rounds that have ended
	first    error       // the first error of a task, as the task returned it
	err      error       // what Err returns
	panicked bool        // Wait panics with value
	value    any
}

// A round is the life of a Group from a call of Go until all tasks have returned and Wait
// has been called. The next call of Go begins another one, as an errgroup may be used again.
type round struct {
	bodyless.Nursery
	waited bool           // Wait has been called; guarded by Group.mu
	before *round         // another round, which may not be over although its tasks have returned; or nil
	over   sync.WaitGroup // counts one until the Group has the outcome
}

// newRound returns a round below ctx.
func newRound(ctx context.Context, cancels bool) *round {
	r := &round{Nursery: bodyless.Open(ctx, cancels)}
	r.over.Add(1)
	return r
}

// WithContext returns a new Group and a context for its tasks, which is derived from ctx.
// The context is canceled when a task fails or panics, and when Wait returns.
//
// The context is a cancel scope. [context.Cause] returns the first error itself, and
// cancel.ReasonOf also tells which task failed, by the place of its function.
//
// WithContext panics if ctx is nil.
func WithContext(ctx context.Context) (*Group, context.Context) {
	if ctx == nil {
		panic("errgroup: WithContext: nil context; pass context.Background() if there is no other")
	}
	r := newRound(ctx, true)
	return &Group{opened: r}, r.Scope()
}

// Go starts task in a new goroutine. With [Group.SetLimit] Go blocks until the number of
// tasks that run is below the limit.
//
// The first error that a task returns cancels the context of [WithContext], and is what
// [Group.Wait] returns. A panic of a task cancels the context too. If a task calls
// [runtime.Goexit], that counts as a return of nil.
//
// A task may call Go. With a limit it waits forever if all tasks that run do so. The first
// call of Go must happen before Wait. After Wait has returned, Go begins anew, but the
// context of WithContext stays canceled. Go panics if task is nil.
func (g *Group) Go(task func() error) {
	if task == nil {
		panic("errgroup: Group.Go: nil task")
	}
	tokens := g.tokens
	if tokens != nil {
		tokens <- struct{}{}
	}
	g.start(task, tokens)
}

// TryGo is Go, except that it does not block: if as many tasks run as [Group.SetLimit]
// allows, it starts nothing. TryGo reports whether it has started the task. It panics if task
// is nil.
func (g *Group) TryGo(task func() error) bool {
	if task == nil {
		panic("errgroup: Group.TryGo: nil task")
	}
	tokens := g.tokens
	if tokens != nil {
		select {
		case tokens <- struct{}{}:
		default:
			return false
		}
	}
	g.start(task, tokens)
	return true
}

// start starts a task, which gives its token back to the channel that it is from.
func (g *Group) start(task func() error, tokens <-chan struct{}) {
	if r := g.current.Load(); r != nil && r.Enter() {
		point.Here("Go: entered")
		go r.Run(task, tokens)
		return
	}
	point.Here("Go: no round")
	g.mu.Lock()
	defer g.mu.Unlock()
	if r := g.current.Load(); r != nil && r.Enter() { // by another call of Go
		go r.Run(task, tokens)
		return
	}
	r := g.opened
	switch {
	case r == nil:
		r = newRound(context.Background(), false)
	case r.waited:
		r = newRound(r.Scope(), true)
	}
	r.before = g.current.Load()
	r.Begin()
	g.current.Store(r)
	go r.RunFirst(task, tokens)
}

// SetLimit limits the number of tasks that run at a time to n. A negative n stands for no
// limit, which is the default. With a limit of 0 Go blocks forever, and TryGo starts
// nothing.
//
// SetLimit must not be called while another goroutine calls a method of the Group, or while
// tasks run. If tasks run and n is not negative, it panics.
func (g *Group) SetLimit(n int) {
	if n < 0 {
		g.tokens = nil
		return
	}
	if r := g.current.Load(); r != nil {
		if active := r.Active(); active > 0 {
			panic(fmt.Sprintf("errgroup: Group.SetLimit: no task must be running, got %d", active))
		}
	}
	g.tokens = make(chan struct{}, n)
}

// Wait waits until all tasks have returned, and returns the first error that a task
// returned, unchanged, or nil if there was none. This includes errors that say that the
// task was canceled. Wait also cancels the context of [WithContext].
//
// If a task panicked, Wait panics with a [*nursery.PanicError], which has the stack of the
// task, and the errors of other tasks as its Others.
//
// Wait may be called several times and by several goroutines. All calls return the same
// error, the first one of the Group, or panic.
func (g *Group) Wait() error {
	g.mu.Lock()
	r := g.current.Load()
	if r == nil {
		r = g.opened
	}
	last := r != nil && r.waited
	if r != nil {
		r.waited = true
	}
	g.mu.Unlock()
	switch {
	case last:
		r.over.Wait()
		point.Here("Wait: over")
	case r != nil:
		g.join(r)
	}
	g.mu.Lock()
	first, panicked, value := g.first, g.panicked, g.value
	g.mu.Unlock()
	if panicked {
		panic(value)
	}
	return first
}

// join waits for a round and takes its outcome. It is called once for each.
func (g *Group) join(r *round) {
	failures, value := r.Join()
	if r.before != nil {
		// A task of that round may have been started by a caller of Wait that finds this one.
		r.before.over.Wait()
		r.before = nil
		point.Here("Wait: over before")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if value != nil && !g.panicked {
		g.panicked, g.value = true, value
	}
	if len(failures) > 0 {
		if t, ok := failures[0].(*nursery.TaskError); ok && g.first == nil {
			g.first = t.Err
		}
		g.failures = append(g.failures, failures...)
		g.err = nursery.NewGroupError("", g.failures...)
	}
	g.current.CompareAndSwap(r, nil) // Go may have begun another one
	r.over.Done()
}

// Err returns a [*nursery.GroupError] with the failures of all tasks that [Group.Wait] has
// waited for, the earliest first, or nil if there were none. Call it after Wait. Each failure
// is a [*nursery.TaskError] with the error that the task returned, and with the place of the
// task's function as its name. Panics are among the failures.
//
// Err leaves out errors that say no more than that the context of [WithContext] was
// canceled, unless it is the error that Wait returns. The errors of a zero Group are all
// there.
//
// Package errgroup of golang.org/x/sync has no such method. The result of Wait equals an
// error of a task, such as io.EOF, so it cannot hold the other errors.
func (g *Group) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}
