package supervise_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v6"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/supervisor/supervise"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

var (
	errBoom   = errors.New("boom")
	errEnough = errors.New("enough")
)

// A run is what a worker does once.
type run = func(ctx context.Context, started func()) error

// runs returns a worker that does one after the other, and the last one again and again.
func runs(all ...run) run {
	next := 0
	return func(ctx context.Context, started func()) error {
		r := all[next]
		next = min(next+1, len(all)-1)
		return r(ctx, started)
	}
}

// ends returns a run that is ready at once, and ends so much later with this error, or
// at once if it is asked to stop, with nil.
func ends(after time.Duration, with error) run {
	return func(ctx context.Context, started func()) error {
		started()
		if cancel.Sleep(cancel.UntilStop(ctx), after) != nil {
			return cancel.Err(ctx)
		}
		return with
	}
}

// A good run ends when it is asked to.
func good(ctx context.Context, started func()) error { return ends(1<<62, nil)(ctx, started) }

// constant returns a back-off that is always the same.
func constant(d time.Duration) backoff.BackOff { return backoff.NewConstantBackOff(d) }

// A journal is a log in virtual time.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

var keys = regexp.MustCompile(`(?m)^time=(\S+) msg=(\S+) worker=(\S+)`)

// String returns lines such as "1.5s a waiting err=boom wait=1s".
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return keys.ReplaceAllString(j.b.String(), "$1 $3 $2")
}

// log returns a logger that writes to the journal how much time has passed from now.
func (j *journal) log() *slog.Logger {
	start := time.Now()
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey:
				return slog.Duration(a.Key, a.Value.Time().Sub(start))
			case slog.LevelKey:
				return slog.Attr{}
			}
			return a
		},
	}))
}

// supervised runs the supervisor in a bubble. Once it runs, meanwhile is called, and
// may end it by its scope. It returns the log, and what Run returned.
func supervised(t *testing.T, s *supervise.Supervisor, meanwhile func(*cancel.Scope)) (log string, err error) {
	t.Helper()
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		var j journal
		s.Log = j.log()
		scope := cancel.New(ctx)
		defer scope.Close()
		err = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error {
				meanwhile(scope)
				return nil
			})
			err := s.Run(scope, func() {})
			scope.Close()
			return err
		})
		log = j.String()
	})
	if group, ok := err.(*nursery.GroupError); ok {
		err = group.Unwrap()[0]
	}
	return log, err
}

// stopAfter returns a function for supervised.
func stopAfter(d time.Duration) func(*cancel.Scope) {
	return func(s *cancel.Scope) {
		if cancel.Sleep(s, d) == nil {
			s.Stop()
		}
	}
}

func mustLog(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("the log is\n%s\nwant\n%s", got, want)
	}
}

func mustBeNil(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// TestRestart has a row for each way to end, and tries each policy.
func TestRestart(t *testing.T) {
	ready := func(then func() error) run {
		return func(_ context.Context, started func()) error { started(); return then() }
	}
	unready := func(then func() error) run {
		return func(context.Context, func()) error { return then() }
	}
	fails := func() error { return errBoom }
	panics := func() error { panic("oh") }
	returns := func() error { return nil }
	for _, way := range []struct {
		name string
		run  run
		ran  string // the log of the run
		err  string // in the log; "": it has returned nil, and was ready
	}{
		{"an error", ready(fails), "0s a ready\n", " err=boom"},
		{"a panic", ready(panics), "0s a ready\n", ` err="panicked: oh"`},
		{"nil", ready(returns), "0s a ready\n", ""},
		{"an error before it is ready", unready(fails), "", " err=boom"},
		{"a panic before it is ready", unready(panics), "", ` err="panicked: oh"`},
		{"nil before it is ready", unready(returns), "", ` err="` + nursery.ErrNotStarted.Error() + `"`},
		{"started twice", func(_ context.Context, started func()) error { started(); started(); return nil }, "0s a ready\n", ` err="panicked: nursery: Start: started was called twice"`},
	} {
		restarted := func(err string) string {
			return "0s a starting\n" + way.ran + "0s a waiting" + err + " wait=1s\n" +
				"1s a starting\n1s a ready\n2s a stopping\n2s a ended\n"
		}
		over := "0s a starting\n" + way.ran + "0s a ended" + way.err + "\n"
		for _, policy := range []struct {
			name string
			is   supervise.Restart
			want string
		}{
			{"permanent", supervise.Permanent, restarted(cmp.Or(way.err, ` err="`+supervise.ErrReturned.Error()+`"`))},
			{"transient", supervise.Transient, restarted(way.err)},
			{"temporary", supervise.Temporary, over},
		} {
			if policy.is == supervise.Transient && way.err == "" {
				policy.want = over
			}
			t.Run(policy.name+", "+way.name, func(t *testing.T) {
				log, err := supervised(t, &supervise.Supervisor{
					Workers:  []supervise.Worker{{Name: "a", Run: runs(way.run, good), Restart: policy.is, Backoff: constant(time.Second), Grace: time.Second}},
					Restarts: 1, Within: time.Minute,
				}, stopAfter(2*time.Second))
				mustBeNil(t, err)
				mustLog(t, log, policy.want)
			})
		}
	}
}

// waits returns the waits in a log.
func waits(t *testing.T, log string) (all []time.Duration) {
	t.Helper()
	for _, m := range regexp.MustCompile(`wait=(\S+)`).FindAllStringSubmatch(log, -1) {
		d, err := time.ParseDuration(m[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func TestBackoff(t *testing.T) {
	// The waits are 100ms, 200ms, 400ms, and then 500ms.
	doubling := func() backoff.BackOff {
		return &backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, Multiplier: 2, MaxInterval: 500 * time.Millisecond}
	}
	const steady = 10 * time.Second
	unready := func(ctx context.Context, _ func()) error {
		if err := cancel.Sleep(ctx, time.Hour); err != nil {
			return err
		}
		return errBoom
	}
	try := func(t *testing.T, b backoff.BackOff, all ...run) string {
		t.Helper()
		log, err := supervised(t, &supervise.Supervisor{
			Workers:  []supervise.Worker{{Name: "a", Run: runs(append(all, good)...), Backoff: b, Grace: time.Second}},
			Restarts: 100, Within: 24 * time.Hour, Steady: steady,
		}, stopAfter(23*time.Hour))
		mustBeNil(t, err)
		return log
	}
	t.Run("to the nanosecond", func(t *testing.T) {
		mustLog(t, try(t, doubling(), ends(1, errBoom), ends(2, errBoom), ends(3, errBoom), ends(4, errBoom), ends(5, errBoom)), `
0s a starting
0s a ready
1ns a waiting err=boom wait=100ms
100.000001ms a starting
100.000001ms a ready
100.000003ms a waiting err=boom wait=200ms
300.000003ms a starting
300.000003ms a ready
300.000006ms a waiting err=boom wait=400ms
700.000006ms a starting
700.000006ms a ready
700.00001ms a waiting err=boom wait=500ms
1.20000001s a starting
1.20000001s a ready
1.200000015s a waiting err=boom wait=500ms
1.700000015s a starting
1.700000015s a ready
23h0m0s a stopping
23h0m0s a ended
`)
	})
	for _, row := range []struct {
		name  string
		third run
		wait  time.Duration // after the third run
	}{
		{"goes on after a run that was too short", ends(steady-1, errBoom), 400 * time.Millisecond},
		{"begins anew after a good run", ends(steady, errBoom), 100 * time.Millisecond},
		{"goes on after a long run that was not ready", unready, 400 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := waits(t, try(t, doubling(), ends(0, errBoom), ends(0, errBoom), row.third))
			want := []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, row.wait}
			if !slices.Equal(got, want) {
				t.Errorf("the waits are %v, want %v", got, want)
			}
		})
	}
	t.Run("the default, with jitter", func(t *testing.T) {
		seen := make(map[time.Duration]bool)
		for range 20 {
			got := waits(t, try(t, nil, ends(0, errBoom), ends(0, errBoom)))
			if len(got) != 2 {
				t.Fatalf("the waits are %v, want two", got)
			}
			d := backoff.DefaultInitialInterval
			for i, w := range got {
				if w < d/2 || w > d*3/2 {
					t.Errorf("wait %d is %v, want %v give or take a half", i+1, w, d)
				}
				seen[w] = true
				d = time.Duration(float64(d) * backoff.DefaultMultiplier)
			}
		}
		if len(seen) <= 2 {
			t.Error("the waits are always the same, want jitter")
		}
	})
}

func TestGrace(t *testing.T) {
	s := three(good, good, good)
	s.Workers[1].Grace = time.Minute
	if got, want := s.Grace(), time.Minute+2*time.Second; got != want {
		t.Errorf("Grace() = %v, want %v", got, want)
	}
}

// TestDetails checks that the log has the stack of a panic, at level debug.
func TestDetails(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		var j journal
		s := three(good, runs(oops, good), good)
		s.Log = slog.New(slog.NewTextHandler(&j, &slog.HandlerOptions{Level: slog.LevelDebug}))
		scope := cancel.New(ctx)
		defer scope.Close()
		mustBeNil(t, s.Run(scope, scope.Stop))
		if log := j.String(); !strings.Contains(log, `err="panicked: oops\n    goroutine `) || !strings.Contains(log, "supervise_test.oops(") {
			t.Errorf("the log is\n%s\nwant the stack in it", log)
		}
	})
}

// TestNoValues checks that the contexts of workers have no values of the supervisor's
// context.
func TestNoValues(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		type key struct{}
		s := three(func(ctx context.Context, started func()) error {
			if v := ctx.Value(key{}); v != nil {
				t.Errorf("a worker sees the value %v", v)
			}
			return good(ctx, started)
		}, good, good)
		scope := cancel.New(context.WithValue(ctx, key{}, "value"))
		defer scope.Close()
		mustBeNil(t, s.Run(scope, scope.Stop))
	})
}

func TestNoRun(t *testing.T) {
	defer func() {
		const want = `supervise: Run: worker "b" has no Run`
		if v := recover(); v != want {
			t.Errorf("Run panics with %v, want %s", v, want)
		}
	}()
	err := three(good, nil, good).Run(t.Context(), func() {})
	t.Errorf("Run() = %v, want a panic", err)
}
