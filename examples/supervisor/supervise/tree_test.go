package supervise_test

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/supervisor/supervise"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

// TestTree runs a supervisor as the worker of another one. When it gives up it is
// restarted, until the other one gives up too.
func TestTree(t *testing.T) {
	var j journal
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		inner := &supervise.Supervisor{
			Workers: []supervise.Worker{
				{Name: "a", Run: good, Grace: time.Second},
				{Name: "b", Run: ends(time.Second, errBoom), Backoff: constant(time.Second), Grace: time.Second},
			},
			Restarts: 1, Within: time.Minute, Log: j.log(),
		}
		outer := &supervise.Supervisor{
			Workers: []supervise.Worker{
				{Name: "inner", Run: inner.Run, Backoff: constant(10 * time.Second), Grace: time.Minute},
				{Name: "c", Run: good, Grace: time.Second},
			},
			Restarts: 1, Within: time.Minute, Log: j.log(),
		}
		err := outer.Run(ctx, func() {})
		fails := failed(gaveUp("b", errmatch.Task("b", errmatch.Is(errBoom)), errmatch.Task("b", errmatch.Is(errBoom))))
		testutil.WantError(t, err, failed(gaveUp("inner", errmatch.Task("inner", fails), errmatch.Task("inner", fails))))
	})
	mustLog(t, j.String(), `
0s inner starting
0s a starting
0s a ready
0s b starting
0s b ready
0s inner ready
0s c starting
0s c ready
1s b waiting err=boom wait=1s
2s b starting
2s b ready
3s b ended err="gave up: 2 failures: task \"b\": boom; task \"b\": boom"
3s a stopping
3s a ended
3s inner waiting err="task \"b\": gave up: 2 failures: task \"b\": boom; task \"b\": boom" wait=10s
13s inner starting
13s a starting
13s a ready
13s b starting
13s b ready
13s inner ready
14s b waiting err=boom wait=1s
15s b starting
15s b ready
16s b ended err="gave up: 2 failures: task \"b\": boom; task \"b\": boom"
16s a stopping
16s a ended
16s inner ended err="gave up: 2 failures: task \"inner\": task \"b\": gave up: 2 failures: task \"b\": boom; task \"b\": boom; task \"inner\": task \"b\": gave up: 2 failures: task \"b\": boom; task \"b\": boom"
16s c stopping
16s c ended
`)
}

// TestTreeStops checks that the workers of a supervisor inside stop in order when it is
// their turn.
func TestTreeStops(t *testing.T) {
	var j journal
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		half := slow(0, 500*time.Millisecond)
		inner, outer := three(half, half, half), three(half, nil, half)
		outer.Workers[1].Run, outer.Workers[1].Grace = inner.Run, time.Minute
		for i := range inner.Workers {
			inner.Workers[i].Name = "b" + inner.Workers[i].Name
		}
		inner.Log, outer.Log = j.log(), j.log()
		scope := cancel.New(ctx)
		defer scope.Close()
		mustBeNil(t, outer.Run(scope, scope.Stop))
	})
	mustLog(t, j.String(), `
0s a starting
0s a ready
0s b starting
0s ba starting
0s ba ready
0s bb starting
0s bb ready
0s bc starting
0s bc ready
0s b ready
0s c starting
0s c ready
0s c stopping
500ms c ended
500ms b stopping
500ms bc stopping
1s bc ended
1s bb stopping
1.5s bb ended
1.5s ba stopping
2s ba ended
2s b ended
2s a stopping
2.5s a ended
`)
}

// TestTogether checks what Erlang calls one_for_all: tasks that are to be restarted
// together are the tasks of one worker.
func TestTogether(t *testing.T) {
	var began []string
	task := func(name string, r run) run {
		return func(ctx context.Context, started func()) error {
			began = append(began, fmt.Sprint(time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), " ", name))
			return r(ctx, started)
		}
	}
	first, second := task("first", good), task("second", runs(ends(time.Second, errBoom), good))
	together := func(ctx context.Context, started func()) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for _, r := range []run{first, second} {
				_, err := nursery.Start(ctx, n, func(ctx context.Context, started func(struct{})) error {
					return r(ctx, func() { started(struct{}{}) })
				})
				if err != nil {
					return err
				}
			}
			started()
			return nil
		})
	}
	log, err := supervised(t, three(good, together, good), stopAfter(10*time.Second))
	mustBeNil(t, err)
	if got, want := fmt.Sprint(began), "[0s first 0s second 1.5s first 1.5s second]"; got != want {
		t.Errorf("they have begun %s, want %s\n%s", got, want, log)
	}
}

// TestRest checks what Erlang calls rest_for_one: a worker that contains the workers that
// depend on it, as a supervisor. It runs until they have ended.
func TestRest(t *testing.T) {
	var j journal
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		rest := three(good, runs(ends(500*time.Millisecond, errEnough), good), slow(0, 500*time.Millisecond))
		log := j.log()
		rest.Log = log
		fails := true
		first := func(ctx context.Context, started func(struct{})) error {
			started(struct{}{})
			if fails {
				fails = false
				return cmp.Or(cancel.Sleep(ctx, 2*time.Second), errBoom)
			}
			defer log.Info("ended", "worker", "first")
			return cancel.Forever(ctx)
		}
		all := &supervise.Supervisor{Restarts: 1, Within: time.Minute, Workers: []supervise.Worker{{
			Name: "all", Backoff: constant(time.Second), Grace: time.Minute,
			Run: func(ctx context.Context, started func()) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					if _, err := nursery.Start(ctx, n, first, nursery.Daemon()); err != nil {
						return err
					}
					return rest.Run(ctx, started)
				})
			},
		}}}
		scope := cancel.New(ctx)
		defer scope.Close()
		defer time.AfterFunc(10*time.Second, scope.Stop).Stop()
		mustBeNil(t, all.Run(scope, func() {}))
	})
	_, again, _ := strings.Cut(j.String(), "3s ") // before that all are canceled, in no order
	mustLog(t, "3s "+again, `
3s a starting
3s a ready
3s b starting
3s b ready
3s c starting
3s c ready
10s c stopping
10.5s c ended
10.5s b stopping
10.5s b ended
10.5s a stopping
10.5s a ended
10.5s first ended
`)
	for _, want := range []string{"500ms b waiting err=enough wait=500ms\n1s b starting\n", "2s a ended", "2s b ended", "2s c ended"} {
		if !strings.Contains(j.String(), want) {
			t.Errorf("the log is\n%s\nwant %q in it", &j, want)
		}
	}
}
