package supervise_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v6"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/supervisor/supervise"
	"github.com/grove-go/grove/nursery"
)

const (
	firstWait   = time.Millisecond
	longestWait = 8 * time.Millisecond
)

// A plan says what a supervisor is like, when it is asked to stop, and all that
// happens to its workers.
type plan struct {
	restarts       int
	within, steady time.Duration
	stop           time.Duration
	workers        []workerPlan
}

type workerPlan struct {
	name      string
	restart   supervise.Restart
	runs      []runPlan // after which it runs until it is asked to stop
	stopTakes time.Duration
	stopFails bool
	grace     time.Duration
}

type runPlan struct {
	starts time.Duration // until it is ready, or has failed before that
	ready  bool
	takes  time.Duration // from ready until it ends; 0: it does not
	fails  string        // "": it returns nil
	panics bool
}

// newPlan makes a plan of bytes. Its times are such that no two workers do something
// at the same time, unless one is why the other does it: everything takes whole
// milliseconds, but for the first start of each worker, which takes a microsecond
// more, and the time of the stop, which is in between.
func newPlan(data []byte) plan {
	pick := func(n int) int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b) % n
	}
	ms := func(n int) time.Duration { return time.Duration(pick(n)) * time.Millisecond }
	p := plan{
		restarts: pick(8),
		within:   ms(40),
		steady:   ms(10),
		stop:     500*time.Microsecond + ms(100),
		workers:  make([]workerPlan, 1+pick(4)),
	}
	for i := range p.workers {
		w := &p.workers[i]
		*w = workerPlan{
			name:      "abcd"[i : i+1],
			restart:   supervise.Restart(pick(3)),
			stopTakes: 2 * ms(4),
			stopFails: pick(4) == 1,
			grace:     2*ms(4) + time.Millisecond, // unlike any stopTakes
		}
		for j := range pick(6) {
			r := runPlan{starts: ms(5), ready: pick(4) > 0, takes: time.Millisecond + ms(12)}
			switch pick(4) {
			case 0:
				r.fails = "boom"
			case 1:
				r.fails = "enough is enough"
			case 2:
				r.fails, r.panics = "oops", true
			}
			if j == 0 {
				r.starts += time.Millisecond + time.Microsecond
			}
			w.runs = append(w.runs, r)
		}
		if len(w.runs) == 0 {
			w.runs = []runPlan{{starts: time.Millisecond + time.Microsecond, ready: true}}
		}
	}
	return p
}

// supervisor returns a supervisor as planned.
func (p plan) supervisor() *supervise.Supervisor {
	s := &supervise.Supervisor{Restarts: p.restarts, Within: p.within, Steady: p.steady}
	for _, w := range p.workers {
		var all []run
		for _, r := range w.runs {
			all = append(all, w.run(r))
		}
		s.Workers = append(s.Workers, supervise.Worker{
			Name: w.name, Restart: w.restart, Grace: w.grace, Run: runs(append(all, w.run(runPlan{ready: true}))...),
			Backoff: &backoff.ExponentialBackOff{InitialInterval: firstWait, Multiplier: 2, MaxInterval: longestWait},
		})
	}
	return s
}

func (w workerPlan) run(r runPlan) run {
	end := func() error {
		switch {
		case r.fails == "":
			return nil
		case r.panics:
			panic(r.fails)
		}
		return errors.New(r.fails)
	}
	return func(ctx context.Context, started func()) error {
		asked := cancel.UntilStop(ctx)
		if cancel.Sleep(asked, r.starts) != nil {
			return cancel.Err(ctx)
		}
		if !r.ready {
			return end()
		}
		started()
		if r.takes > 0 && cancel.Sleep(asked, r.takes) == nil {
			return end()
		}
		<-asked.Done()
		if err := cancel.Sleep(ctx, w.stopTakes); err != nil {
			return err
		}
		if w.stopFails {
			return errors.New("spoiled")
		}
		return nil
	}
}

// mustFollow plays a plan, compares what happens with the model, and returns it.
func mustFollow(t *testing.T, p plan) (all string) {
	t.Helper()
	log, err := supervised(t, p.supervisor(), stopAfter(p.stop))
	wantLog, wantErr := (&model{plan: p}).play()
	mustLog(t, log, wantLog)
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != wantErr {
		t.Errorf("Run() = %q, want %q", got, wantErr)
	}
	if t.Failed() {
		t.Fatalf("the plan is %+v", p)
	}
	return log + got
}

// TestPlans plays random plans, among which there is everything that can happen.
func TestPlans(t *testing.T) {
	seed := rand.Uint64()
	defer func() {
		if t.Failed() {
			t.Logf("with the seed %d", seed)
		}
	}()
	random := rand.New(rand.NewPCG(seed, 0))
	data := make([]byte, 200)
	seen := map[string]int{
		"panicked": 0, "grace expired": 0, "gave up": 0, "spoiled": 0, "2 failures: task": 0, "wait=8ms": 0,
		nursery.ErrNotStarted.Error(): 0, supervise.ErrReturned.Error(): 0, `nursery "supervisor": 2 failures`: 0,
	}
	for range 1000 {
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		all := mustFollow(t, newPlan(data))
		for what := range seen {
			if strings.Contains(all, what) {
				seen[what]++
			}
		}
	}
	for what, n := range seen {
		if n == 0 {
			t.Errorf("%q has not happened", what)
		}
	}
}

func FuzzPlans(f *testing.F) {
	f.Add([]byte{3, 10, 5, 50, 2, 0, 1, 0, 1, 3, 1, 1, 2})
	f.Fuzz(func(t *testing.T, data []byte) { mustFollow(t, newPlan(data)) })
}
