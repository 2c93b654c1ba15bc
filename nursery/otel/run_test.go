package otel_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/nursery/otel"
	"github.com/grove-go/grove/testutil"
)

type (
	body = func(ctx context.Context, n *nursery.Nursery) error
	span = trace.ReadOnlySpan
)

var errDisk = errors.New("disk full")

func fail(context.Context) error { return errDisk }

// tracing returns a tracer, and a function that returns the ended spans by name.
func tracing(opts ...trace.TracerProviderOption) (tracer api.Tracer, ended func() map[string]span) {
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(append(opts, trace.WithSpanProcessor(recorder))...)
	return provider.Tracer("test"), func() map[string]span {
		spans := make(map[string]span)
		for _, s := range recorder.Ended() {
			spans[s.Name()] = s
		}
		return spans
	}
}

// run calls Run with the name "n" and returns the span and the result.
func run(t *testing.T, ctx context.Context, body body, opts ...nursery.Option) (span, error) {
	t.Helper()
	tracer, ended := tracing()
	err := otel.Run(ctx, tracer, "n", body, opts...)
	s := ended()["n"]
	if s == nil {
		t.Fatal("the span has not ended")
	}
	return s, err
}

// wantStatus fails the test unless the span has that status.
func wantStatus(t *testing.T, s span, code codes.Code, description string) {
	t.Helper()
	if got := s.Status(); got.Code != code || got.Description != description {
		t.Errorf("status: %v %q, want %v %q", got.Code, got.Description, code, description)
	}
}

// wantEvents fails the test unless the span has these events. The name of an event comes
// first, then its attributes, sorted.
func wantEvents(t *testing.T, s span, want ...string) {
	t.Helper()
	var got []string
	for _, e := range s.Events() {
		got = append(got, line(e))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("events:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// line returns an event in a line, without the stack of a panic.
func line(e trace.Event) string {
	set := attribute.NewSet(e.Attributes...)
	words := []string{e.Name}
	for _, kv := range set.ToSlice() {
		if kv.Key != "exception.stacktrace" {
			words = append(words, string(kv.Key)+"="+kv.Value.String())
		}
	}
	return strings.Join(words, " ")
}

// attr returns an attribute of a span, or nil.
func attr(s span, key attribute.Key) any {
	for _, kv := range s.Attributes() {
		if kv.Key == key {
			return kv.Value.AsInterface()
		}
	}
	return nil
}

func TestRunSpan(t *testing.T) {
	t.Run("O4/spans of tasks are children", func(t *testing.T) {
		tracer, ended := tracing()
		leaf := func(ctx context.Context, name string) {
			_, s := tracer.Start(ctx, name)
			s.End()
		}
		ctx, outer := tracer.Start(t.Context(), "outer")
		err := otel.Run(ctx, tracer, "n", func(ctx context.Context, n *nursery.Nursery) error {
			leaf(ctx, "body")
			n.Go(func(ctx context.Context) error {
				leaf(ctx, "task")
				return otel.Run(ctx, tracer, "inner", func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { leaf(ctx, "task of inner"); return nil })
					return nil
				})
			}, nursery.Name("named"))
			nursery.Spawn(n, func(ctx context.Context) (int, error) { leaf(ctx, "spawned"); return 0, nil })
			_, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error {
				leaf(ctx, "started")
				started(0)
				return nil
			})
			return err
		})
		outer.End()
		if err != nil {
			t.Error(err)
		}
		spans := ended()
		for name, parent := range map[string]string{
			"n": "outer", "body": "n", "task": "n", "inner": "n", "task of inner": "inner", "spawned": "n", "started": "n",
		} {
			if s := spans[name]; s == nil || s.Parent().SpanID() != spans[parent].SpanContext().SpanID() {
				t.Errorf("the parent of span %s is not %s", name, parent)
			}
		}
		if got := attr(spans["n"], "grove.nursery"); got != "n" {
			t.Errorf("grove.nursery = %v, want n", got)
		}
	})
	t.Run("O4/it ends after all tasks", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			start := time.Now()
			s, err := run(t, ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Hour) })
				n.Go(cancel.Forever, nursery.Daemon())
				return nil
			})
			if err != nil || !s.StartTime().Equal(start) || s.EndTime().Sub(start) != time.Hour {
				t.Errorf("Run() = %v, from %v to %v, want an hour from %v", err, s.StartTime(), s.EndTime(), start)
			}
			wantStatus(t, s, codes.Unset, "")
			wantEvents(t, s) // that daemons were dismissed is not a cancellation
		})
	})
	t.Run("O4/it is not shown as the place of the nursery", func(t *testing.T) {
		defer debug.Enable()()
		_, err := run(t, t.Context(), func(context.Context, *nursery.Nursery) error {
			roots := debug.Take().Roots
			i := 0
			for i < len(roots) && roots[i].Name != "n" {
				i++
			}
			if i == len(roots) || !strings.HasSuffix(roots[i].Place.File, "otel/run_test.go") {
				t.Errorf("the nursery is not shown at the caller of Run: %+v", roots)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("O4/a span that is not recorded", func(t *testing.T) {
		tracer, ended := tracing(trace.WithSampler(trace.NeverSample()))
		err := otel.Run(t.Context(), tracer, "n", func(ctx context.Context, n *nursery.Nursery) error {
			if !api.SpanContextFromContext(ctx).IsValid() {
				t.Error("no span in the context")
			}
			n.Go(func(context.Context) error { return &unread{t} })
			return nil
		})
		if _, ok := errors.AsType[*unread](err); !ok || len(ended()) != 0 {
			t.Errorf("Run() = %T, with spans %v", err, ended())
		}
	})
}

// An unread error fails the test when something asks for its message.
type unread struct{ t *testing.T }

func (e *unread) Error() string {
	e.t.Error("the message is made for nothing")
	return ""
}

func TestRunFailures(t *testing.T) {
	t.Run("O5/a failure is an event and an error", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			s, err := run(t, ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(cancel.Forever)
				n.Go(func(ctx context.Context) error {
					_ = cancel.Sleep(ctx, time.Second)
					return errDisk
				}, nursery.Name("writer"))
				return nil
			})
			if !errors.Is(err, errDisk) {
				t.Errorf("Run() = %v", err)
			}
			wantStatus(t, s, codes.Error, `task "writer": disk full`)
			wantEvents(t, s,
				`canceled grove.cancel.cause=task "writer": disk full grove.cancel.reason=task "writer" in scope "n" failed grove.cancel.source=task`,
				`exception exception.message=disk full exception.type=*errors.errorString grove.task=writer`)
			if got := attr(s, "grove.failures"); got != int64(1) {
				t.Errorf("grove.failures = %v, want 1", got)
			}
		})
	})
	t.Run("O5/each failure is an event up to a number", func(t *testing.T) {
		s, err := run(t, t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			for range 12 {
				n.Go(fail)
			}
			return nil
		}, nursery.KeepGoing())
		wantStatus(t, s, codes.Error, err.Error())
		if got := attr(s, "grove.failures"); got != int64(12) || len(s.Events()) != 10 {
			t.Errorf("grove.failures = %v with %d events, want 12 with 10", got, len(s.Events()))
		}
	})
	t.Run("O5/items have their index", func(t *testing.T) {
		s, _ := run(t, t.Context(), func(ctx context.Context, _ *nursery.Nursery) error {
			err := nursery.For(ctx, 4, func(_ context.Context, i int) error { return []error{3: errDisk}[i] })
			return err.(*nursery.GroupError).Unwrap()[0]
		}, nursery.KeepGoing())
		wantEvents(t, s, `exception exception.message=disk full exception.type=*errors.errorString grove.item=3`)
	})
	t.Run("O5/a recovered panic has its stack", func(t *testing.T) {
		s, _ := run(t, t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panic("oops") }, nursery.Name("writer"))
			return nil
		}, nursery.RecoverPanics(), nursery.KeepGoing())
		wantStatus(t, s, codes.Error, `task "writer" panicked: oops`)
		wantEvents(t, s, `exception exception.message=oops exception.type=string grove.task=writer`)
		wantStack(t, s)
	})
}

// wantStack fails the test unless the last event of a span has the stack of a panic in this
// file.
func wantStack(t *testing.T, s span) {
	t.Helper()
	for _, e := range s.Events() {
		for _, kv := range e.Attributes {
			if kv.Key == "exception.stacktrace" && strings.Contains(kv.Value.AsString(), "run_test.go") {
				return
			}
		}
	}
	t.Error("no stack")
}

func TestRunCanceled(t *testing.T) {
	errEnough := errors.New("enough")
	for _, c := range []struct {
		name string
		run  func(t *testing.T, ctx context.Context) (span, error)
		want string // the beginning of the event
		err  bool   // the result says that a context outside was canceled
	}{
		{"O5/by Cancel", func(t *testing.T, ctx context.Context) (span, error) {
			return run(t, ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(cancel.Forever)
				time.Sleep(time.Second)
				n.Cancel(errEnough)
				time.Sleep(time.Minute)
				return cancel.Err(ctx)
			})
		}, `canceled grove.cancel.cause=enough grove.cancel.reason=canceled scope "n" at run_test.go:`, false},
		{"O5/by its deadline", func(t *testing.T, ctx context.Context) (span, error) {
			return run(t, ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Scope().SetDeadline(time.Now().Add(time.Second))
				n.Go(cancel.Forever)
				time.Sleep(time.Minute + time.Second)
				return nil
			})
		}, `canceled grove.cancel.cause=context deadline exceeded grove.cancel.reason=deadline of scope "n" grove.cancel.source=deadline`, false},
		{"O5/from outside", func(t *testing.T, ctx context.Context) (s span, err error) {
			outer := cancel.New(ctx, cancel.Name("outer"))
			defer outer.Close()
			time.AfterFunc(time.Second, func() { outer.Cancel(errEnough) })
			return run(t, outer, lateEcho)
		}, `canceled grove.cancel.cause=enough grove.cancel.reason=canceled scope "outer" at run_test.go:`, true},
		{"O5/from outside by a standard context", func(t *testing.T, ctx context.Context) (s span, err error) {
			outer, stop := context.WithCancelCause(ctx)
			defer stop(nil)
			time.AfterFunc(time.Second, func() { stop(errEnough) })
			return run(t, outer, lateEcho)
		}, `canceled grove.cancel.cause=enough grove.cancel.reason=outer context grove.cancel.source=outer context`, true},
		{"O5/and later from outside", func(t *testing.T, ctx context.Context) (s span, err error) {
			outer, stop := context.WithCancelCause(ctx)
			defer stop(nil)
			return run(t, outer, func(ctx context.Context, n *nursery.Nursery) error {
				time.Sleep(time.Second)
				n.Cancel(errEnough)
				time.Sleep(time.Minute)
				stop(errors.New("late"))
				return cancel.Err(ctx)
			})
		}, `canceled grove.cancel.cause=enough grove.cancel.reason=canceled scope "n" at run_test.go:`, true},
		{"O5/and nothing says so", func(t *testing.T, ctx context.Context) (s span, err error) {
			outer := cancel.New(ctx, cancel.Name("outer"))
			defer outer.Close()
			return run(t, outer, func(ctx context.Context, n *nursery.Nursery) error {
				time.Sleep(time.Second)
				outer.Cancel(errEnough)
				time.Sleep(time.Minute)
				return nil
			})
		}, `canceled grove.cancel.cause=enough grove.cancel.reason=canceled scope "outer" at run_test.go:`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				start := time.Now()
				s, err := c.run(t, ctx)
				if (err != nil) != c.err {
					t.Errorf("Run() = %v", err)
				}
				wantStatus(t, s, codes.Unset, "")
				if attr(s, "grove.failures") != nil || len(s.Events()) != 1 {
					t.Fatalf("events: %v, want 1; grove.failures = %v", s.Events(), attr(s, "grove.failures"))
				}
				e := s.Events()[0]
				if got := line(e); !strings.HasPrefix(got, c.want) {
					t.Errorf("event:\n%s\nwant:\n%s", got, c.want)
				}
				if at, end := e.Time.Sub(start), s.EndTime().Sub(start); at != time.Second || end != time.Second+time.Minute {
					t.Errorf("canceled after %v, and ended after %v, want 1s and 1m1s", at, end)
				}
			})
		})
	}
	t.Run("O5/before it began", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			outer := cancel.New(ctx)
			defer outer.Close()
			outer.Cancel(errEnough)
			start := time.Now()
			s, err := run(t, outer, lateEcho)
			if err == nil || len(s.Events()) != 1 || !s.Events()[0].Time.Equal(start) {
				t.Errorf("Run() = %v, with events %v, want one at %v", err, s.Events(), start)
			}
			wantStatus(t, s, codes.Unset, "")
		})
	})
	t.Run("O5/before it began, and ended at once", func(t *testing.T) {
		outer := cancel.New(t.Context())
		defer outer.Close()
		outer.Cancel(errEnough)
		for range 100 {
			s, err := run(t, outer, func(context.Context, *nursery.Nursery) error { return nil })
			if err != nil || len(s.Events()) != 1 {
				t.Errorf("Run() = %v, with events %v, want one", err, s.Events())
			}
		}
	})
	t.Run("O5/and failed", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			outer := cancel.New(ctx, cancel.Name("outer"))
			defer outer.Close()
			s, err := run(t, outer, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(cancel.Forever)
				n.Go(func(ctx context.Context) error {
					_ = cancel.Forever(ctx)
					return errDisk
				})
				time.Sleep(time.Second)
				outer.Cancel(context.Canceled)
				return nil
			})
			group, ok := errors.AsType[*nursery.GroupError](err)
			if !ok || len(group.Unwrap()) != 2 {
				t.Fatalf("Run() = %v, want a failure and a cancellation", err)
			}
			wantStatus(t, s, codes.Error, err.Error())
			if got := attr(s, "grove.failures"); got != int64(1) || len(s.Events()) != 2 {
				t.Errorf("grove.failures = %v with events %v, want 1 with 2", got, s.Events())
			}
		})
	})
	t.Run("O5/a canceled context of something else is a failure", func(t *testing.T) {
		other := cancel.New(t.Context(), cancel.Name("other"))
		other.Close()
		s, err := run(t, t.Context(), func(context.Context, *nursery.Nursery) error { return cancel.Err(other) })
		wantStatus(t, s, codes.Error, err.Error())
		if got := attr(s, "grove.failures"); got != int64(1) {
			t.Errorf("grove.failures = %v, want 1", got)
		}
	})
	t.Run("O5/a stop is not a cancellation", func(t *testing.T) {
		scope := cancel.New(t.Context())
		defer scope.Close()
		s, err := run(t, scope, func(ctx context.Context, n *nursery.Nursery) error {
			scope.Stop()
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		wantStatus(t, s, codes.Unset, "")
		wantEvents(t, s)
	})
}

// lateEcho is a body that returns a minute after its cancellation, with an error that says so.
func lateEcho(ctx context.Context, _ *nursery.Nursery) error {
	err := cancel.Forever(ctx)
	time.Sleep(time.Minute)
	return err
}

func TestRunCrash(t *testing.T) {
	// crash calls Run in a goroutine of its own, and returns the span and what came out.
	crash := func(t *testing.T, body body) (s span, v any, returned bool) {
		t.Helper()
		tracer, ended := tracing()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { v = recover() }()
			_ = otel.Run(t.Context(), tracer, "n", body)
			returned = true
		}()
		<-done
		if s = ended()["n"]; s == nil {
			t.Fatal("the span has not ended")
		}
		return s, v, returned
	}
	value := &struct{ text string }{"oops"}
	t.Run("O6/a panic of the body goes on", func(t *testing.T) {
		s, v, returned := crash(t, func(context.Context, *nursery.Nursery) error { panic(value) })
		if v != value || returned {
			t.Errorf("recovered %v, want the value", v)
		}
		wantStatus(t, s, codes.Error, "panicked: &{oops}")
		wantEvents(t, s,
			`canceled grove.cancel.cause=panicked: &{oops} grove.cancel.reason=a task in scope "n" failed grove.cancel.source=task`,
			`exception exception.message=&{oops} exception.type=*struct { text string }`)
		if got := attr(s, "grove.failures"); got != int64(1) {
			t.Errorf("grove.failures = %v, want 1", got)
		}
	})
	t.Run("O6/a panic of a task goes on", func(t *testing.T) {
		s, v, returned := crash(t, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				_ = cancel.Forever(ctx)
				return errDisk
			})
			n.Go(func(context.Context) error { panic(value) }, nursery.Name("writer"))
			return nil
		})
		if p, ok := v.(*nursery.PanicError); !ok || p.Value != value || len(p.Others) != 1 || returned {
			t.Errorf("recovered %v, want a PanicError with the value", v)
		}
		wantStatus(t, s, codes.Error, `task "writer" panicked: &{oops}`)
		wantEvents(t, s,
			`canceled grove.cancel.cause=task "writer" panicked: &{oops} grove.cancel.reason=task "writer" in scope "n" failed grove.cancel.source=task`,
			`exception exception.message=&{oops} exception.type=*struct { text string } grove.task=writer`,
			`exception exception.message=disk full exception.type=*errors.errorString`)
		wantStack(t, s)
	})
	t.Run("O6/Goexit goes on", func(t *testing.T) {
		for name, b := range map[string]body{
			"body": func(context.Context, *nursery.Nursery) error { runtime.Goexit(); return nil },
			"task": func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { runtime.Goexit(); return nil })
				return nil
			},
		} {
			s, v, returned := crash(t, b)
			if v != nil || returned {
				t.Errorf("%s: recovered %v, returned: %t, want neither", name, v, returned)
			}
			wantStatus(t, s, codes.Error, "task called runtime.Goexit")
		}
	})
	t.Run("O6/a panic with nil goes on", func(t *testing.T) {
		_, v, _ := crash(t, func(context.Context, *nursery.Nursery) error { panic(nil) })
		if _, ok := v.(*runtime.PanicNilError); !ok {
			t.Errorf("recovered %v, want a PanicNilError", v)
		}
	})
}

func TestRunOptions(t *testing.T) {
	t.Run("O6/options and results are the same as for nursery.Run", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			start := time.Now()
			var opts [3]nursery.Option
			_, err := run(t, ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for range 3 {
					n.Go(func(ctx context.Context) error { return errors.Join(cancel.Sleep(ctx, time.Second), errDisk) })
				}
				if got := n.String(); !strings.HasPrefix(got, `nursery "n" (`) {
					t.Errorf("the nursery is %s", got)
				}
				return nil
			}, append(opts[:0], nursery.Limit(1), nursery.KeepGoing())...)
			if took := time.Since(start); took != 3*time.Second {
				t.Errorf("took %v, want 3s", took)
			}
			if group, ok := err.(*nursery.GroupError); !ok || group.Nursery() != "n" || len(group.Unwrap()) != 3 {
				t.Errorf("Run() = %v, want 3 failures of the nursery", err)
			}
			if opts[2] != nil {
				t.Error("Run has written to the caller's slice of options")
			}
		})
	})
	t.Run("O6/the name replaces the option", func(t *testing.T) {
		_, err := run(t, t.Context(), func(context.Context, *nursery.Nursery) error { return errDisk }, nursery.Name("other"))
		if group, ok := err.(*nursery.GroupError); !ok || group.Nursery() != "n" {
			t.Errorf("Run() = %+v, want the name n", err)
		}
	})
	t.Run("misuse panics", func(t *testing.T) {
		tracer, ended := tracing()
		ctx, pass := t.Context(), func(context.Context, *nursery.Nursery) error { return nil }
		wantPanic(t, "otel: Run: nil context; pass context.Background() if there is no other", func() {
			_ = otel.Run(nil, tracer, "n", pass) //lint:ignore SA1012 that is what is tested
		})
		wantPanic(t, "otel: Run: nil tracer", func() { _ = otel.Run(ctx, nil, "n", pass) })
		wantPanic(t, "otel: Run: empty name", func() { _ = otel.Run(ctx, tracer, "", pass) })
		wantPanic(t, "otel: Run: nil body", func() { _ = otel.Run(ctx, tracer, "n", nil) })
		if len(ended()) != 0 {
			t.Errorf("spans: %v, want none", ended())
		}
		wantPanic(t, "nursery: Run: nil option", func() { _ = otel.Run(ctx, tracer, "n", pass, nil) })
		wantStatus(t, ended()["n"], codes.Error, "panicked: nursery: Run: nil option")
	})
}
