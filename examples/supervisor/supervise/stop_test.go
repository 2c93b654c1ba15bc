package supervise_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v6"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/supervisor/supervise"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

// slow returns a run that takes so long to be ready, and so long to stop.
func slow(start, stop time.Duration) run {
	return func(ctx context.Context, started func()) error {
		asked := cancel.UntilStop(ctx)
		if cancel.Sleep(asked, start) != nil {
			return cancel.Err(ctx)
		}
		started()
		<-asked.Done()
		return cancel.Sleep(ctx, stop)
	}
}

// stubborn returns a run that is ready after so long, whatever happens, and then stops
// when it is asked to.
func stubborn(start time.Duration) run {
	return func(ctx context.Context, started func()) error {
		cancel.Sleep(context.WithoutCancel(ctx), start)
		return good(ctx, started)
	}
}

// deaf is a run that does not notice that it is asked to stop.
func deaf(ctx context.Context, started func()) error {
	started()
	return cancel.Forever(ctx)
}

// stuck is a run that goes on for a minute, whatever happens, and returns nil.
func stuck(ctx context.Context, started func()) error {
	started()
	cancel.Sleep(context.WithoutCancel(ctx), time.Minute)
	return nil
}

// unready is a run that fails before it is ready.
func unready(context.Context, func()) error { return errBoom }

// spoiled is a run that fails when it is asked to stop.
func spoiled(ctx context.Context, started func()) error {
	if err := good(ctx, started); err != nil {
		return err
	}
	return errBoom
}

// three returns a supervisor of workers a, b and c, which have a second to stop.
func three(a, b, c run) *supervise.Supervisor {
	s := &supervise.Supervisor{Restarts: 3, Within: time.Minute}
	for i, r := range []run{a, b, c} {
		s.Workers = append(s.Workers, supervise.Worker{Name: "abc"[i : i+1], Run: r, Backoff: constant(time.Second / 2), Grace: time.Second})
	}
	return s
}

func TestStop(t *testing.T) {
	half := slow(300*time.Millisecond, 500*time.Millisecond)
	graceExpired := errmatch.Canceled(cancel.ErrGraceExpired)
	const bStarts = `
0s a starting
0s a ready
0s b starting
`
	const allStart = bStarts + `0s b ready
0s c starting
0s c ready
`
	for _, row := range []struct {
		name       string
		supervisor *supervise.Supervisor
		stop       time.Duration
		err        errmatch.Matcher // of the workers; nil: none
		log        string
	}{
		{"each when the one after it has ended", three(half, half, half), 10 * time.Second, nil, `
0s a starting
300ms a ready
300ms b starting
600ms b ready
600ms c starting
900ms c ready
10s c stopping
10.5s c ended
10.5s b stopping
11s b ended
11s a stopping
11.5s a ended
`},
		{"while one starts", three(good, slow(time.Minute, 0), good), time.Second, nil, bStarts + `1s b stopping
1s b ended
1s a stopping
1s a ended
`},
		{"while one starts, which is ready all the same", three(good, stubborn(1500*time.Millisecond), good), time.Second, nil, bStarts + `1s b stopping
1.5s b ended
1.5s a stopping
1.5s a ended
`},
		{"while one waits that was not ready yet", three(good, runs(unready, good), good), time.Second / 4, nil, bStarts + `0s b waiting err=boom wait=500ms
250ms b stopping
250ms b ended
250ms a stopping
250ms a ended
`},
		{"while one waits", three(good, good, runs(ends(time.Second, errBoom), good)), 1250 * time.Millisecond, nil, allStart + `1s c waiting err=boom wait=500ms
1.25s c stopping
1.25s c ended
1.25s b stopping
1.25s b ended
1.25s a stopping
1.25s a ended
`},
		{"a worker that fails before its turn is restarted", three(runs(ends(1100*time.Millisecond, errBoom), good), good, slow(0, 900*time.Millisecond)), time.Second, nil, allStart + `1s c stopping
1.1s a waiting err=boom wait=500ms
1.6s a starting
1.6s a ready
1.9s c ended
1.9s b stopping
1.9s b ended
1.9s a stopping
1.9s a ended
`},
		{"a worker that exceeds its grace is canceled", three(good, deaf, good), time.Second, errmatch.Task("b", graceExpired), allStart + `1s c stopping
1s c ended
1s b stopping
2s b ended err="context canceled: grace expired (graceful stop of scope \"b\")"
2s a stopping
2s a ended
`},
		{"a worker that ignores its context is waited for", three(good, stuck, good), time.Second, nil, allStart + `1s c stopping
1s c ended
1s b stopping
1m0s b ended
1m0s a stopping
1m0s a ended
`},
		{"a worker that fails meanwhile", three(good, spoiled, good), time.Second, errmatch.Task("b", errmatch.Is(errBoom)), allStart + `1s c stopping
1s c ended
1s b stopping
1s b ended err=boom
1s a stopping
1s a ended
`},
	} {
		t.Run(row.name, func(t *testing.T) {
			log, err := supervised(t, row.supervisor, stopAfter(row.stop))
			mustLog(t, log, row.log)
			if row.err == nil {
				mustBeNil(t, err)
			} else {
				testutil.WantError(t, err, failed(row.err))
			}
		})
	}
	t.Run("no grace", func(t *testing.T) {
		s := three(good, good, deaf)
		s.Workers[2].Grace = 0
		log, err := supervised(t, s, stopAfter(time.Second))
		testutil.WantError(t, err, failed(errmatch.Task("c", graceExpired)))
		mustLog(t, log, allStart+`1s c stopping
1s c ended err="context canceled: grace expired (graceful stop of scope \"c\")"
1s b stopping
1s b ended
1s a stopping
1s a ended
`)
	})
	t.Run("before it starts", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			cancel.FromContext(ctx).Stop()
			s := three(oops, oops, oops)
			mustBeNil(t, s.Run(ctx, func() { t.Error("started was called") }))
		})
	})
}

func TestAllEnd(t *testing.T) {
	s := three(ends(time.Second, nil), ends(2*time.Second, errBoom), ends(3*time.Second, nil))
	for i := range s.Workers {
		s.Workers[i].Restart = supervise.Temporary
	}
	log, err := supervised(t, s, func(*cancel.Scope) {})
	mustBeNil(t, err)
	mustLog(t, log, `
0s a starting
0s a ready
0s b starting
0s b ready
0s c starting
0s c ready
1s a ended
2s b ended err=boom
3s c ended
`)
}

// TestGoexit checks that runtime.Goexit, as t.FailNow calls it, ends the supervisor in the
// same way, when the others have ended.
func TestGoexit(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		var j journal
		s := three(good, ends(time.Second, nil), slow(0, time.Hour))
		s.Workers[1].Run = func(ctx context.Context, started func()) error {
			started()
			if err := cancel.Sleep(ctx, time.Second); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		}
		s.Log = j.log()
		returned := false
		task := make(chan struct{})
		go func() { // for the Goexit to end
			defer close(task)
			s.Run(ctx, func() {})
			returned = true
		}()
		<-task
		if returned {
			t.Error("Run returned, want a Goexit")
		}
		for _, w := range s.Status().Workers {
			if w.State != supervise.Ended {
				t.Errorf("worker %s is %s, want that it has ended", w.Name, w.State)
			}
		}
		if !strings.Contains(j.String(), "1s b ended\n") {
			t.Errorf("the log is\n%s", &j)
		}
	})
}

// TestCancel checks that all workers are canceled at once, whatever they do.
func TestCancel(t *testing.T) {
	for name, end := range map[string]func(*cancel.Scope){
		"by hand": func(s *cancel.Scope) { time.AfterFunc(time.Second, func() { s.Cancel(errEnough) }) },
		"while it stops": func(s *cancel.Scope) {
			time.AfterFunc(time.Second/2, s.Stop)
			time.AfterFunc(time.Second, func() { s.Cancel(errEnough) })
		},
	} {
		for what, c := range map[string]run{
			"runs": deaf, "starts": slow(time.Hour, 0), "stops": slow(0, time.Hour), "waits": unready,
		} {
			t.Run(name+", and one "+what, func(t *testing.T) {
				s := three(good, deaf, c)
				for i := range s.Workers {
					s.Workers[i].Grace = time.Hour
					s.Workers[i].Backoff = constant(time.Hour)
				}
				testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
					start := time.Now()
					scope := cancel.New(ctx)
					defer scope.Close()
					end(scope)
					err := s.Run(scope, func() {})
					testutil.WantError(t, err, failed(errmatch.Canceled(errEnough)))
					if !scope.IsEcho(err) {
						t.Errorf("Run() = %v, which is not an echo", err)
					}
					if d := time.Since(start); d != time.Second {
						t.Errorf("it took %v, want 1s", d)
					}
				})
			})
		}
	}
	t.Run("by a deadline", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
				return three(good, deaf, good).Run(ctx, func() {})
			})
			if !moved || err != nil {
				t.Errorf("MoveOnAfter() = %t, %v, want that it has moved on", moved, err)
			}
		})
	})
	t.Run("and none is asked to stop", func(t *testing.T) {
		slowly := func(ctx context.Context, started func()) error {
			started()
			<-ctx.Done()
			return cancel.Shield(ctx, time.Hour, func(ctx context.Context) error { return cancel.Sleep(ctx, time.Second) })
		}
		log, err := supervised(t, three(slowly, slowly, slowly), func(s *cancel.Scope) {
			cancel.Sleep(s, time.Second)
			s.Cancel(errEnough)
		})
		mustBeNil(t, err)
		if strings.Contains(log, "stopping") || strings.Count(log, "2s ") != 3 {
			t.Errorf("the log is\n%s\nwant that all end after 2s", log)
		}
	})
	t.Run("a failure that is none of it", func(t *testing.T) {
		// The last error of a canceled worker is not lost.
		s := three(deaf, func(ctx context.Context, started func()) error {
			started()
			<-ctx.Done()
			return errBoom
		}, deaf)
		_, err := supervised(t, s, func(s *cancel.Scope) {
			cancel.Sleep(s, time.Second)
			s.Cancel(errEnough)
		})
		testutil.WantError(t, err, failed(errmatch.Task("b", errmatch.Is(errBoom)), errmatch.Canceled(errEnough)))
	})
	t.Run("while all wait", func(t *testing.T) {
		s := three(unready, nil, nil)
		s.Workers = s.Workers[:1]
		_, err := supervised(t, s, func(s *cancel.Scope) {
			cancel.Sleep(s, time.Second/4)
			s.Cancel(errEnough)
		})
		testutil.WantError(t, err, failed(errmatch.Canceled(errEnough)))
	})
}

// TestCancelEverywhere cancels a supervisor at each point. Its workers fail, wait, and
// end while it goes on.
func TestCancelEverywhere(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		s := three(good, runs(ends(time.Second, errBoom), unready, oops, good), slow(time.Second, time.Second))
		s.Workers[2].Grace = time.Minute
		scope := cancel.New(ctx)
		defer scope.Close()
		defer time.AfterFunc(10*time.Second, scope.Stop).Stop()
		err := s.Run(scope, func() {})
		for _, w := range s.Status().Workers {
			if w.State != supervise.Ended && w.State != supervise.Pending {
				t.Errorf("worker %s is %s, want that it has ended", w.Name, w.State)
			}
		}
		return err
	})
}

// TestAgain checks that a supervisor that runs again begins with a new back-off and a new
// count of failures.
func TestAgain(t *testing.T) {
	crash := ends(time.Second, errBoom)
	s := three(runs(crash, crash, good, crash, crash, good), good, good)
	s.Restarts, s.Steady = 2, time.Minute
	s.Workers[0].Backoff = &backoff.ExponentialBackOff{InitialInterval: time.Second, Multiplier: 2, MaxInterval: time.Minute}
	var logs [2]string
	for i := range logs {
		var err error
		logs[i], err = supervised(t, s, func(scope *cancel.Scope) {
			cancel.Sleep(scope, 10*time.Second)
			if !s.Status().Ready {
				t.Errorf("run %d: it is not ready", i+1)
			}
			scope.Stop()
		})
		mustBeNil(t, err)
	}
	mustLog(t, logs[1], logs[0])
	if !slices.Equal(waits(t, logs[0]), []time.Duration{time.Second, 2 * time.Second}) {
		t.Errorf("the log is\n%s", logs[0])
	}
}
