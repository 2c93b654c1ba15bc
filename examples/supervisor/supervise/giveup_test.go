package supervise_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v6"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/supervisor/supervise"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

// failsAt returns a run that fails at these times from its first call on, and then
// no more.
func failsAt(times ...time.Duration) run {
	var start time.Time
	return func(ctx context.Context, started func()) error {
		if start.IsZero() {
			start = time.Now()
		}
		if len(times) == 0 {
			return good(ctx, started)
		}
		next := times[0]
		times = times[1:]
		return ends(next-time.Since(start), errBoom)(ctx, started)
	}
}

func TestIntensity(t *testing.T) {
	const within = 10 * time.Second
	seconds := func(all ...time.Duration) (times []time.Duration) {
		for _, s := range all {
			times = append(times, s*time.Second)
		}
		return times
	}
	for _, row := range []struct {
		name     string
		restarts int
		a, b     []time.Duration // when the workers fail
		gaveUp   int             // after so many failures; 0: it has not
	}{
		{"no restarts", 0, seconds(5), nil, 1},
		{"as many as it may", 2, seconds(0, 1), nil, 0},
		{"one more", 2, seconds(0, 1, 2), nil, 3},
		{"the first just within the time", 2, seconds(0, 1, 10), nil, 3},
		{"the first just out of it", 2, append(seconds(0, 1), within+1), nil, 0},
		{"later ones", 2, seconds(0, 9, 11, 12), nil, 3},
		{"of all workers together", 2, seconds(1, 3), seconds(2), 3},
		{"again and again, but seldom", 1, seconds(0, 11, 22, 33), seconds(44), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			log, err := supervised(t, &supervise.Supervisor{
				Workers: []supervise.Worker{
					{Name: "a", Run: failsAt(row.a...), Backoff: &backoff.ZeroBackOff{}, Grace: time.Second},
					{Name: "b", Run: failsAt(row.b...), Backoff: &backoff.ZeroBackOff{}, Grace: time.Second},
				},
				Restarts: row.restarts, Within: within,
			}, stopAfter(time.Hour))
			if row.gaveUp == 0 {
				mustBeNil(t, err)
				return
			}
			var gaveUp *supervise.GaveUpError
			if !errors.As(err, &gaveUp) {
				t.Fatalf("Run() = %v, want that it gives up\n%s", err, log)
			}
			if got := len(slices.Collect(nursery.Leaves(gaveUp.Failures))); got != row.gaveUp {
				t.Errorf("it has given up after %d failures, want %d\n%s", got, row.gaveUp, log)
			}
		})
	}
}

// failed matches what Run returns if these workers have failed.
func failed(workers ...errmatch.Matcher) errmatch.Matcher {
	return errmatch.Nursery("supervisor", workers...)
}

// gaveUp matches the failure of a worker at which the supervisor has given up, after
// these failures.
func gaveUp(worker string, failures ...errmatch.Matcher) errmatch.Matcher {
	return errmatch.Task(worker, errmatch.Group(failures...))
}

// oops panics.
func oops(context.Context, func()) error { panic("oops") }

func TestGivesUp(t *testing.T) {
	t.Run("with the failures as a tree", func(t *testing.T) {
		log, err := supervised(t, &supervise.Supervisor{
			Workers: []supervise.Worker{
				{Name: "store", Run: good, Grace: time.Second},
				{Name: "ingest", Run: runs(ends(2*time.Second, errBoom), oops, ends(time.Second, nil)), Backoff: constant(time.Second), Grace: time.Second},
				{Name: "front", Run: runs(ends(1500*time.Millisecond, fmt.Errorf("socket: %w", errEnough)), good), Backoff: constant(time.Second), Grace: time.Second},
			},
			Restarts: 3, Within: time.Minute,
		}, stopAfter(time.Hour))
		mustLog(t, log, `
0s store starting
0s store ready
0s ingest starting
0s ingest ready
0s front starting
0s front ready
1.5s front waiting err="socket: enough" wait=1s
2s ingest waiting err=boom wait=1s
2.5s front starting
2.5s front ready
3s ingest starting
3s ingest waiting err="panicked: oops" wait=1s
4s ingest starting
4s ingest ready
5s ingest ended err="gave up: 4 failures: task \"front\": socket: enough; task \"ingest\": boom; task \"ingest\": panicked: oops; task \"ingest\": returned without being asked to stop"
5s front stopping
5s front ended
5s store stopping
5s store ended
`)
		testutil.WantError(t, err, failed(gaveUp("ingest",
			errmatch.Task("front", errmatch.Is(errEnough)),
			errmatch.Task("ingest", errmatch.Is(errBoom)),
			errmatch.Task("ingest", errmatch.Panic("oops")),
			errmatch.Task("ingest", errmatch.Is(supervise.ErrReturned)),
		)))
		const want = `nursery "supervisor": 1 failure
└── task "ingest": gave up: 4 failures
    ├── task "front": socket: enough
    ├── task "ingest": boom
    ├── task "ingest": panicked: oops
    │       goroutine`
		tree := fmt.Sprintf("%+v", err)
		if !strings.HasPrefix(tree, want) || !strings.Contains(tree, "supervise_test.oops(") || !strings.HasSuffix(tree, "\n    └── task \"ingest\": returned without being asked to stop") {
			t.Errorf("the tree is\n%s\nwant a beginning of\n%s", tree, want)
		}
	})
	t.Run("and restarts no worker meanwhile", func(t *testing.T) {
		slow := func(ctx context.Context, started func()) error {
			started()
			<-cancel.UntilStop(ctx).Done()
			return cancel.Sleep(ctx, time.Minute)
		}
		log, err := supervised(t, &supervise.Supervisor{
			Workers: []supervise.Worker{
				{Name: "a", Run: ends(2*time.Second, errEnough), Grace: time.Second},
				{Name: "b", Run: ends(time.Second, errBoom), Grace: time.Second},
				{Name: "c", Run: slow, Grace: time.Hour},
			},
		}, func(*cancel.Scope) {})
		mustLog(t, log, `
0s a starting
0s a ready
0s b starting
0s b ready
0s c starting
0s c ready
1s b ended err="gave up: task \"b\": boom"
1s c stopping
2s a ended err=enough
1m1s c ended
`)
		testutil.WantError(t, err, failed(
			gaveUp("b", errmatch.Task("b", errmatch.Is(errBoom))),
			errmatch.Task("a", errmatch.Is(errEnough)),
		))
	})
	t.Run("while it starts", func(t *testing.T) {
		log, err := supervised(t, &supervise.Supervisor{
			Workers: []supervise.Worker{
				{Name: "a", Run: good, Grace: time.Second},
				{Name: "b", Run: oops},
				{Name: "c", Run: good},
			},
		}, func(*cancel.Scope) {})
		testutil.WantError(t, err, failed(gaveUp("b", errmatch.Task("b", errmatch.Panic("oops")))))
		mustLog(t, log, `
0s a starting
0s a ready
0s b starting
0s b ended err="gave up: task \"b\": panicked: oops"
0s a stopping
0s a ended
`)
	})
	t.Run("because a back-off wants no more", func(t *testing.T) {
		log, err := supervised(t, &supervise.Supervisor{
			Workers:  []supervise.Worker{{Name: "a", Run: ends(time.Second, errBoom), Backoff: &backoff.StopBackOff{}}},
			Restarts: 100, Within: time.Minute,
		}, func(*cancel.Scope) {})
		testutil.WantError(t, err, failed(gaveUp("a", errmatch.Task("a", errmatch.Is(errBoom)))))
		mustLog(t, log, `
0s a starting
0s a ready
1s a ended err="gave up: task \"a\": boom"
`)
	})
	t.Run("in the order of the failures", func(t *testing.T) {
		for range 100 {
			failures := 0
			counts := func(_ context.Context, started func()) error {
				started()
				failures++
				return fmt.Errorf("failure %02d", failures)
			}
			_, err := supervised(t, &supervise.Supervisor{
				Workers:  []supervise.Worker{{Name: "a", Run: counts, Backoff: &backoff.ZeroBackOff{}}},
				Restarts: 20,
			}, func(*cancel.Scope) {})
			var got []string
			for e := range nursery.Leaves(err) {
				got = append(got, e.Error())
			}
			if len(got) != 21 || !slices.IsSorted(got) {
				t.Fatalf("it has given up after %q", got)
			}
		}
	})
	t.Run("before the failures that it has caused", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			s := three(ends(time.Second, errEnough), good, spoiled)
			s.Restarts = 0
			s.Log = slog.New(slowly{slog.DiscardHandler}) // time for the others to be faster
			err := s.Run(ctx, func() {})
			const want = `nursery "supervisor": 2 failures: task "a": gave up: task "a": enough; task "c": boom`
			if got := fmt.Sprint(err); got != want {
				t.Errorf("Run() = %s, want %s", got, want)
			}
		})
	})
}

// A slowly is a handler of logs that takes time for the end of worker a.
type slowly struct{ slog.Handler }

func (h slowly) Enabled(context.Context, slog.Level) bool { return true }

func (h slowly) WithAttrs(as []slog.Attr) slog.Handler {
	if as[0].Value.String() == "a" {
		return h
	}
	return h.Handler
}

func (h slowly) Handle(_ context.Context, r slog.Record) error {
	if r.Message == string(supervise.Ended) {
		time.Sleep(time.Second)
	}
	return nil
}
