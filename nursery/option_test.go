package nursery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestOptions(t *testing.T) {
	bubble(t, "N3/the last of contradictory options holds", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			for range 4 {
				n.Go(failing(time.Second, nil))
			}
			n.Go(func(ctx context.Context) error { return errBoom }, nursery.Name("a"), nursery.Name("b"), nursery.Daemon(), nursery.Daemon())
			return nil
		}, nursery.Limit(1), nursery.Name("x"), nursery.Limit(4), nursery.Name("y"), nursery.KeepGoing(), nursery.KeepGoing())
		if d := time.Since(start); err.Error() != `task "b": boom` || d != time.Second {
			t.Errorf("Run() = %v after %v, want boom of b after 1s", err, d)
		}
		if g := new(nursery.GroupError); !errors.As(err, &g) || g.Nursery() != "y" {
			t.Errorf("Nursery() = %q, want y", g.Nursery())
		}
	})
	bubble(t, "N3/names may be anything", func(t *testing.T, ctx context.Context) {
		for name, want := range map[string]string{"": "boom", "a b": `task "a b": boom`, "ü\n\"": `task "ü\n\"": boom`} {
			err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { return errBoom }, nursery.Name(name))
				return nil
			}, nursery.Name(name))
			if err.Error() != want {
				t.Errorf("Run() = %q, want %q", err, want)
			}
		}
	})
	bubble(t, "N3/a nursery's name is the name of its scope, and a task's name the name of its own scope", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			if got := cancel.FromContext(ctx).Name(); got != "crawl" || n.Scope().Name() != got {
				t.Errorf("Name() = %q, want crawl", got)
			}
			task := nursery.Spawn(n, func(ctx context.Context) (string, error) { return cancel.FromContext(ctx).Name(), nil }, nursery.Name("fetch"))
			if got, err := task.Wait(ctx); got != "fetch" || err != nil {
				t.Errorf("Wait() = %q, %v, want fetch, nil", got, err)
			}
			return nil
		}, nursery.Name("crawl"))
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	t.Run("N7/bad input panics with a message that names the mistake", func(t *testing.T) {
		var (
			none  context.Context
			zero  nursery.Nursery
			body  = func(context.Context, *nursery.Nursery) error { t.Error("the body was called"); return nil }
			value = func(context.Context) (int, error) { t.Error("the task was called"); return 0, nil }
			start = func(context.Context, func(int)) error { t.Error("the task was called"); return nil }
		)
		for want, call := range map[string]func(){
			"nursery: Run: nil context; pass context.Background() if there is no other": func() { _ = nursery.Run(none, body) },
			"nursery: Run: nil body":                                                      func() { _ = nursery.Run(t.Context(), nil) },
			"nursery: EchoIf: nil function":                                               func() { nursery.EchoIf(nil) },
			"nursery: Run: nil option":                                                    func() { _ = nursery.Run(t.Context(), body, nursery.Limit(1), nil) },
			"nursery: Main: nil body":                                                     func() { nursery.Main(nil) },
			"nursery: Main: nil option":                                                   func() { nursery.Main(body, nil) },
			"nursery: Limit: n must be at least 1, got 0":                                 func() { nursery.Limit(0) },
			"nursery: Limit: n must be at least 1, got -3":                                func() { nursery.Limit(-3) },
			"nursery: PanicGrace: d must not be negative, got -1ns":                       func() { nursery.PanicGrace(-1) },
			"nursery: Grace: d must not be negative, got -1m0s":                           func() { nursery.Grace(-time.Minute) },
			"nursery: Split: nil match":                                                   func() { _, _ = nursery.Split(nil, nil) },
			"nursery: Nursery.Go: this Nursery does not come from nursery.Run":            func() { zero.Go(noop) },
			"nursery: Nursery.Go: nil task":                                               func() { zero.Go(nil) },
			"nursery: Nursery.Go: nil option":                                             func() { zero.Go(noop, nil) },
			"nursery: Start: this Nursery does not come from nursery.Run":                 func() { _, _ = nursery.Start(t.Context(), &zero, start) },
			"nursery: Start: nil option":                                                  func() { _, _ = nursery.Start(t.Context(), &zero, start, nil) },
			"nursery: Start: nil context; pass context.Background() if there is no other": func() { _, _ = nursery.Start(none, &zero, start) },
			"nursery: Spawn: this Nursery does not come from nursery.Run":                 func() { nursery.Spawn(&zero, value) },
			"nursery: Spawn: nil option":                                                  func() { nursery.Spawn(&zero, value, nil) },
			"nursery: Nursery.Cancel: this Nursery does not come from nursery.Run":        func() { zero.Cancel(nil) },
			"nursery: Nursery.Scope: this Nursery does not come from nursery.Run":         func() { zero.Scope() },
		} {
			func() {
				defer func() {
					if got := recover(); got != want {
						t.Errorf("panic(%v), want %q", got, want)
					}
				}()
				call()
			}()
		}
	})
	bubble(t, "N7/every way to start a task after the end panics and says what to do", func(t *testing.T, ctx context.Context) {
		for name, opts := range map[string][]nursery.Option{
			"":         nil,
			` "crawl"`: {nursery.Name("crawl"), nursery.Limit(1)},
		} {
			var n *nursery.Nursery
			if err := nursery.Run(ctx, func(_ context.Context, m *nursery.Nursery) error { n = m; return nil }, opts...); err != nil {
				t.Fatal(err)
			}
			ran := false
			run := func(context.Context) error { ran = true; return nil }
			for fn, call := range map[string]func(){
				"Nursery.Go":   func() { n.Go(run) },
				"Nursery.Go ":  func() { n.Go(run, nursery.Name("late")) },
				"Nursery.Go  ": func() { n.Go(run, nursery.Daemon()) },
				"Spawn":        func() { nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, run(ctx) }) },
				"Start":        func() { _, _ = nursery.Start(ctx, n, ending(run)) },
			} {
				for len(fn) > 0 && fn[len(fn)-1] == ' ' {
					fn = fn[:len(fn)-1]
				}
				mustPanic(t, "nursery: "+fn+": the nursery"+name+" has ended: its Run returned when the body and all tasks had; start tasks before that", call)
			}
			n.Cancel(nil)
			if got := n.Stats(); ran || got != (nursery.Stats{}) || n.Scope().Err() == nil {
				t.Errorf("ran %v, Stats() = %+v, want nothing", ran, got)
			}
		}
	})
}
