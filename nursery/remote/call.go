package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
)

// A state is where an attempt of a call stands.
//
//	queued ──claim──▶ running ──ctx done──▶ ending
//	  │                │   │                │   │
//	  │ refused  result│   │silence   result│   │silence
//	  ▼                ▼   ▼                ▼   ▼
//	 done            done lost            done lost
//
// After done or lost there may be another attempt.
type state uint8

const (
	queued  state = iota
	running       // a worker has claimed the task
	ending        // the worker has been told to cancel it
	done
	lost
)

// A call is a task as its caller sees it. The goroutine of the call waits in await for
// what the client's functions learn from workers.
type call struct {
	client  *Client
	fn      spec
	ctx     context.Context
	path    string
	arg     []byte
	token   string
	id      int64
	wake    chan struct{} // has room for one: the attempt is done or lost
	receipt string        // from the engine; of the goroutine of the call

	// The client's mu guards what follows.
	attempt int
	state   state
	since   time.Time   // when it was enqueued, or begun
	worker  *workerView // of running and ending
	seen    time.Time   // when the worker last claimed the task or had it in a beat
	told    time.Time   // the deadline that the worker knows; zero: none
	moved   bool        // the deadline is not the one of the grant
	why     *reason     // of ending: the cancellation
	stop    bool        // the worker is to be asked to stop
	enough  func()      // ends Enqueue; nil: it does not run

	// What follows is set when the attempt is done or lost.
	from   string // the worker's name
	silent time.Duration
	end    string
	body   []byte
	given  *reason // why the worker gave up
}

// begin makes a new attempt. What workers say of an older one does not count any more.
func (t *call) begin() {
	c := t.client
	c.mu.Lock()
	defer c.mu.Unlock()
	t.beginLocked()
}

func (t *call) beginLocked() {
	t.attempt++
	t.state, t.since, t.moved = queued, time.Now(), false
	select {
	case <-t.wake:
	default:
	}
}

// joinLocked gives the task to a worker.
func (t *call) joinLocked(name string) {
	c := t.client
	w := c.workers[name]
	if w == nil {
		w = &workerView{name: name, calls: make(map[*call]struct{})}
		w.timer = time.AfterFunc(c.lease+grace(c.lease), func() { w.silence(c) })
		c.workers[name] = w
	}
	w.hearLocked(c)
	w.calls[t] = struct{}{}
	t.worker, t.state, t.since, t.seen = w, running, w.heard, w.heard
	t.enoughLocked()
}

// enoughLocked ends Enqueue, which has done its work or need not do it any more.
func (t *call) enoughLocked() {
	if t.enough != nil {
		t.enough()
	}
}

// leaveLocked takes the task from its worker.
func (t *call) leaveLocked() {
	w := t.worker
	if w == nil {
		return
	}
	t.worker = nil
	delete(w.calls, t)
	if len(w.calls) == 0 {
		w.timer.Stop()
		delete(t.client.workers, w.name)
	}
}

// takeLocked takes the result of a task.
func (t *call) takeLocked(h *head, body []byte) {
	t.end, t.given = h.End, h.Why
	t.body = append([]byte(nil), body...)
	t.finishLocked(done, h.Worker)
}

// finishLocked ends the attempt.
func (t *call) finishLocked(s state, from string) {
	t.leaveLocked()
	t.state, t.from = s, from
	t.enoughLocked()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// over returns the error of a call that was canceled, or nil.
func (t *call) over() error {
	if err := cancel.Err(t.ctx); err != nil {
		return err
	}
	select {
	case <-t.client.ending:
		return cancel.Err(t.client.scope)
	default:
		return nil
	}
}

// enqueue puts the attempt into its queue, again and again until it is there, a worker has
// it all the same, or the call is canceled.
func (t *call) enqueue() error {
	c := t.client
	for pause := 10 * time.Millisecond; ; pause *= 2 {
		err := t.enqueueOnce()
		if err == nil {
			return nil
		}
		over := t.over()
		c.mu.Lock()
		begun := t.state != queued
		if !begun && over != nil {
			t.state = done // no worker gets it any more
		}
		c.mu.Unlock()
		if begun {
			return nil
		}
		if over != nil {
			return over
		}
		level := slog.LevelDebug
		if pause > c.lease/3 {
			pause, level = c.lease/3, slog.LevelWarn
		}
		c.log.Log(t.ctx, level, "remote: a task is not in the queue yet", "func", t.fn.name, "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-t.ctx.Done():
		case <-c.ending:
		}
		timer.Stop()
	}
}

func (t *call) enqueueOnce() error {
	c := t.client
	ctx, enough := context.WithCancel(t.ctx)
	defer enough()
	c.mu.Lock()
	t.enough = enough
	if t.state != queued || c.ended {
		enough()
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		t.enough = nil
		c.mu.Unlock()
	}()
	if err := c.enqueues.Acquire(ctx); err != nil {
		return err
	}
	defer c.enqueues.Release()
	r := ref{ID: t.id, Attempt: t.attempt, Token: t.token} // only this goroutine changes attempt
	msg, err := pack(&head{Kind: kindCall, Caller: c.name, ref: r, Fn: t.fn.name, Path: t.path, Lease: micros(c.lease)}, t.arg)
	if err != nil {
		return err
	}
	var ttl time.Duration
	if deadline, ok := t.ctx.Deadline(); ok {
		ttl = max(time.Until(deadline), time.Millisecond)
	}
	ctx, stop := context.WithTimeout(ctx, c.lease)
	defer stop()
	t.receipt, err = c.engine.Enqueue(ctx, t.fn.queue, messageID(c.name, r), ttl, msg)
	return err
}

// await waits until the attempt is done or lost. It returns an error if the call is
// canceled before a worker has the task.
func (t *call) await() (err error) {
	if live.Enabled() {
		live.Explain(t, t.explain, func() { err = t.watch() })
		return err
	}
	return t.watch()
}

// explain says what the call waits for.
func (t *call) explain(times bool) string {
	c := t.client
	c.mu.Lock()
	defer c.mu.Unlock()
	s := fmt.Sprintf("%s in the queue %q", t.fn.name, t.fn.queue)
	if t.worker != nil {
		s = fmt.Sprintf("%s on worker %q", t.fn.name, t.worker.name)
	}
	if t.attempt > 1 {
		s += fmt.Sprintf(", attempt %d", t.attempt)
	}
	if times {
		s += fmt.Sprintf(", for %v", time.Since(t.since).Round(time.Millisecond))
	}
	if t.worker != nil && times {
		s += fmt.Sprintf(", heard of %v ago", time.Since(t.worker.heard).Round(time.Millisecond))
	}
	return s
}

// watch is await.
func (t *call) watch() error {
	c := t.client
	canceled, ending, stop := t.ctx.Done(), c.ending, cancel.UntilStop(t.ctx).Done()
	pause := 2 * c.lease
	audit := time.NewTimer(pause)
	defer audit.Stop()
	for {
		var by context.Context
		select {
		case <-t.wake:
			return nil
		case <-canceled:
			by = t.ctx
		case <-ending:
			by = c.scope
		case <-stop:
			stop = nil
			t.askToStop()
			continue
		case <-audit.C:
			if t.isForgotten() {
				if err := t.enqueue(); err != nil {
					return err
				}
			}
			pause = min(2*pause, 100*c.lease)
			audit.Reset(pause)
			continue
		}
		canceled, ending = nil, nil
		if !t.cancel(by) {
			return cancel.Err(by)
		}
	}
}

// isForgotten makes a new attempt if the queue has lost the task, and reports whether
// it has.
func (t *call) isForgotten() bool {
	c := t.client
	c.mu.Lock()
	claimed := t.state != queued
	c.mu.Unlock()
	if claimed {
		return false
	}
	ctx, stop := context.WithTimeout(t.ctx, c.lease/3)
	defer stop()
	there, err := c.engine.Queued(ctx, t.fn.queue, t.receipt)
	if there || err != nil {
		return false
	}
	c.mu.Lock()
	forgotten := t.state == queued // and not claimed in the meantime
	if forgotten {
		t.beginLocked()
	}
	c.mu.Unlock()
	if forgotten {
		c.log.Warn("remote: the queue has lost a task, which is enqueued again", "func", t.fn.name)
	}
	return forgotten
}

// cancel tells the worker that the call was canceled, because by was. It reports whether a
// worker has begun the task.
func (t *call) cancel(by context.Context) bool {
	c := t.client
	why := reasonOf(by)
	c.mu.Lock()
	w := t.worker
	switch {
	case t.state == queued:
		t.state = done // no worker gets it any more
		c.mu.Unlock()
		return false
	case t.state == running:
		t.state, t.why = ending, why
	}
	c.mu.Unlock()
	if w != nil {
		t.order(w, order{Cancel: why})
	}
	return true
}

// askToStop tells the worker that the caller is asked to stop.
func (t *call) askToStop() {
	c := t.client
	c.mu.Lock()
	t.stop = true
	w := t.worker
	c.mu.Unlock()
	if w != nil {
		t.order(w, order{Stop: true})
	}
}

// order sends an order. If it is lost, the answer to the next beat has it again.
func (t *call) order(w *workerView, o order) {
	o.ref = ref{ID: t.id, Attempt: t.attempt, Token: t.token}
	msg, err := pack(&head{Kind: kindOrder, Caller: t.client.name, Orders: []order{o}}, nil)
	if err == nil {
		err = t.client.engine.Publish(workerAddr(w.name), msg)
	}
	if err != nil {
		t.client.log.Debug("remote: an order waits for the next beat", "func", t.fn.name, "error", err)
	}
}

// outcome returns what has become of the attempt, which is done or lost.
func (t *call) outcome() ([]byte, error) {
	c := t.client
	c.mu.Lock()
	state, end, why := t.state, t.end, t.why
	c.mu.Unlock()
	if state == lost {
		return nil, t.join(&LostError{Func: t.fn.name, Worker: t.from, Attempt: t.attempt, Silent: t.silent})
	}
	if end == endEcho && why == nil {
		t.awaitDeadline()
	}
	over := t.over()
	switch {
	case end == endError:
		err, failed := DecodeError(t.body)
		if failed != nil {
			return nil, t.join(failed)
		}
		return nil, err
	case over != nil && (why != nil || end == endEcho):
		return nil, over
	case end == endValue:
		return t.body, nil
	case end == endRefused:
		return nil, &RefusedError{Func: t.fn.name, Worker: t.from, Why: newReasonEncoder().text(string(t.body))}
	}
	err := &AbortedError{Func: t.fn.name, Worker: t.from, Attempt: t.attempt}
	if t.given != nil {
		err.Reason = t.given.decode(0).Reason
	}
	return nil, err
}

// join returns err, with the cancellation of the call if it was canceled.
func (t *call) join(err error) error {
	if over := t.over(); over != nil {
		return errors.Join(over, err)
	}
	return err
}

// awaitDeadline waits for the deadline of ctx, if that is near: a worker may notice it a
// moment before the caller.
func (t *call) awaitDeadline() {
	near := t.client.lease / 3
	deadline, ok := t.ctx.Deadline()
	if !ok || time.Until(deadline) > near {
		return
	}
	timer := time.NewTimer(near)
	defer timer.Stop()
	select {
	case <-t.ctx.Done():
	case <-timer.C:
	}
}
