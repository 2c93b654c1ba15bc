package testutil

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/stacks"
)

// errInjected is the cause of the cancellations by CancelEverywhere.
var errInjected = errors.New("canceled by testutil.CancelEverywhere")

// An EverywhereOption configures [CancelEverywhere]. See [Points], [Repeats], [MayReturn]
// and [Within]. If options contradict each other, the last one holds.
//
//	var opts []testutil.EverywhereOption
//	if testing.Short() {
//		opts = append(opts, testutil.Points(20), testutil.Repeats(1))
//	}
//	testutil.CancelEverywhere(t, fetch, opts...)
type EverywhereOption interface{ applyEverywhere(e *everywhere) }

type (
	pointsOption    int
	repeatsOption   int
	mayReturnOption []error
	withinOption    time.Duration
)

func (o pointsOption) applyEverywhere(e *everywhere)    { e.points = int(o) }
func (o repeatsOption) applyEverywhere(e *everywhere)   { e.repeats = int(o) }
func (o mayReturnOption) applyEverywhere(e *everywhere) { e.may = append(e.may, o...) }
func (o withinOption) applyEverywhere(e *everywhere)    { e.within = time.Duration(o) }

// Points limits the number of points at which [CancelEverywhere] cancels. If there are
// more, CancelEverywhere selects n of them, evenly spread, and logs that it did. The
// default is 1000. Points panics if n is less than 1.
//
//	testutil.CancelEverywhere(t, compute, testutil.Points(20))
func Points(n int) EverywhereOption {
	if n < 1 {
		panic(fmt.Sprintf("testutil: Points: n must be at least 1, got %d", n))
	}
	return pointsOption(n)
}

// Repeats sets how many times [CancelEverywhere] cancels at each point. Runs differ
// because select chooses among ready cases at random and goroutines run in any order. The
// default is 5. Repeats panics if n is less than 1.
//
//	testutil.CancelEverywhere(t, receive, testutil.Repeats(20))
func Repeats(n int) EverywhereOption {
	if n < 1 {
		panic(fmt.Sprintf("testutil: Repeats: n must be at least 1, got %d", n))
	}
	return repeatsOption(n)
}

// MayReturn allows the function to return further errors when it is canceled, besides nil
// and echoes of the cancellation. An error is allowed if errors.Is finds one of errs in
// it. Several MayReturn options add up. MayReturn panics if an error is nil.
//
//	testutil.CancelEverywhere(t, read, testutil.MayReturn(io.ErrClosedPipe))
func MayReturn(errs ...error) EverywhereOption {
	for _, err := range errs {
		if err == nil {
			panic("testutil: MayReturn: nil error")
		}
	}
	return mayReturnOption(errs)
}

// Within sets how long the function may take, in virtual time, to return after it was
// canceled. The default is an hour. Within panics if d is not positive.
//
//	testutil.CancelEverywhere(t, save, testutil.Within(10*time.Second))
func Within(d time.Duration) EverywhereOption {
	if d <= 0 {
		panic(fmt.Sprintf("testutil: Within: d must be positive, got %v", d))
	}
	return withinOption(d)
}

// CancelEverywhere runs fn repeatedly and cancels its context at a different point each
// time, until every point has been tried where fn can notice. It is for code that must
// clean up wherever it is canceled, whether it uses this library or only package context.
//
//	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
//		connections := nursery.NewLimiter(2)
//		err := fetchAll(ctx, connections)
//		if n := connections.Stats().Borrowed; n != 0 {
//			t.Errorf("%d connections were not given back", n)
//		}
//		return err
//	})
//
// The first run of fn is not canceled and must return nil. The points are those found in
// that run and in later ones:
//
//   - Each call of the context's Done and Err, including calls by package context when a
//     context is derived from this one, and by this library's scopes. The context is
//     canceled before the call returns. Calls are identified by their call stack and
//     counted for each stack, so that they are the same in every run even if goroutines
//     run in another order.
//   - Each time when all goroutines are idle and some are blocked in a different place
//     than before, and a few more times spread over the run. These points cancel code
//     that waits with a context derived from this one.
//   - A few times while fn runs, after another goroutine has yielded a certain number of
//     times. These points differ from run to run.
//
// Each run has its own bubble with virtual time (see [Bubble]). A run fails the test if
//
//   - fn does not return, because all its goroutines are blocked for good or because it
//     keeps running for an hour (see [Within]);
//   - fn panics, or returns an error that is neither an echo of the cancellation
//     ([cancel.Scope.IsEcho]) nor allowed by [MayReturn];
//   - fn returns and leaves goroutines behind;
//   - fn calls t.Error or t.Fatal. Use them to check other conditions after the code
//     under test has returned.
//
// Each point is a subtest named after the point. The report of a failure has the command
// that runs the subtest alone, and the stack at which the context was canceled. If
// goroutines are stuck, no further points are tried, because the goroutines stay in the
// process.
//
// The context is not a scope ([cancel.FromContext] returns nil), but scopes can be opened
// below it. CancelEverywhere panics if fn or an option is nil, or if it is called in a
// bubble.
//
// CancelEverywhere does for cancellation what SQLite's tests do for memory, where each
// allocation fails once.
func CancelEverywhere(t *testing.T, fn func(t *testing.T, ctx context.Context) error, opts ...EverywhereOption) {
	t.Helper()
	mustFunc("CancelEverywhere", fn != nil)
	e := &everywhere{fn: fn, points: 1000, repeats: 5, within: time.Hour, known: make(map[point]bool)}
	for _, o := range opts {
		if o == nil {
			panic("testutil: CancelEverywhere: nil option")
		}
		o.applyEverywhere(e)
	}
	e.explore(t)
}

// everywhere is the state of a call of CancelEverywhere.
type everywhere struct {
	fn      func(t *testing.T, ctx context.Context) error
	points  int
	repeats int
	may     []error
	within  time.Duration

	known    map[point]bool // the points in todo and those left out
	todo     []point
	canceled int
	stuck    bool // goroutines are left that never end
}

// mostYields is the maximum number of yields before a cancellation.
const mostYields = 1024

// explore runs the function once without canceling it, and then cancels it at each point.
func (e *everywhere) explore(t *testing.T) {
	t.Helper()
	first := &run{everywhere: e}
	first.do(t) // a failure ends the test, unless goroutines are stuck
	e.add(first.found)
	for yields := 1; yields <= mostYields; yields *= 2 {
		e.add([]point{{yields: yields}})
	}
	if all := len(e.todo); all > e.points {
		t.Logf("CancelEverywhere: %d of %d points were left out; see testutil.Points", all-e.points, all)
		for i := range e.points {
			e.todo[i] = e.todo[i*all/e.points]
		}
		e.todo = e.todo[:e.points]
	}
	for i := 0; i < len(e.todo) && !e.stuck; i++ {
		t.Run(e.todo[i].String(), func(t *testing.T) { e.cancelAt(t, e.todo[i]) })
	}
	t.Logf("CancelEverywhere: %d points, canceled %d times", len(e.todo), e.canceled)
}

// cancelAt runs the function e.repeats times and cancels it at the point.
func (e *everywhere) cancelAt(t *testing.T, target point) {
	for range e.repeats {
		r := &run{everywhere: e, target: target}
		func() {
			defer func() { // even if r.do ends the test
				if len(e.todo) < e.points {
					e.add(r.found)
				}
			}()
			r.do(t)
		}()
		if e.stuck { // any other failure has ended the test
			return
		}
	}
}

// add adds points that are not yet known.
func (e *everywhere) add(found []point) {
	for _, p := range found {
		if !e.known[p] {
			e.known[p] = true
			e.todo = append(e.todo, p)
		}
	}
}

// A run is one call of the function.
type run struct {
	*everywhere
	target point // zero if the run is not canceled

	bubble string
	probe  *probe
	judge  *cancel.Scope // recognizes echoes of the cancellation
	late   atomic.Bool   // the function did not return in time

	rests    []point // found in a run that is not canceled
	found    []point
	reported bool
}

// do runs the function and reports what is wrong.
func (r *run) do(t *testing.T) {
	t.Helper()
	over := make(chan struct{})
	defer close(over)
	go r.guard(t.Name(), over)
	how, stuck := inBubble(t, r.call)
	if how == clean {
		return
	}
	r.everywhere.stuck = true
	if !r.late.Load() { // already reported
		r.fail(t, string(how), withoutService(stuck).String())
	}
}

// call is the part of do that runs in the bubble.
func (r *run) call(t *testing.T) {
	t.Helper()
	r.bubble = stacks.Bubble()
	ctx, stop := context.WithCancelCause(t.Context())
	r.probe = &probe{Context: ctx, cancel: func() { stop(errInjected) }, target: r.target, looks: make(map[site]int)}
	r.judge = cancel.New(ctx)
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		r.watch(t, done)
		close(watched)
	}()
	returned := false
	defer func() {
		t.Helper()
		v := recover()
		close(done)
		<-watched
		r.found = append(r.probe.finish(), r.rests...)
		if r.probe.canceled() != "" {
			r.canceled++
		}
		switch {
		case v != nil:
			r.fail(t, fmt.Sprintf("the function panicked: %v", v), string(debug.Stack()))
		case !returned && !t.Failed() && !t.Skipped():
			r.fail(t, "the function called runtime.Goexit", "")
		case t.Failed() && !r.reported:
			t.Log(r.report(t.Name(), "the function failed the test", ""))
		}
		stop(nil)
	}()
	err := r.fn(t, r.probe)
	returned = true
	r.check(t, err)
}

// check checks the error that the function returned.
func (r *run) check(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if r.probe.canceled() != "" {
		if r.judge.IsEcho(err) {
			return
		}
		for _, may := range r.may {
			if errors.Is(err, may) {
				return
			}
		}
		r.fail(t, fmt.Sprintf("the function returned an error that is not an echo of the cancellation: %v", err), "")
		return
	}
	r.fail(t, fmt.Sprintf("the function was not canceled, but returned %v", err), "")
}

// fail reports what was wrong with the run.
func (r *run) fail(t *testing.T, what, detail string) {
	t.Helper()
	r.reported = true
	t.Error(r.report(t.Name(), what, detail))
}

// report returns the text of a failure in the test with that name.
func (r *run) report(name, what, detail string) string {
	var b strings.Builder
	b.WriteString("CancelEverywhere: ")
	b.WriteString(what)
	if r.target != (point{}) {
		fmt.Fprintf(&b, "\ncanceled: %v\nto repeat it: go test -run '%s'", r.target, pattern(name))
	}
	if injected := r.probe.canceled(); injected != "" && r.target.look != "" {
		fmt.Fprintf(&b, "\n\nThe context was canceled here:\n\n%s", withoutProbe(injected))
	}
	if detail != "" {
		fmt.Fprintf(&b, "\n\n%s", detail)
	}
	return b.String()
}

// now describes the goroutines in the bubble.
func (r *run) now() string { return withoutService(inside(r.bubble)).String() }

// pattern returns the argument of go test -run that selects only the test with that name.
func pattern(name string) string {
	levels := strings.Split(name, "/")
	for i, l := range levels {
		levels[i] = "^" + regexp.QuoteMeta(l) + "$"
	}
	return strings.Join(levels, "/")
}

// watch cancels the context, unless a call of its methods does, and reports a function
// that does not return in time. In the run that is not canceled it finds the times when
// all goroutines are idle.
func (r *run) watch(t *testing.T, done <-chan struct{}) {
	t.Helper()
	if r.target == (point{}) {
		r.findRests(done)
		return
	}
	switch {
	case r.target.yields > 0:
		for range r.target.yields {
			runtime.Gosched()
		}
		r.probe.inject()
	case r.target.after > 0:
		select {
		case <-time.After(r.target.after):
			r.probe.inject()
		case <-done:
			return
		}
	}
	select {
	case <-r.probe.Context.Done():
	case <-done:
		return
	}
	select {
	case <-time.After(r.within):
		r.late.Store(true)
		r.fail(t, fmt.Sprintf("the function has not returned %v after it was canceled", r.within), r.now())
	case <-done:
	}
}

// findRests finds the times when all goroutines are idle in other places than before. It
// looks after a nanosecond of virtual time, which passes only when all goroutines are
// idle, and then at increasing intervals until something has changed.
func (r *run) findRests(done <-chan struct{}) {
	const forGood = 100 * 365 * 24 * time.Hour
	start, before := time.Now(), ""
	for step := time.Duration(1); step < forGood && len(r.rests) < r.points; {
		select {
		case <-time.After(step):
		case <-done:
			r.rests = append(r.rests, spread(time.Since(start))...)
			return
		}
		if now := outline(withoutService(inside(r.bubble))); now != before {
			r.rests = append(r.rests, point{after: time.Since(start)})
			before, step = now, 1
		} else {
			step += step/2 + 1
		}
	}
}

// spread returns points spread evenly over a run of that length.
func spread(took time.Duration) (rests []point) {
	const parts = 8
	for i := range parts - 1 {
		if after := took * time.Duration(i+1) / parts; after > 0 {
			rests = append(rests, point{after: after})
		}
	}
	return rests
}

// patience is how long, in real time, a function may keep running after it did not return
// in time. Tests change it.
var patience = 10 * time.Second

// guard ends the program if the function keeps running after its limit in virtual time,
// because it may never end in real time.
func (r *run) guard(name string, over <-chan struct{}) {
	for late := false; ; late = r.late.Load() {
		select {
		case <-over:
			return
		case <-time.After(patience):
		}
		if late {
			panic("testutil: " + r.report(name, fmt.Sprintf("the function is still running %v after it was canceled, and nothing can stop it", r.within), r.now()))
		}
	}
}
