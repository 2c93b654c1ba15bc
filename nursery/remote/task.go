package remote

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/nursery"
)

// A TaskInfo tells a handler about its call. See [Info].
type TaskInfo struct {
	Func    string
	Worker  string
	Caller  string // a name that no other client has
	Path    string // of the caller's context; see cancel.Path
	Task    int64  // a number that no other task of the caller has
	Attempt int    // from 1 on; grows with each attempt of the task
}

// Info returns what is known of the call that ctx belongs to, and whether it belongs to one.
//
// Storage that must not take what an old attempt writes compares Attempt: for the same
// Caller and Task, the larger one is the newer one. Info panics if ctx is nil.
func Info(ctx context.Context) (TaskInfo, bool) {
	if ctx == nil {
		panic("remote: Info: nil context")
	}
	info, ok := ctx.Value(infoKey{}).(TaskInfo)
	return info, ok
}

type infoKey struct{}

// A task is a task as its worker sees it, from its delivery until its caller has its
// result.
type task struct {
	*service
	key      taskKey
	ref      ref
	caller   *callerView
	fn       handler
	path     string
	arg      []byte
	delivery Delivery

	// outer ends for reasons of the worker, and inner for those of the caller. They are set
	// when the task begins.
	outer, inner *cancel.Scope
	asked        time.Time // when the caller was asked for it
	result       []byte    // what the handler returned

	// The service's mu guards what follows.
	running bool
	early   []order // what the caller ordered before the task has begun
}

// A callerView is a caller that has tasks here.
type callerView struct {
	name  string
	lease time.Duration

	// The service's mu guards what follows.
	tasks    map[*task]struct{}
	answered time.Time // when what the caller has answered last was sent to it
	timer    *time.Timer
}

// callerLocked returns the view of a caller.
func (s *service) callerLocked(name string, lease time.Duration) *callerView {
	c := s.callers[name]
	if c == nil {
		c = &callerView{name: name, lease: lease, tasks: make(map[*task]struct{})}
		s.callers[name] = c
	}
	return c
}

// hearLocked is called when the caller has answered what was sent to it at asked.
func (s *service) hearLocked(c *callerView, asked time.Time) {
	if !asked.After(c.answered) {
		return
	}
	c.answered = asked
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Until(asked.Add(c.lease)), func() { s.lose(c) })
		return
	}
	c.timer.Reset(time.Until(asked.Add(c.lease)))
}

// lose cancels the tasks of a caller that does not answer.
func (s *service) lose(c *callerView) {
	s.mu.Lock()
	var scopes []*cancel.Scope
	if time.Since(c.answered) >= c.lease {
		for t := range c.tasks {
			if t.running {
				scopes = append(scopes, t.outer)
			}
		}
	}
	s.mu.Unlock()
	if len(scopes) > 0 {
		s.log.Warn("remote: a caller is lost", "caller", c.name, "tasks", len(scopes))
	}
	for _, scope := range scopes {
		giveUp(scope, ErrCallerLost)
	}
}

// giveUp cancels a task for a reason of the worker's.
func giveUp(outer *cancel.Scope, cause error) {
	outer.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceCancel, Cause: cause}})
}

// begin runs the handler in a goroutine of its own.
func (t *task) begin(g grant, asked time.Time) {
	s := t.service
	outer := cancel.New(s.ctx)
	info := TaskInfo{Func: t.fn.name, Worker: s.name, Caller: t.caller.name, Path: t.path, Task: t.ref.ID, Attempt: t.ref.Attempt}
	name := t.fn.name
	if t.path != "" {
		name = t.path + "/" + name
	}
	inner := cancel.New(context.WithValue(outer, infoKey{}, info), cancel.Name(name))
	t.inner, t.asked = inner, asked
	t.setDeadline(g.Budget, asked)
	if g.Stop {
		inner.Stop()
	}
	s.mu.Lock()
	c := t.caller
	first := c.timer == nil
	s.hearLocked(c, asked)
	t.outer, t.running = outer, true
	early := t.early
	t.early = nil
	s.mu.Unlock()
	for _, o := range early {
		t.obey(o, asked)
	}
	if first {
		s.n.Go(func(ctx context.Context) error { return s.beat(ctx, c) }, nursery.Daemon(), nursery.Name("beat"))
	}
	bare.Catch(s.n, name, func(context.Context) (err error) {
		t.result, err = t.fn.call(inner, t.arg)
		return err
	}, t.ended)
}

// setDeadline gives a task the budget that its caller named in answer to what was asked.
func (t *task) setDeadline(budget *int64, asked time.Time) {
	var deadline time.Time
	if budget != nil {
		deadline = asked.Add(duration(*budget))
	}
	if most := t.asked.Add(t.budget); t.budget > 0 && (budget == nil || most.Before(deadline)) {
		deadline = most
	}
	t.inner.SetDeadline(deadline)
}

// ended is called in the goroutine of the task with what the handler returned, or its panic.
func (t *task) ended(err error) {
	h := &head{Kind: kindResult, Worker: t.name, ref: t.ref, End: endValue}
	body := t.result
	if err != nil {
		body = t.failed(h, err)
	}
	t.inner.Close()
	t.outer.Close()
	ctx := t.n.Scope()
	if t.results.Acquire(ctx) == nil {
		defer t.results.Release()
	}
	t.slots.Release()
	if msg, err := pack(h, body); err == nil {
		t.report(ctx, msg)
	}
	t.forget()
}

// failed sets the end of a task that has failed, and returns the body of its result.
func (t *task) failed(h *head, err error) []byte {
	enc := newEncoder()
	enc.redact = t.redact
	if bad, ok := err.(*argumentError); ok {
		h.End = endRefused
		return []byte(enc.text(bad.Error()))
	}
	left := t.inner.Absorb(err)
	switch {
	case left == nil:
		h.End, h.Why = endEcho, t.reason(t.inner)
		return nil
	case t.outer.IsEcho(left):
		h.End, h.Why = endWorker, t.reason(t.outer)
		return nil
	}
	h.End = endError
	return enc.bytes(left)
}

// reason returns why the scope, which has ended, was canceled.
func (t *task) reason(scope *cancel.Scope) *reason {
	e, _ := cancel.Err(scope).(*cancel.Error)
	enc := newReasonEncoder()
	enc.redact = t.redact
	return enc.reason(e.Err, e.Reason, 0)
}

// report sends the result until the caller has answered, or has not been heard of for so
// long that it has taken the task for lost. If the engine does not take the result for the
// lease, it reports that.
func (t *task) report(ctx context.Context, msg []byte) {
	c := t.caller
	for begun := time.Now(); ; {
		asked := time.Now()
		answer, err := t.request(ctx, callerAddr(c.name), msg, c.lease/3)
		if err == nil {
			if answer.Gone {
				t.log.Debug("remote: no call waits for a result", "func", t.fn.name, "path", t.path)
			}
			t.mu.Lock()
			t.hearLocked(c, asked)
			t.mu.Unlock()
			return
		}
		t.mu.Lock()
		silent := time.Since(c.answered)
		t.mu.Unlock()
		if !errors.Is(err, ErrNobody) && !errors.Is(err, context.DeadlineExceeded) && time.Since(begun) >= c.lease {
			h := &head{Kind: kindResult, Worker: t.name, ref: t.ref, End: endError}
			msg, _ = pack(h, EncodeError(fmt.Errorf("remote: %s: the result could not be sent: %w", t.fn.name, err)))
		}
		if silent >= c.lease+grace(c.lease) {
			// The caller may have heard of the worker, and would grant the task again.
			t.mu.Lock()
			maps.DeleteFunc(t.begun, func(_ taskKey, until time.Time) bool { return time.Until(until) <= 0 })
			t.begun[t.key] = time.Now().Add(3 * c.lease)
			t.mu.Unlock()
			t.log.Warn("remote: a result is lost with its caller", "func", t.fn.name, "path", t.path)
			return
		}
		if cancel.SleepUntil(ctx, asked.Add(c.lease/3)) != nil {
			return
		}
	}
}

// drop forgets a task that has not begun.
func (t *task) drop() {
	t.slots.Release()
	t.forget()
}

func (t *task) forget() {
	s := t.service
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tasks, t.key)
	c := t.caller
	delete(c.tasks, t)
	if len(c.tasks) == 0 {
		if c.timer != nil {
			c.timer.Stop()
		}
		delete(s.callers, c.name)
	}
}

// maxRun is how many tasks are in one message of a beat.
const maxRun = 2000

// beat tells a caller each third of the lease which of its tasks run here, as long as there
// are any. It does so again in half of that time if there is no answer.
func (s *service) beat(ctx context.Context, c *callerView) error {
	var sent time.Time
	for next, half := time.Now(), true; ; half = !half {
		if next = next.Add(c.lease / 6); time.Since(next) > c.lease {
			next = time.Now() // the process was stopped
		}
		if err := cancel.SleepUntil(ctx, next); err != nil {
			return err
		}
		s.mu.Lock()
		over := s.callers[c.name] != c
		answered := !c.answered.Before(sent)
		var run [][2]int64
		if !half || !answered {
			for t := range c.tasks {
				if t.running {
					run = append(run, [2]int64{t.ref.ID, int64(t.ref.Attempt)})
				}
			}
		}
		s.mu.Unlock()
		if over {
			return nil
		}
		if len(run) > 0 {
			sent = time.Now()
		}
		for len(run) > 0 {
			k := min(len(run), maxRun)
			h := &head{Kind: kindBeat, Worker: s.name, Run: run[:k]}
			run = run[k:]
			s.n.Go(func(ctx context.Context) error { s.beatOnce(ctx, c, h); return nil })
		}
	}
}

func (s *service) beatOnce(ctx context.Context, c *callerView, h *head) {
	msg, err := pack(h, nil)
	if err != nil {
		return
	}
	asked := time.Now()
	answer, err := s.request(ctx, beatAddr(c.name), msg, c.lease/3)
	if err != nil {
		return // the next beat follows, or the timer cancels the tasks
	}
	s.mu.Lock()
	if s.callers[c.name] == c {
		s.hearLocked(c, asked)
	}
	s.mu.Unlock()
	s.follow(c.name, answer.Orders, asked, false)
}

// follow obeys the orders of a caller. An order by itself must have the token of the task.
func (s *service) follow(caller string, orders []order, asked time.Time, published bool) {
	for _, o := range orders {
		s.mu.Lock()
		t := s.tasks[taskKey{caller, o.ID, o.Attempt}]
		if t != nil && published && subtle.ConstantTimeCompare([]byte(t.ref.Token), []byte(o.Token)) == 0 {
			t = nil
		}
		if t != nil && !t.running { // it overtakes the grant
			t.early = append(t.early, o)
			t = nil
		}
		s.mu.Unlock()
		if t != nil {
			t.obey(o, asked)
		}
	}
}

// obey carries out an order.
func (t *task) obey(o order, asked time.Time) {
	if o.Gone {
		giveUp(t.outer, ErrNotWanted)
	}
	if o.Stop {
		t.inner.Stop()
	}
	if o.Budget != nil || o.Forever {
		t.setDeadline(o.Budget, asked)
	}
	if o.Cancel != nil {
		e := o.Cancel.decode(0)
		if s := e.Reason.Source; s == cancel.SourceContext || s == cancel.SourceClosed {
			e.Reason.Source = cancel.SourceCancel // the task's scope absorbs its echo
		}
		t.inner.CancelAs(e)
	}
}
