package script_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

// A player runs a script against the library.
type player struct {
	t     *testing.T
	began time.Time
	mu    sync.Mutex
	trace trace
	order map[int][]string // the failures of each nursery
}

func (p *player) now() time.Duration { return time.Since(p.began) }

func (p *player) note(a *act, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trace = append(p.trace, line{p.now(), a.id, fmt.Sprintf(format, args...)})
}

// play runs a script in a bubble.
func play(t *testing.T, ctx context.Context, s script) *player {
	p := &player{t: t, began: time.Now(), order: make(map[int][]string)}
	root := cancel.New(ctx, cancel.Name("root"))
	defer root.Close()
	kit.RunToEnd(func() {
		_ = frame{p: p, ctx: root, scopes: []*cancel.Scope{root}, handles: new([]handle)}.run(s)
	})
	p.trace.sorted()
	return p
}

// A stage is a nursery that runs part of a script.
type stage struct {
	n       *nursery.Nursery
	limit   int
	depth   int // number of scopes up to its own
	alive   atomic.Int64
	running atomic.Int64 // tasks that count against the limit
	over    atomic.Bool
}

type handle struct {
	task *nursery.Task[int]
	on   *stage
}

// A frame holds what a script can use.
type frame struct {
	p       *player
	ctx     context.Context
	stages  []*stage
	scopes  []*cancel.Scope
	handles *[]handle // of the current task
	ready   func(int) // reports that the task of a Start is ready
}

// inner returns the element with index x, counted from the last one, the innermost.
func inner[T any](all []T, x int) T { return all[len(all)-1-x%len(all)] }

// within returns the frame for the scope ctx.
func (f frame) within(ctx context.Context) frame {
	f.ctx = ctx
	f.scopes = append(f.scopes[:len(f.scopes):len(f.scopes)], cancel.FromContext(ctx))
	return f
}

// task returns the frame of a task on a stage. The task may outlive stages and scopes
// further in, so it does not get them.
func (f frame) task(on *stage, ctx context.Context, own bool) frame {
	f.stages = f.stages[:slices.Index(f.stages, on)+1]
	f.scopes = f.scopes[:on.depth]
	f.handles, f.ready, f.ctx = new([]handle), nil, ctx
	if own {
		f = f.within(ctx)
	}
	return f
}

func (f frame) run(s script) error {
	for _, a := range s {
		if over, err := f.do(a); over {
			return err
		}
	}
	return nil
}

// pause waits until one of the act's own instants.
func (f frame) pause(a *act, which int) {
	time.Sleep(a.at(f.p.now(), 1, which) - f.p.now())
}

// give ends or continues an act when its context is done.
func (f frame) give(a *act) (over bool, err error) {
	f.p.note(a, "gives up: %s", text(cancel.Err(f.ctx)))
	switch a.gives {
	case giveErr:
		return true, cancel.Err(f.ctx)
	case giveWrapped:
		return true, fmt.Errorf("wrapped: %w", cancel.Err(f.ctx))
	case giveBare:
		return true, f.ctx.Err()
	case giveCause:
		return true, context.Cause(f.ctx)
	case giveJoined:
		return true, errors.Join(a.failure(), f.ctx.Err())
	case giveFailure:
		return true, a.failure()
	}
	f.pause(a, whenPaused)
	return false, nil
}

// A failureID is the error of an act of its own.
type failureID int

func (id failureID) Error() string { return fmt.Sprint("failure ", int(id)) }

// A panicID is the value of an act's panic.
type panicID int

// failure returns the error of an act that fails: its own error, or one that other acts
// return too.
func (a *act) failure() error {
	if a.on {
		return errors.New("boom")
	}
	return failureID(a.id)
}

// do runs an act and reports whether the script is over.
func (f frame) do(a *act) (over bool, err error) {
	d := a.at(f.p.now(), a.after, whenDue) - f.p.now()
	switch a.wait {
	case waitDeaf:
		time.Sleep(d)
	case waitHeeding, waitUntilStop:
		ctx := f.ctx
		if a.wait == waitUntilStop {
			ctx = cancel.UntilStop(ctx)
		}
		if cancel.Sleep(ctx, d) == nil {
			break
		}
		if f.ctx.Err() == nil {
			f.p.note(a, "stops")
			f.pause(a, whenPaused)
		} else if over, err := f.give(a); over {
			return true, err
		}
	}
	deadline, limited := f.ctx.Deadline()
	due := "none"
	if limited {
		due = fmt.Sprint(deadline.Sub(f.p.began))
	}
	f.p.note(a, "%s, deadline %s, %s", actNames[a.kind], due, text(cancel.Err(f.ctx)))
	switch a.kind {
	case actFail:
		return true, a.failure()
	case actPanic:
		panic(panicID(a.id))
	case actGoexit:
		runtime.Goexit()
	case actCancel:
		if a.on {
			inner(f.scopes, a.up).Cancel(causeID(a.id))
		} else {
			inner(f.scopes, a.up).Cancel(nil)
		}
	case actDeadline:
		t := f.p.began.Add(a.at(f.p.now(), a.ticks, whenLate)) // may be in the past if ticks is 0
		if a.on && a.ticks > 8 {
			t = time.Time{}
		} else if a.ticks == 0 {
			t = time.Now().Add(-1)
		}
		inner(f.scopes, a.up).SetDeadline(t)
	case actShield:
		inner(f.scopes, a.up).SetShield(a.on)
	case actStop:
		inner(f.scopes, a.up).Stop()
	case actGo, actSpawn:
		f.start(a)
	case actReady:
		if f.ready != nil {
			f.ready(a.id)
		}
	case actCancelTask:
		if len(*f.handles) > 0 {
			inner(*f.handles, a.up).task.Cancel(causeID(a.id))
		}
	case actWait:
		if len(*f.handles) == 0 || inner(*f.handles, a.up).on.limit > 0 {
			break
		}
		_, err := inner(*f.handles, a.up).task.Wait(f.ctx)
		f.pause(a, whenPaused)
		if f.ctx.Err() != nil {
			return f.give(a)
		}
		f.p.note(a, "got %s", text(err))
		return err != nil && !a.swallow, err
	case actScope, actNursery, actStart, actFor, actMap, actEach, actStream, actUnordered:
		if err := f.block(a); err != nil && !a.swallow {
			if a.kind == actStart {
				// The error may come from a sibling. Wait until its cancellation has
				// arrived from above.
				f.pause(a, whenPaused)
			}
			return true, err
		}
	}
	f.pause(a, whenOver)
	return false, nil
}

func (o options) of(a *act) []nursery.Option {
	opts := []nursery.Option{nursery.Name(fmt.Sprint("n", a.id))}
	if o.limit > 0 {
		opts = append(opts, nursery.Limit(o.limit))
	}
	if o.keep {
		opts = append(opts, nursery.KeepGoing())
	}
	if o.safe {
		opts = append(opts, nursery.RecoverPanics())
	}
	return opts
}

// failed records the failures of a nursery in order.
func (p *player) failed(a *act, errs []error) {
	if a.kind == actScope || a.kind == actStart {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, err := range errs {
		p.order[a.id] = append(p.order[a.id], text(err))
	}
}

// block runs an act that contains others, and waits for them.
func (f frame) block(a *act) (err error) {
	how := "called Goexit"
	on := new(stage)
	defer func() {
		v := recover()
		on.over.Store(true)
		switch v := v.(type) {
		case *nursery.PanicError:
			how = "panicked: " + text(v)
			f.p.failed(a, v.Others)
		case panicID: // a panic of the act itself, through a scope
			how = fmt.Sprint("panicked: panic ", int64(v))
		}
		if n := on.alive.Load(); n != 0 {
			f.p.t.Errorf("N1: act %d %s with %d tasks alive", a.id, how, n)
		}
		f.p.failed(a, kit.Failures(err))
		f.p.note(a, "%s", how)
		if v != nil {
			panic(v)
		}
	}()
	switch a.kind {
	case actScope:
		opts := []cancel.Option{cancel.Name(fmt.Sprint("s", a.id))}
		if a.on {
			opts = append(opts, cancel.Shielded())
		}
		if a.ticks > 0 {
			opts = append(opts, cancel.Deadline(f.p.began.Add(a.at(f.p.now(), a.ticks, whenLate))))
		}
		err = f.scope(a, opts)
	case actNursery:
		on.limit, on.depth = a.options.limit, len(f.scopes)+1
		err = nursery.Run(f.ctx, func(ctx context.Context, n *nursery.Nursery) error {
			on.n = n
			f := f.within(ctx)
			f.stages = append(f.stages[:len(f.stages):len(f.stages)], on)
			return f.member(on, a, "body", func() error { return f.run(a.inside) })
		}, a.options.of(a)...)
	case actStart:
		err = f.startAndWait(a)
	default:
		err = f.flow(a, on)
	}
	how = "returned " + text(err)
	return err
}

func (f frame) scope(a *act, opts []cancel.Option) error {
	s := cancel.New(f.ctx, opts...)
	return s.Run(func(ctx context.Context) error { return f.within(ctx).run(a.inside) })
}

// member records the beginning and end of a nursery's member.
func (f frame) member(on *stage, a *act, what string, fn func() error) error {
	if on.over.Load() {
		f.p.t.Errorf("N1: act %d: the %s begins after its nursery has ended", a.id, what)
	}
	on.alive.Add(1)
	defer on.alive.Add(-1)
	f.p.note(a, "%s begins", what)
	defer f.p.note(a, "%s ends", what)
	return fn()
}

// counted is like member for tasks that count against the limit.
func (f frame) counted(on *stage, a *act, what string, limit int, fn func() error) error {
	if r := on.running.Add(1); limit > 0 && r > int64(limit) {
		f.p.t.Errorf("N11: act %d: %d tasks are running, want at most %d", a.id, r, limit)
	}
	defer on.running.Add(-1)
	return f.member(on, a, what, fn)
}

// taskOptions returns the options of the task that the act starts.
func (a *act) taskOptions() (opts []nursery.TaskOption) {
	if a.name != "" {
		opts = append(opts, nursery.Name(fmt.Sprint(a.name, a.id)))
	}
	if a.daemon {
		opts = append(opts, nursery.Daemon())
	}
	return opts
}

// start starts a task and does not wait for it.
func (f frame) start(a *act) {
	on := inner(f.stages, a.up)
	limit := on.limit
	run := f.counted
	if a.daemon {
		run = func(on *stage, a *act, what string, _ int, fn func() error) error { return f.member(on, a, what, fn) }
	}
	if a.kind == actGo {
		on.n.Go(func(ctx context.Context) error {
			return run(on, a, "task", limit, func() error { return f.task(on, ctx, false).run(a.inside) })
		}, a.taskOptions()...)
		return
	}
	t := nursery.Spawn(on.n, func(ctx context.Context) (int, error) {
		return a.id, run(on, a, "task", limit, func() error { return f.task(on, ctx, true).run(a.inside) })
	}, a.taskOptions()...)
	*f.handles = append(*f.handles, handle{t, on})
}

func (f frame) startAndWait(a *act) error {
	on := inner(f.stages, a.up)
	v, err := nursery.Start(f.ctx, on.n, func(ctx context.Context, started func(int)) error {
		return f.member(on, a, "task", func() error {
			f := f.task(on, ctx, true)
			f.ready = started
			return f.run(a.inside)
		})
	}, a.taskOptions()...)
	if (v != 0) != (err == nil) {
		f.p.t.Errorf("N13: act %d: Start() = %d, %v", a.id, v, err)
	}
	return err
}

// flow runs For, Map, Each or a stream.
func (f frame) flow(a *act, on *stage) error {
	fn := func(ctx context.Context, i int) (int, error) {
		return i, f.counted(on, a, fmt.Sprint("item ", i), a.options.limit, func() error {
			f := f.within(ctx)
			f.handles, f.ready = new([]handle), nil
			return f.run(a.items[i])
		})
	}
	var items []int
	for i := range a.items {
		items = append(items, i)
	}
	opts := a.options.of(a)
	switch a.kind {
	case actFor:
		return nursery.For(f.ctx, len(items), func(ctx context.Context, i int) error { _, err := fn(ctx, i); return err }, opts...)
	case actMap:
		got, err := nursery.Map(f.ctx, items, fn, opts...)
		if err == nil && !slices.Equal(got, items) {
			f.p.t.Errorf("act %d: Map() = %v, want %v", a.id, got, items)
		}
		return err
	case actEach:
		return nursery.Each(f.ctx, slices.Values(items), func(ctx context.Context, i int) error { _, err := fn(ctx, i); return err }, opts...)
	}
	stream := nursery.Stream[int, int]
	if a.kind == actUnordered {
		stream = nursery.StreamUnordered[int, int]
	}
	var got []int
	var last error
	for v, err := range stream(f.ctx, slices.Values(items), fn, opts...) {
		if last != nil {
			f.p.t.Errorf("N15: act %d: the stream continues after %v", a.id, last)
		}
		if last = err; err == nil {
			got = append(got, v)
		}
	}
	if a.kind == actUnordered {
		slices.Sort(got)
	} else if !slices.Equal(got, items[:len(got)]) {
		f.p.t.Errorf("N15: act %d: the stream yielded %v, want %v in order", a.id, got, items)
	}
	if last == nil && !slices.Equal(got, items) {
		f.p.t.Errorf("N15: act %d: the stream yielded %v, want %v", a.id, got, items)
	}
	return last
}
