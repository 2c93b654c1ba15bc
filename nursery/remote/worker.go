package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A Worker runs functions for callers. Make it with [NewWorker], give it functions with
// [Func.Handle], and call [Worker.Run] once.
type Worker struct {
	engine Engine
	name   string
	slots  int
	budget time.Duration // 0: no limit
	redact bool
	log    *slog.Logger

	mu      sync.Mutex
	funcs   map[string]handler
	started bool
}

// A handler is a function that a worker runs.
type handler struct {
	spec
	call func(ctx context.Context, arg []byte) (result []byte, err error)
}

// A WorkerOption is an option of [NewWorker].
type WorkerOption interface{ applyWorker(*Worker) }

type workerOption func(*Worker)

func (o workerOption) applyWorker(w *Worker) { o(w) }

// Slots limits how many tasks run at a time. The worker takes no more tasks than that from
// the queues. A handler that calls a remote function keeps its slot while it waits: give
// functions that wait for each other different queues and workers, or enough slots. The default is four for each processor that Go uses. Slots panics if n is
// less than 1.
func Slots(n int) WorkerOption {
	if n < 1 {
		panic(fmt.Sprintf("remote: Slots: want at least 1, got %d", n))
	}
	return workerOption(func(w *Worker) { w.slots = n })
}

// WorkerName names a worker in errors and logs. Two workers must not have the same name at
// the same time. The default is random. WorkerName panics if name is not of the form of
// [Define].
func WorkerName(name string) WorkerOption {
	mustName("WorkerName", name)
	return workerOption(func(w *Worker) { w.name = name })
}

// MaxBudget limits the time of each task, whatever the deadline of its caller. When it is
// over, the worker gives up the task. The default is no limit. MaxBudget panics unless d is
// positive.
func MaxBudget(d time.Duration) WorkerOption {
	if d <= 0 {
		panic(fmt.Sprintf("remote: MaxBudget: want more than 0, got %v", d))
	}
	return workerOption(func(w *Worker) { w.budget = d })
}

// RedactStacks keeps stacks, file names, and the causes of cancellations out of the errors
// that a worker sends. It is for workers that serve other teams.
func RedactStacks() WorkerOption { return workerOption(func(w *Worker) { w.redact = true }) }

// NewWorker returns a worker without functions. It panics if e or an option is nil.
func NewWorker(e Engine, opts ...WorkerOption) *Worker {
	if e == nil {
		panic("remote: NewWorker: nil Engine")
	}
	w := &Worker{
		engine: e,
		name:   rand.Text(),
		slots:  4 * runtime.GOMAXPROCS(0),
		log:    slog.Default(),
		funcs:  make(map[string]handler),
	}
	for _, o := range opts {
		if o == nil {
			panic("remote: NewWorker: nil option")
		}
		o.applyWorker(w)
	}
	return w
}

// Name returns the name of the worker.
func (w *Worker) Name() string { return w.name }

// handle is Func.Handle.
func (w *Worker) handle(h handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started {
		panic("remote: Func.Handle: the worker has begun to run")
	}
	if _, ok := w.funcs[h.name]; ok {
		panic("remote: Func.Handle: the worker handles " + h.name + " already")
	}
	w.funcs[h.name] = h
}

// Run takes tasks from the queues of the worker's functions and runs them, until ctx is
// asked to stop (see [cancel.UntilStop]) or canceled. A stop reaches the running tasks as
// well. Run then takes no more tasks, and returns when all that it has begun have ended and
// their callers know. It waits for a caller that it cannot reach no longer than for the
// lease and a third of it.
//
// Run returns nil after a stop, the [*cancel.Error] of ctx if that is done, or an error of
// the engine if the worker cannot begin. Failures of tasks are not failures of Run. Run
// panics if ctx is nil, if it was called before, or if the worker has no function.
func (w *Worker) Run(ctx context.Context) error {
	if ctx == nil {
		panic("remote: Worker.Run: nil context")
	}
	w.mu.Lock()
	again := w.started
	w.started = true
	w.mu.Unlock()
	switch {
	case again:
		panic("remote: Worker.Run: called twice")
	case len(w.funcs) == 0:
		panic("remote: Worker.Run: the worker has no function; use Func.Handle")
	}
	scope := cancel.New(ctx)
	defer scope.Close()
	s := &service{
		Worker:  w,
		ctx:     scope,
		slots:   nursery.NewLimiter(w.slots),
		results: nursery.NewLimiter(2 * w.slots),
		claims:  nursery.NewLimiter(maxClaims),
		tasks:   make(map[taskKey]*task),
		callers: make(map[string]*callerView),
		silent:  make(map[string]time.Time),
		begun:   make(map[taskKey]time.Time),
	}
	unlisten, err := w.engine.Listen(workerAddr(w.name), s.receive)
	if err != nil {
		return fmt.Errorf("remote: Worker.Run: %w", err)
	}
	defer unlisten()
	// Beats and results go on when ctx is canceled, until the last task has ended.
	shield := cancel.New(ctx, cancel.Shielded())
	err = shield.Run(func(ctx context.Context) error {
		return nursery.Run(ctx, s.serve, nursery.Name("remote worker "+w.name))
	})
	if err != nil {
		return err
	}
	return cancel.Err(ctx)
}

// maxClaims is how many claims a worker makes at a time.
const maxClaims = 64

// A service is a worker that runs.
type service struct {
	*Worker
	ctx     *cancel.Scope // of the handlers
	n       *nursery.Nursery
	slots   *nursery.Limiter // a token for each delivery that is not denied, and each task
	results *nursery.Limiter // a token for each result that is under way
	claims  *nursery.Limiter

	mu      sync.Mutex
	tasks   map[taskKey]*task
	callers map[string]*callerView
	silent  map[string]time.Time  // callers that do not answer, until then
	begun   map[taskKey]time.Time // tasks whose callers may not know that they have begun, until then
}

type taskKey struct {
	caller  string
	id      int64
	attempt int
}

// serve is the body of the worker's nursery.
func (s *service) serve(ctx context.Context, n *nursery.Nursery) error {
	s.n = n
	n.Scope().OnDone(func() { s.ctx.Cancel(context.Cause(ctx)) }) // a panic, or the end
	queues := make(map[string]bool)
	for _, h := range s.funcs {
		queues[h.queue] = true
	}
	most := maxClaims
	if len(queues) > 1 {
		most = 1 // a source that waits keeps one slot from the others
	}
	sources := make(map[string]Source)
	for queue := range queues {
		source, err := s.engine.Pull(queue)
		if err != nil {
			return err
		}
		sources[queue] = source
	}
	for _, queue := range slices.Sorted(maps.Keys(queues)) {
		n.Go(func(context.Context) error { return s.pull(sources[queue], most) }, nursery.Name("queue "+queue))
	}
	return nil
}

// pull takes messages from a queue until the worker stops.
func (s *service) pull(source Source, most int) error {
	until := cancel.UntilStop(s.ctx)
	pause := 10 * time.Millisecond
	for s.slots.Acquire(until) == nil {
		free := 1
		for free < most && s.slots.TryAcquire() {
			free++
		}
		var got []Delivery
		wait, stop := until, context.CancelFunc(func() {})
		if most == 1 { // another queue may need the slot
			wait, stop = context.WithTimeout(until, time.Second)
		}
		err := source.Next(wait, free, func(d Delivery) {
			if len(got) < free { // more than was asked for comes again
				got = append(got, d)
			}
		})
		stop()
		s.slots.ReleaseN(free - len(got))
		s.deliver(got)
		switch {
		case err == nil:
			pause = 10 * time.Millisecond
		case until.Err() == nil:
			s.log.Warn("remote: the queue cannot be reached", "error", err)
			if cancel.Sleep(until, pause) == nil {
				pause = min(2*pause, time.Second)
			}
		}
	}
	return nil
}

// deliver claims the tasks of the deliveries.
func (s *service) deliver(got []Delivery) {
	byCaller := make(map[string][]*task)
	for _, d := range got {
		if t := s.open(d); t != nil {
			byCaller[t.caller.name] = append(byCaller[t.caller.name], t)
		}
	}
	for _, tasks := range byCaller {
		s.n.Go(func(ctx context.Context) error { s.claim(ctx, tasks); return nil })
	}
}

// open returns the task of a delivery, which has a slot. It returns nil if the task is not to be
// claimed, and sees to the delivery and the slot.
func (s *service) open(d Delivery) *task {
	h, arg, err := unpack(d.Data())
	if err == nil && (h.Kind != kindCall || !validName(h.Caller)) {
		err = fmt.Errorf("remote: a message of the kind %q in a queue", h.Kind)
	}
	if err != nil {
		s.log.Warn("remote: the worker drops a message", "error", err)
		s.ack(d)
		if validName(h.Caller) { // another version
			s.refuse(&h, err.Error())
		} else {
			s.slots.Release()
		}
		return nil
	}
	lease := duration(h.Lease)
	if lease < minLease || lease > maxLease {
		s.ack(d)
		s.refuse(&h, fmt.Sprintf("a lease of %v, want %v to %v", lease, minLease, maxLease))
		return nil
	}
	fn, ok := s.funcs[h.Fn]
	switch {
	case !ok:
		s.ack(d)
		s.refuse(&h, "no such function")
		return nil
	case len(arg) > fn.max:
		s.ack(d)
		s.refuse(&h, fmt.Sprintf("the argument has %d bytes, want at most %d", len(arg), fn.max))
		return nil
	}
	t := &task{service: s, key: taskKey{h.Caller, h.ID, h.Attempt}, ref: h.ref, fn: fn, path: h.Path, arg: arg, delivery: d}
	s.mu.Lock()
	other := s.tasks[t.key]
	running := other != nil && other.running || time.Until(s.begun[t.key]) > 0
	silent := time.Until(s.silent[h.Caller])
	if other == nil && !running && silent <= 0 {
		t.caller = s.callerLocked(h.Caller, lease)
		t.caller.tasks[t] = struct{}{}
		s.tasks[t.key] = t
	}
	s.mu.Unlock()
	switch {
	case running:
		s.ack(d)
	case other != nil: // that delivery counts
	case silent > 0:
		s.putBack(d, silent)
	default:
		return t
	}
	s.slots.Release()
	return nil
}

func (s *service) ack(d Delivery) {
	if err := d.Ack(); err != nil {
		s.log.Debug("remote: a message could not be acknowledged", "error", err)
	}
}

// putBack returns a message whose caller does not answer to the queue, or drops it if it
// has been there often: the caller looks after its queue.
func (s *service) putBack(d Delivery, delay time.Duration) {
	if d.Times() >= 5 {
		s.ack(d)
	} else if err := d.Nak(delay); err != nil {
		s.log.Debug("remote: a message could not be returned", "error", err)
	}
}

// refuse tells a caller that its task is not going to begin here. The slot is kept until
// then, so that what is refused is not more than what could run.
func (s *service) refuse(h *head, why string) {
	s.n.Go(func(ctx context.Context) error {
		defer s.slots.Release()
		msg, err := pack(&head{Kind: kindResult, Worker: s.name, ref: h.ref, End: endRefused}, []byte(why))
		for i := 0; err == nil && i < 3; i++ {
			if _, failed := s.request(ctx, callerAddr(h.Caller), msg, time.Second); failed == nil {
				break
			}
		}
		return nil
	})
}

// request is Engine.Request with a timeout, and returns the head of the answer.
func (s *service) request(ctx context.Context, addr string, msg []byte, timeout time.Duration) (h head, err error) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	answer, err := s.engine.Request(ctx, addr, msg)
	if err != nil {
		return h, err
	}
	h, _, err = unpack(answer)
	return h, err
}

// claim asks the caller of the tasks for them, until it answers or the lease is over.
func (s *service) claim(ctx context.Context, tasks []*task) {
	caller := tasks[0].caller
	if err := s.claims.Acquire(ctx); err != nil { // a panic: ctx is shielded, and no task fails
		for _, t := range tasks {
			t.drop()
		}
		return
	}
	defer s.claims.Release()
	begun := time.Now()
	for {
		asked := time.Now()
		answer, err := s.claimOnce(ctx, caller, tasks)
		if err == nil {
			s.granted(tasks, answer.Grants, asked)
			return
		}
		if errors.Is(err, ErrNobody) || time.Since(begun) >= caller.lease {
			break
		}
		if err := cancel.SleepUntil(ctx, asked.Add(caller.lease/3)); err != nil {
			break
		}
	}
	s.remember(caller.name, time.Now().Add(caller.lease))
	for _, t := range tasks {
		s.putBack(t.delivery, caller.lease)
		t.drop()
	}
}

// remember notes that a caller does not answer, and forgets those for which that time is over.
func (s *service) remember(caller string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.silent, func(_ string, until time.Time) bool { return time.Until(until) <= 0 })
	s.silent[caller] = until
}

func (s *service) claimOnce(ctx context.Context, caller *callerView, tasks []*task) (head, error) {
	h := &head{Kind: kindClaim, Worker: s.name}
	for _, t := range tasks {
		h.Claims = append(h.Claims, t.ref)
	}
	msg, err := pack(h, nil)
	if err != nil {
		return head{}, err
	}
	answer, err := s.request(ctx, callerAddr(caller.name), msg, caller.lease/3)
	if err == nil && len(answer.Grants) != len(tasks) {
		err = fmt.Errorf("remote: a caller answers %d claims with %d grants", len(tasks), len(answer.Grants))
	}
	return answer, err
}

// granted begins the tasks that the caller has granted. What the caller says counts from
// when it was asked.
func (s *service) granted(tasks []*task, grants []grant, asked time.Time) {
	for i, t := range tasks {
		if grants[i].Deny != "" {
			t.drop()
		} else {
			t.begin(grants[i], asked)
		}
	}
	for _, t := range tasks {
		s.ack(t.delivery)
	}
}

// receive handles a message to the worker.
func (s *service) receive(msg []byte, _ func([]byte)) {
	h, _, err := unpack(msg)
	if err != nil || h.Kind != kindOrder {
		s.log.Warn("remote: the worker drops a message", "error", err, "kind", h.Kind)
		return
	}
	s.follow(h.Caller, h.Orders, time.Now(), true)
}
