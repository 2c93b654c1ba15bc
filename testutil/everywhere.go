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
)

// errInjected is the cause with which CancelEverywhere cancels.
var errInjected = errors.New("canceled by testutil.CancelEverywhere")

// An EverywhereOption configures [CancelEverywhere]. See [Points], [Repeats],
// [MayReturn] and [Within]. Of options that contradict each other the last one holds.
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

// Points bounds at how many points [CancelEverywhere] cancels. If there are more, it
// takes so many of them, evenly spread, and says so in the log. The default is 1000.
// Points panics if n is less than 1.
//
//	testutil.CancelEverywhere(t, compute, testutil.Points(20))
func Points(n int) EverywhereOption {
	if n < 1 {
		panic(fmt.Sprintf("testutil: Points: n must be at least 1, got %d", n))
	}
	return pointsOption(n)
}

// Repeats sets how often [CancelEverywhere] cancels at each point: a select that can
// go several ways takes any of them, and goroutines run in any order. The default is
// 5. Repeats panics if n is less than 1.
//
//	testutil.CancelEverywhere(t, receive, testutil.Repeats(20))
func Repeats(n int) EverywhereOption {
	if n < 1 {
		panic(fmt.Sprintf("testutil: Repeats: n must be at least 1, got %d", n))
	}
	return repeatsOption(n)
}

// MayReturn names errors that the function may return when it is canceled, besides
// nil and those that say so: errors.Is finds one of them. If it is given several times
// all of them count. MayReturn panics if an error is nil.
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

// Within sets how long the function may take to return when it was canceled, in
// virtual time. The default is an hour. Within panics if d is not positive.
//
//	testutil.CancelEverywhere(t, save, testutil.Within(10*time.Second))
func Within(d time.Duration) EverywhereOption {
	if d <= 0 {
		panic(fmt.Sprintf("testutil: Within: d must be positive, got %v", d))
	}
	return withinOption(d)
}

// CancelEverywhere runs fn again and again, and cancels its context at another point
// each time: at each at which fn can notice it. It is for code that has to clean up
// wherever it is canceled, whether it uses this library or only package context.
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
// First fn runs without being canceled, and must return nil. The points are those of
// that run, and such as turn up later:
//
//   - Each call of the context's Done and Err, also those of package context when
//     something is derived from it, and of this library's scopes. The context is
//     canceled before the call returns. Calls are told apart by their call stacks, and
//     counted for each, which is the same in every run even if goroutines change
//     places.
//   - Each time at which all goroutines are at rest, and some in another place than
//     before, and a few more spread over the time that the run takes. This is where
//     code is canceled that waits with a context derived from this one.
//   - A few times while it runs, which are not the same in every run: after another
//     goroutine has yielded so many times.
//
// Each run is in a bubble of its own (see [Bubble]), in which time is virtual. It
// fails the test if
//
//   - fn does not return: all its goroutines wait for good, or it goes on for an hour
//     (see [Within]);
//   - fn panics, or returns an error that neither tells of the cancellation
//     ([cancel.Scope.IsEcho]) nor is one that [MayReturn] names;
//   - goroutines are left behind when fn has returned;
//   - fn has called t.Error or t.Fatal: what else must hold, fn checks itself, when
//     what it tests has returned.
//
// Each point is a subtest that is named after it; the report of a failure has the
// command that runs it alone, and the stack at which the context was canceled. When
// goroutines are stuck no further points are tried, for those stay in the process.
//
// The context is not a scope ([cancel.FromContext] returns nil), but scopes can be
// opened below it. CancelEverywhere panics if fn or an option is nil, and if it is
// called in a bubble.
//
// It does for cancellation what SQLite's tests do for memory: they have each
// allocation fail once.
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

// everywhere is a call of CancelEverywhere.
type everywhere struct {
	fn      func(t *testing.T, ctx context.Context) error
	points  int
	repeats int
	may     []error
	within  time.Duration

	known    map[point]bool // those in todo, and those that were left out
	todo     []point
	canceled int
	stuck    bool // goroutines are left that do not end
}

// mostYields is the number of times for which another goroutine yields before the
// function is canceled, at most.
const mostYields = 1024

// explore runs the function once as it is, and then once for each point.
func (e *everywhere) explore(t *testing.T) {
	t.Helper()
	first := &run{everywhere: e}
	first.do(t) // ends the test if it fails, unless goroutines are stuck
	e.add(first.found)
	for yields := 1; yields <= mostYields; yields *= 2 {
		e.add([]point{{yields: yields}})
	}
	if all := len(e.todo); all > e.points {
		t.Logf("CancelEverywhere: of %d points %d are left out; see testutil.Points", all, all-e.points)
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

// cancelAt runs the function several times, and cancels it at the point.
func (e *everywhere) cancelAt(t *testing.T, target point) {
	for range e.repeats {
		r := &run{everywhere: e, target: target}
		func() {
			defer func() { // also if the test ends here
				if len(e.todo) < e.points {
					e.add(r.found)
				}
			}()
			r.do(t)
		}()
		if e.stuck { // if it fails in another way, this test ends
			return
		}
	}
}

// add adds points that are not known yet.
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
	target point // zero: it is not canceled

	bubble string
	probe  *probe
	judge  *cancel.Scope // tells whether an error tells of the cancellation
	late   atomic.Bool   // the function did not return in time

	rests    []point // in a run that is not canceled
	found    []point
	reported bool
}

// do makes the run, and reports what is wrong with it.
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
	if !r.late.Load() { // else it was reported
		r.fail(t, string(how), waiting(withoutService(stuck)))
	}
}

// call is do in the bubble.
func (r *run) call(t *testing.T) {
	t.Helper()
	r.bubble = bubble()
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
			t.Log(r.report(t.Name(), "the function has failed the test", ""))
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
		r.fail(t, fmt.Sprintf("the function returned an error that does not tell of the cancellation: %v", err), "")
		return
	}
	r.fail(t, fmt.Sprintf("the function was not canceled, and returned %v", err), "")
}

// fail reports what was wrong with the run.
func (r *run) fail(t *testing.T, what, detail string) {
	t.Helper()
	r.reported = true
	t.Error(r.report(t.Name(), what, detail))
}

// report tells what was wrong with the run, of the test of that name.
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

// now tells which goroutines there are in the bubble.
func (r *run) now() string { return waiting(withoutService(stacksIn(r.bubble))) }

// pattern returns what go test takes to run the test of that name alone.
func pattern(name string) string {
	levels := strings.Split(name, "/")
	for i, l := range levels {
		levels[i] = "^" + regexp.QuoteMeta(l) + "$"
	}
	return strings.Join(levels, "/")
}

// watch cancels the context, if that is to happen at rest, and reports if the function
// does not return in time. In the run that is not canceled it finds the times at
// which all is at rest.
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

// findRests finds the times at which all goroutines are at rest in other places than
// before. It looks after a nanosecond of virtual time, which passes only when all are
// at rest, and then less and less often until something has changed.
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
		if now := outline(withoutService(stacksIn(r.bubble))); now != before {
			r.rests = append(r.rests, point{after: time.Since(start)})
			before, step = now, 1
		} else {
			step += step/2 + 1
		}
	}
}

// spread returns times of rest in a run that takes so long.
func spread(took time.Duration) (rests []point) {
	const parts = 8
	for i := range parts - 1 {
		if after := took * time.Duration(i+1) / parts; after > 0 {
			rests = append(rests, point{after: after})
		}
	}
	return rests
}

// patience is for how long, in real time, a function may run on that did not return in
// time; a variable for tests.
var patience = 10 * time.Second

// guard ends the program if the function runs on in virtual time, which may take no
// end in real time.
func (r *run) guard(name string, over <-chan struct{}) {
	for late := false; ; late = r.late.Load() {
		select {
		case <-over:
			return
		case <-time.After(patience):
		}
		if late {
			panic("testutil: " + r.report(name, fmt.Sprintf("the function runs on %v after it was canceled, and nothing can stop it", r.within), r.now()))
		}
	}
}
