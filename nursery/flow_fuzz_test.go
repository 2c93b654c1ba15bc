package nursery_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A flowPlan describes a call of Each or a loop over a stream.
type flowPlan struct {
	kind      int // index in flows
	count     int
	limit     int
	tokens    int // of a limiter; 0: no limiter
	keepGoing bool
	recovers  bool

	fail   map[int]bool // items that return an error
	crash  map[int]bool // items that panic
	delays []time.Duration
	source time.Duration // time the source takes for an item
	leave  int           // the pair at which the loop is left; -1: none
	stop   time.Duration // when the context is canceled; 0: never
}

func newFlowPlan(seed uint64) flowPlan {
	rnd := rand.New(rand.NewPCG(seed, 11))
	p := flowPlan{
		kind: rnd.IntN(len(flows)), count: rnd.IntN(30), limit: 1 + rnd.IntN(6),
		keepGoing: rnd.IntN(2) == 0, recovers: rnd.IntN(2) == 0,
		fail: map[int]bool{}, crash: map[int]bool{}, leave: -1,
	}
	if rnd.IntN(2) == 0 {
		p.tokens = 1 + rnd.IntN(4)
	}
	if rnd.IntN(3) == 0 {
		p.source = time.Duration(rnd.IntN(3)) * time.Second
	}
	for range rnd.IntN(3) {
		p.fail[rnd.IntN(30)] = true
	}
	if rnd.IntN(4) == 0 {
		p.crash[rnd.IntN(30)] = true
	}
	for range p.count {
		p.delays = append(p.delays, time.Duration(rnd.IntN(4))*time.Second)
	}
	if rnd.IntN(3) == 0 && flows[p.kind].name != "Each" {
		p.leave = rnd.IntN(15)
	}
	if rnd.IntN(3) == 0 {
		p.stop = time.Duration(1+rnd.IntN(20)) * time.Second
	}
	return p
}

func (p flowPlan) options() []nursery.Option {
	opts := []nursery.Option{nursery.Limit(p.limit)}
	if p.tokens > 0 {
		opts = append(opts, nursery.LimitBy(nursery.NewLimiter(p.tokens)))
	}
	if p.keepGoing {
		opts = append(opts, nursery.KeepGoing())
	}
	if p.recovers {
		opts = append(opts, nursery.RecoverPanics())
	}
	return opts
}

// FuzzFlow draws a plan, runs it in virtual time, and checks what must always hold.
func FuzzFlow(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) { newFlowPlan(seed).check(t, ctx) })
	})
}

func (p flowPlan) check(t *testing.T, ctx context.Context) {
	scope := cancel.New(ctx)
	if p.stop > 0 {
		scope.SetTimeout(p.stop)
	}
	var (
		asked, begun, running, finished atomic.Int32
		inSource                        atomic.Bool
		taken                           int32
		kind                            = flows[p.kind].name
		atMost                          = int32(p.limit)
		crashed                         = make([]bool, p.count)
		ended                           = make([]bool, p.count) // the call returned a value
	)
	if p.tokens > 0 {
		atMost = min(atMost, int32(p.tokens))
	}
	source := func(yield func(int) bool) {
		inSource.Store(true)
		defer inSource.Store(false)
		for i := range p.count {
			asked.Add(1)
			time.Sleep(p.source)
			if !yield(i) {
				return
			}
		}
	}
	call := func(ctx context.Context, i int) (int, error) {
		if b := begun.Add(1); p.limit == 1 && int(b) != i+1 {
			t.Errorf("item %d began as number %d", i, b-1)
		}
		if r := running.Add(1); r > atMost {
			t.Errorf("%d calls are running, want at most %d", r, atMost)
		}
		defer finished.Add(1)
		defer running.Add(-1)
		if err := cancel.Sleep(ctx, p.delays[i]); err != nil {
			return 0, err
		}
		switch {
		case p.crash[i]:
			crashed[i] = true
			panic(i)
		case p.fail[i]:
			return 0, errBoom
		}
		ended[i] = true
		return i, nil
	}
	var values []int
	var errs []error
	loop := func(seq iter.Seq2[int, error]) (v any) {
		defer func() { v = recover() }()
		for v, err := range seq {
			if a := asked.Load(); a > taken+1+int32(p.limit) && kind != "Each" {
				t.Errorf("%d items were requested when %d were taken", a, taken)
			}
			taken++
			if err != nil {
				errs = append(errs, err)
			} else {
				values = append(values, v)
			}
			if p.leave == int(taken)-1 {
				break
			}
		}
		return nil
	}
	panicked := loop(flows[p.kind].of(scope, source, call, p.options()...))

	// N1, N15: nothing is left running.
	if running.Load() != 0 || inSource.Load() || begun.Load() != finished.Load() {
		t.Errorf("%d running, in the source: %v, %d begun, %d finished", running.Load(), inSource.Load(), begun.Load(), finished.Load())
	}
	// N8
	if crash := slices.Contains(crashed, true); (panicked != nil) != (crash && !p.recovers) {
		t.Errorf("panic(%v), want a panic: %v", panicked, crash && !p.recovers)
	}
	if panicked != nil {
		return
	}
	left := p.leave >= 0 && p.leave < int(taken)
	p.checkPairs(t, scope, values, errs, left, ended)
	if !left && scope.Err() == nil && (p.keepGoing || len(errs) == 0) && int(begun.Load()) != p.count {
		t.Errorf("%d items began, want all %d", begun.Load(), p.count)
	}
}

// checkPairs checks the pairs that the loop received.
func (p flowPlan) checkPairs(t *testing.T, scope *cancel.Scope, values []int, errs []error, left bool, ended []bool) {
	kind := flows[p.kind].name
	for i, v := range values {
		if !ended[v] || slices.Contains(values[:i], v) {
			t.Errorf("got %d twice, or before its call returned", v)
		}
	}
	if kind == "Stream" {
		if !slices.IsSorted(values) {
			t.Errorf("got %v, want them in order", values)
		}
		if !p.keepGoing && len(values) > 0 && values[len(values)-1] != len(values)-1 {
			t.Errorf("got %v, want no gaps", values)
		}
	}
	if kind == "StreamUnordered" && !left {
		for i, e := range ended {
			if e && !slices.Contains(values, i) {
				t.Errorf("got %v, want %d too", values, i)
			}
		}
	}
	if (kind == "Each" || !p.keepGoing) && len(errs) > 1 {
		t.Errorf("got errors %v, want at most one", errs)
	}
	// Every error was planned.
	for _, err := range errs {
		crash := (*nursery.PanicError)(nil)
		switch {
		case errors.Is(err, errBoom), errors.As(err, &crash) && p.recovers:
		case scope.Err() != nil && scope.IsEcho(err):
		default:
			t.Errorf("got the error %v, which was not planned", err)
		}
	}
	if all := slices.Index(ended, false) < 0; !left && !all && len(errs) == 0 {
		t.Errorf("got no error, but not all items returned a value: %v", ended)
	}
}
