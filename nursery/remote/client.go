package remote

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A Client makes calls. It can be used by any number of goroutines.
type Client struct {
	engine Engine
	name   string // random: two clients are never the same
	lease  time.Duration
	log    *slog.Logger
	scope  *cancel.Scope // of the nursery that the client serves in

	enqueues *nursery.Limiter
	ending   chan struct{} // closed when the client is about to end

	mu      sync.Mutex
	last    int64 // the ID of the last call
	calls   map[int64]*call
	workers map[string]*workerView
	ended   bool          // no further calls
	idle    chan struct{} // closed when ended and calls is empty
}

// grace is how long after its lease a worker has time to end a task.
func grace(lease time.Duration) time.Duration { return lease / 3 }

// maxEnqueues is how many messages a client enqueues at a time: more would make each of
// them late.
const maxEnqueues = 64

// A ClientOption is an option of [NewClient].
type ClientOption interface{ applyClient(*Client) }

// Lease sets how long a task goes on when its caller and its worker do not hear of each
// other. A worker cancels the tasks of a caller that it has not heard of for the lease. A
// caller takes a task for lost a third later. The two exchange a message each third of the
// lease. The default is 10 s. A lease of less than 3 s is for tests, as a connection may
// need that long to recover. Lease panics if d is less than 1 s or more than 1 h.
func Lease(d time.Duration) ClientOption {
	if d < minLease || d > maxLease {
		panic(fmt.Sprintf("remote: Lease: want %v to %v, got %v", minLease, maxLease, d))
	}
	return leaseOption(d)
}

type leaseOption time.Duration

func (o leaseOption) applyClient(c *Client) { c.lease = time.Duration(o) }

const (
	minLease = time.Second
	maxLease = time.Hour
)

// An Option is an option of [NewClient] and of [NewWorker].
type Option interface {
	ClientOption
	WorkerOption
}

// Log sets the logger that is told of workers, callers and results that are lost, and of
// messages that make no sense. The default is [slog.Default]. Log panics if l is nil.
func Log(l *slog.Logger) Option {
	if l == nil {
		panic("remote: Log: nil logger")
	}
	return logOption{l}
}

type logOption struct{ *slog.Logger }

func (o logOption) applyClient(c *Client) { c.log = o.Logger }
func (o logOption) applyWorker(w *Worker) { w.log = o.Logger }

// NewClient returns a client that ends with the nursery n: when n is canceled, or when all
// else in n has returned, the client cancels its calls, wherever they are made, and waits
// for them. NewClient returns an error of the engine. It panics if n, e or an option is nil,
// or if n has ended.
func NewClient(n *nursery.Nursery, e Engine, opts ...ClientOption) (*Client, error) {
	switch {
	case n == nil:
		panic("remote: NewClient: nil nursery")
	case e == nil:
		panic("remote: NewClient: nil Engine")
	}
	c := &Client{
		engine:   e,
		name:     rand.Text(),
		lease:    10 * time.Second,
		log:      slog.Default(),
		scope:    n.Scope(),
		enqueues: nursery.NewLimiter(maxEnqueues),
		ending:   make(chan struct{}),
		calls:    make(map[int64]*call),
		workers:  make(map[string]*workerView),
		idle:     make(chan struct{}),
	}
	for _, o := range opts {
		if o == nil {
			panic("remote: NewClient: nil option")
		}
		o.applyClient(c)
	}
	stopClaims, err := e.Listen(callerAddr(c.name), c.receive)
	if err != nil {
		return nil, fmt.Errorf("remote: NewClient: %w", err)
	}
	stopBeats, err := e.Listen(beatAddr(c.name), c.receive)
	if err != nil {
		stopClaims()
		return nil, fmt.Errorf("remote: NewClient: %w", err)
	}
	unlisten := func() { stopBeats(); stopClaims() }
	served := false
	defer func() {
		if !served { // n has ended
			unlisten()
		}
	}()
	n.Go(func(ctx context.Context) error {
		defer unlisten()
		<-ctx.Done()
		c.end()
		<-c.idle
		return cancel.Err(ctx)
	}, nursery.Daemon(), nursery.Name("remote client"))
	served = true
	return c, nil
}

// end cancels all calls and refuses further ones.
func (c *Client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	close(c.ending)
	for _, t := range c.calls {
		t.enoughLocked()
	}
	if len(c.calls) == 0 {
		close(c.idle)
	}
}

// call is Func.Call.
func (c *Client) call(ctx context.Context, s spec, arg []byte, retries int) ([]byte, error) {
	if err := cancel.Err(ctx); err != nil {
		return nil, err
	}
	t := &call{
		client: c, fn: s, ctx: ctx, path: pathOf(ctx), arg: arg,
		token: rand.Text(), wake: make(chan struct{}, 1),
	}
	if !c.add(t) {
		return nil, cancel.Err(c.scope)
	}
	defer c.remove(t)
	for {
		t.begin()
		if err := t.enqueue(); err != nil {
			return nil, err
		}
		if err := t.await(); err != nil {
			return nil, err
		}
		result, err := t.outcome()
		if err == nil || retries == 0 || !retryable(err) || t.over() != nil {
			return result, err
		}
		retries--
	}
}

// pathOf returns the path of ctx, cut to what a message may have.
func pathOf(ctx context.Context) string {
	path := cancel.Path(ctx)
	return strings.ToValidUTF8(path[:min(len(path), maxPath)], "")
}

// retryable reports whether another attempt may help.
func retryable(err error) bool {
	switch err.(type) {
	case *LostError, *AbortedError, *RefusedError:
		return true
	}
	return false
}

// add counts a call in, unless the client has ended.
func (c *Client) add(t *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	c.last++
	t.id = c.last
	c.calls[t.id] = t
	return true
}

// remove forgets a call.
func (c *Client) remove(t *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.leaveLocked()
	delete(c.calls, t.id)
	if c.ended && len(c.calls) == 0 {
		close(c.idle)
	}
}

// receive handles a message to the client.
func (c *Client) receive(msg []byte, reply func([]byte)) {
	h, body, err := unpack(msg)
	var answer *head
	switch {
	case err != nil:
	case h.Kind == kindClaim:
		answer = c.grant(&h)
	case h.Kind == kindBeat:
		answer = c.hear(&h)
	case h.Kind == kindResult:
		answer = c.result(&h, body)
	default:
		err = fmt.Errorf("remote: a message of the kind %q to a client", h.Kind)
	}
	if err == nil {
		msg, err = pack(answer, nil)
	}
	if err != nil {
		c.log.Warn("remote: the client drops a message", "error", err)
		return
	}
	reply(msg)
}

// A dated is a call whose deadline is to be told to a worker. The context may belong to
// another package, so it is asked without a lock.
type dated struct {
	*call
	budget **int64
	none   *bool
}

// tell sets the budget.
func (d dated) tell() {
	deadline, ok := d.ctx.Deadline()
	if ok {
		us := micros(time.Until(deadline))
		*d.budget = &us
	} else if d.none != nil {
		*d.none = true
	}
	d.client.mu.Lock()
	d.told = deadline
	d.client.mu.Unlock()
}

// grant answers a claim.
func (c *Client) grant(h *head) *head {
	answer := &head{Kind: kindGrant, Grants: make([]grant, len(h.Claims))}
	var granted []dated
	c.mu.Lock()
	for i, r := range h.Claims {
		g := &answer.Grants[i]
		t := c.findLocked(r)
		switch {
		case t == nil || t.state == done || t.state == lost:
			g.Deny = "done"
		case t.attempt != r.Attempt:
			g.Deny = "superseded"
		case t.state == queued:
			t.joinLocked(h.Worker)
		case t.worker.name != h.Worker:
			g.Deny = "taken"
		default: // the answer was lost
			t.seen, t.moved = time.Now(), true // which answer arrives is not known
			t.worker.hearLocked(c)
		}
		if g.Deny == "" {
			g.Stop = t.stop
			granted = append(granted, dated{t, &g.Budget, nil})
		}
	}
	c.mu.Unlock()
	for _, d := range granted {
		d.tell()
	}
	return answer
}

// hear answers a beat.
func (c *Client) hear(h *head) *head {
	answer := &head{Kind: kindOrder}
	var moved []*call
	now := time.Now()
	c.mu.Lock()
	w := c.workers[h.Worker]
	for _, run := range h.Run {
		o := order{ref: ref{ID: run[0], Attempt: int(run[1])}}
		t := c.calls[o.ID]
		if t == nil || w == nil || t.worker != w || t.attempt != o.Attempt {
			o.Gone = true
			answer.Orders = append(answer.Orders, o)
			continue
		}
		t.seen = now
		o.Cancel, o.Stop = t.why, t.stop
		if o.Cancel != nil || o.Stop {
			answer.Orders = append(answer.Orders, o)
		}
		moved = append(moved, t)
	}
	if w != nil {
		w.hearLocked(c)
		c.missLocked(w, now)
	}
	c.mu.Unlock()
	answer.Orders = append(answer.Orders, budgets(moved)...)
	answer.Orders = fitting(answer.Orders)
	return answer
}

// missLocked takes tasks for lost that a worker which is heard of does not know: another
// process may have its name.
func (c *Client) missLocked(w *workerView, now time.Time) {
	for t := range w.calls {
		if t.silent = now.Sub(t.seen); t.silent >= c.lease+grace(c.lease) {
			t.finishLocked(lost, w.name)
		}
	}
}

// budgets returns orders for the calls whose deadlines have moved.
func budgets(calls []*call) (orders []order) {
	for _, t := range calls {
		deadline, _ := t.ctx.Deadline()
		t.client.mu.Lock()
		t.moved = t.moved || !t.told.Equal(deadline)
		o := order{ref: ref{ID: t.id, Attempt: t.attempt}}
		moved := t.moved
		t.client.mu.Unlock()
		if moved {
			dated{t, &o.Budget, &o.Forever}.tell()
			orders = append(orders, o)
		}
	}
	return orders
}

// fitting returns as many orders as have room in the head of a message. What is left out is
// ordered with the next beat.
func fitting(orders []order) []order {
	room := maxHead / 2
	for i, o := range orders {
		text, err := json.Marshal(o)
		if room -= len(text) + 1; err != nil || room < 0 {
			return orders[:i]
		}
	}
	return orders
}

// result takes the result of a task, and answers whether a call waits for it.
func (c *Client) result(h *head, body []byte) *head {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.findLocked(h.ref)
	switch {
	case t == nil || t.attempt != h.Attempt:
	case t.state == queued && h.End == endRefused:
		t.takeLocked(h, body)
		return &head{Kind: kindOK}
	case t.worker != nil && t.worker.name == h.Worker:
		t.worker.hearLocked(c)
		t.takeLocked(h, body)
		return &head{Kind: kindOK}
	}
	return &head{Kind: kindOK, Gone: true}
}

// findLocked returns the call of a task, if the token is right, or nil.
func (c *Client) findLocked(r ref) *call {
	t := c.calls[r.ID]
	if t == nil || subtle.ConstantTimeCompare([]byte(t.token), []byte(r.Token)) == 0 {
		return nil
	}
	return t
}

// A workerView is a worker that has tasks of this client.
type workerView struct {
	name  string
	heard time.Time
	timer *time.Timer // takes the tasks for lost
	calls map[*call]struct{}
}

// hearLocked is called when there is a message from the worker.
func (w *workerView) hearLocked(c *Client) {
	w.heard = time.Now()
	w.timer.Reset(c.lease + grace(c.lease))
}

// silence takes the tasks of the worker for lost, unless there was a message in the
// meantime.
func (w *workerView) silence(c *Client) {
	c.mu.Lock()
	silent := time.Since(w.heard)
	tasks := len(w.calls)
	if silent < c.lease+grace(c.lease) || tasks == 0 {
		c.mu.Unlock()
		return
	}
	for t := range w.calls {
		t.silent = silent
		t.finishLocked(lost, w.name)
	}
	c.mu.Unlock()
	c.log.Warn("remote: a worker is lost", "worker", w.name, "tasks", tasks, "silent", silent)
}
