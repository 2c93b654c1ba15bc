package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A listError is an error that is not comparable, like the lists of go/scanner.
type listError []string

func (e listError) Error() string { return strings.Join(e, ", ") }

// nest runs a task in nested nurseries of the given depth.
func nest(ctx context.Context, depth int, task func(ctx context.Context) error) error {
	return nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error {
		if depth == 1 {
			return task(ctx)
		}
		return nest(ctx, depth-1, task)
	})
}

// innermost returns the failures of the innermost group, following the first failure of
// each.
func innermost(t *testing.T, err error) []error {
	t.Helper()
	got := failures(t, err)
	if g, ok := got[0].(*nursery.GroupError); ok {
		return innermost(t, g)
	}
	return got
}

func TestGroupOfErrors(t *testing.T) {
	bubble(t, "N3/an error that is not comparable is reported like any other", func(t *testing.T, ctx context.Context) {
		for depth := 1; depth <= 3; depth++ {
			for name, err := range map[string]error{
				"bare":       listError{"a"},
				"of a task":  &nursery.TaskError{Task: "x", Err: listError{"a"}},
				"in a group": group(t, "g", listError{"a"}, errBoom),
			} {
				if v := recovered(func() { err = nest(ctx, depth, func(context.Context) error { return err }) }); v != nil {
					t.Errorf("%s: %d nurseries deep: panic(%v), want none", name, depth, v)
				} else if l := (listError)(nil); !errors.As(err, &l) || l[0] != "a" {
					t.Errorf("%s: %d nurseries deep: Run() = %v, want the list", name, depth, err)
				}
			}
		}
	})
	bubble(t, "N3/an error keeps its identity, and what it wraps", func(t *testing.T, ctx context.Context) {
		want := fmt.Errorf("read: %w", &wrapper{1, io.EOF})
		err := nest(ctx, 3, func(context.Context) error { return want })
		if got := innermost(t, err); len(got) != 1 || got[0] != want || !errors.Is(err, io.EOF) {
			t.Errorf("failures = %v, want the error itself", got)
		}
	})
	bubble(t, "N3/groups made by the user are not taken apart, even if they hold echoes", func(t *testing.T, ctx context.Context) {
		var made error
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				made = errors.Join(ctx.Err(), io.EOF)
				return made
			})
			return errBoom
		})
		if got := failures(t, err); len(got) != 2 || got[1] != made {
			t.Errorf("failures = %v, want the joined error unchanged", got)
		}
	})
	bubble(t, "N3/an error of the body's clean-up and one of a task", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) (err error) {
			defer func() {
				if closeErr := io.ErrClosedPipe; err != nil {
					err = errors.Join(err, closeErr)
				}
			}()
			n.Go(failing(time.Second, errBoom))
			return cancel.Forever(ctx)
		})
		got := failures(t, err)
		if len(got) != 2 || got[0] != errBoom || !errors.Is(got[1], io.ErrClosedPipe) {
			t.Errorf("failures = %v, want boom and the error of the clean-up", got)
		}
	})
	bubble(t, "N4/the filter descends into nested groups and keeps names and order", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return nursery.Run(context.WithoutCancel(ctx), func(_ context.Context, in *nursery.Nursery) error {
					in.Go(func(context.Context) error { <-ctx.Done(); return io.EOF })
					in.Go(func(context.Context) error { <-ctx.Done(); time.Sleep(time.Nanosecond); return ctx.Err() })
					in.Go(func(context.Context) error { <-ctx.Done(); time.Sleep(2 * time.Nanosecond); return io.ErrNoProgress })
					return nil
				}, nursery.KeepGoing(), nursery.Name("inner"))
			}, nursery.Name("x"))
			return errBoom
		})
		const want = "2 failures\n├── boom\n└── task \"x\": nursery \"inner\": 2 failures\n    ├── EOF\n    └── multiple Read calls return no data or error"
		if got := fmt.Sprintf("%+v", err); got != want {
			t.Errorf("Run() =\n%s\nwant:\n%s", got, want)
		}
	})
	bubble(t, "N4/the filter keeps the name of a task when another task returns its failure", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				return &nursery.TaskError{Task: "x", Err: group(t, "inner", io.EOF, cancel.Err(ctx))}
			})
			return errBoom
		})
		const want = "2 failures\n├── boom\n└── task \"x\": nursery \"inner\": 1 failure\n    └── EOF"
		if got := fmt.Sprintf("%+v", err); got != want {
			t.Errorf("Run() =\n%s\nwant:\n%s", got, want)
		}
	})
	for depth := 1; depth <= 3; depth++ {
		bubble(t, fmt.Sprintf("N6/an outer cancellation is reported, %d nurseries deep", depth), func(t *testing.T, ctx context.Context) {
			outer := cancel.FromContext(ctx)
			time.AfterFunc(time.Second, func() { outer.Cancel(io.ErrClosedPipe) })
			err := nest(ctx, depth, func(ctx context.Context) error {
				return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(cancel.Forever)
					n.Go(func(ctx context.Context) error { <-ctx.Done(); return errBoom })
					return nil
				})
			})
			count := 0
			for leaf := range nursery.Leaves(err) {
				if leaf == context.Canceled {
					count++
				}
			}
			if !errors.Is(err, errBoom) || count != 1 {
				t.Errorf("Run() = %+v, want boom and one cancellation", err)
			}
		})
	}
	bubble(t, "N2/the reason names the task that panicked", func(t *testing.T, ctx context.Context) {
		for name, opts := range map[string][]nursery.Option{"": nil, "RecoverPanics": {nursery.RecoverPanics()}} {
			var reason cancel.Reason
			var cause error
			recovered(func() {
				_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { panic("p") }, nursery.Name("parse"))
					err := cancel.Forever(ctx)
					reason, _ = cancel.ReasonOf(ctx)
					cause = context.Cause(ctx)
					return err
				}, opts...)
			})
			if e, ok := cause.(*nursery.TaskError); reason.Task != "parse" || !ok || e.Task != "parse" {
				t.Errorf("%s: task %q, cause %#v, want parse and its panic", name, reason.Task, cause)
			}
		}
	})
	t.Run("N1/a panic in a method of the error counts as the task's", func(t *testing.T) {
		var typedNil *wrapper
		for name, bad := range map[string]error{
			"a nil pointer in an interface": typedNil,
			"a nil group":                   (*nursery.GroupError)(nil),
			"a nil TaskError":               (*nursery.TaskError)(nil),
		} {
			bubble(t, name, func(t *testing.T, ctx context.Context) {
				var ended atomic.Bool
				recovered(func() {
					_ = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
						n.Go(straggler(&ended))
						n.Cancel(nil)
						return bad
					})
				})
				if !ended.Load() {
					t.Error("Run returned while a task was running")
					time.Sleep(time.Hour) // let leftover tasks end
				}
			})
		}
	})
}

// TestErrorMethods tests tasks of all kinds that return errors with methods that panic,
// such as a nil pointer in an interface.
func TestErrorMethods(t *testing.T) {
	var typedNil *wrapper
	fail := func(ctx context.Context) error { <-ctx.Done(); return typedNil }
	for name, start := range map[string]func(ctx context.Context, n *nursery.Nursery) error{
		"Go":     func(_ context.Context, n *nursery.Nursery) error { n.Go(fail); return nil },
		"named":  func(_ context.Context, n *nursery.Nursery) error { n.Go(fail, nursery.Name("x")); return nil },
		"daemon": func(_ context.Context, n *nursery.Nursery) error { n.Go(fail, nursery.Daemon()); return nil },
		"body":   func(ctx context.Context, _ *nursery.Nursery) error { return fail(ctx) },
		"Spawn": func(ctx context.Context, n *nursery.Nursery) error {
			task := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, fail(ctx) })
			if _, err := task.Wait(context.WithoutCancel(ctx)); err == nil {
				t.Error("Wait() = nil, want the panic")
			}
			return nil
		},
		"Start": func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, ending(fail))
			return err
		},
		"started": func(ctx context.Context, n *nursery.Nursery) error {
			_, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error { started(1); return fail(ctx) })
			return err
		},
	} {
		for limit := range 3 {
			bubble(t, fmt.Sprintf("N8/a panic in a method of the error counts as the task's: %s, limit %d", name, limit), func(t *testing.T, ctx context.Context) {
				var opts []nursery.Option
				if limit > 0 {
					opts = append(opts, nursery.Limit(limit))
				}
				var ended atomic.Bool
				v := recovered(func() {
					_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						n.Go(straggler(&ended))
						time.AfterFunc(time.Second, func() { n.Cancel(nil) })
						return start(ctx, n)
					}, opts...)
				})
				p, ok := v.(*nursery.PanicError)
				if _, raw := v.(runtime.Error); !ended.Load() || raw != (name == "body") || ok && !strings.Contains(string(p.Stack), "(*wrapper).Unwrap(") {
					t.Errorf("the other task ended: %v, the panic:\n%+v\nwant true and a panic in the method", ended.Load(), v)
				}
			})
		}
	}
}

// recovered runs fn and returns what it panics with, or nil.
func recovered(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

// A nosy error counts the calls of its method Is.
type nosy struct{ asked *int }

func (e nosy) Error() string { return "nosy" }

func (e nosy) Is(error) bool { *e.asked++; return false }

func TestDeepError(t *testing.T) {
	var named func(ctx context.Context, depth int, task func(ctx context.Context) error) error
	named = func(ctx context.Context, depth int, task func(ctx context.Context) error) error {
		return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				if depth == 1 {
					return task(ctx)
				}
				return named(ctx, depth-1, task)
			}, nursery.Name("x"))
			return nil
		})
	}
	for name, open := range map[string]func(ctx context.Context, depth int, task func(ctx context.Context) error) error{
		"bodies": nest, "named tasks": named,
	} {
		bubble(t, "N19/an error that passes through n canceled nurseries is examined O(n) times: "+name, func(t *testing.T, ctx context.Context) {
			count := func(depth int) int {
				asked := 0
				s := cancel.New(ctx)
				defer s.Close()
				err := open(s, depth, func(context.Context) error { s.Cancel(nil); return nosy{&asked} })
				if err == nil {
					t.Error("Run() = nil, want the error")
				}
				return asked
			}
			if few, many := count(20), count(80); many > 6*few {
				t.Errorf("examined %d times in 20 nurseries and %d in 80, want 4 times as often", few, many)
			}
		})
	}
}

func TestGroupError(t *testing.T) {
	t.Run("N3/formats", func(t *testing.T) {
		err := group(t, "g", errors.New("a\nb"), &nursery.TaskError{Task: "x", Err: group(t, "", io.EOF, errBoom)})
		for format, want := range map[string]string{
			"%v":  `nursery "g": 2 failures: a; b; task "x": 2 failures: EOF; boom`,
			"%s":  `nursery "g": 2 failures: a; b; task "x": 2 failures: EOF; boom`,
			"%+v": "nursery \"g\": 2 failures\n├── a\n│   b\n└── task \"x\": 2 failures\n    ├── EOF\n    └── boom",
			"%x":  `%!x(*nursery.GroupError=nursery "g": 2 failures: a; b; task "x": 2 failures: EOF; boom)`,
		} {
			if got := fmt.Sprintf(format, err); got != want {
				t.Errorf("%s: %q, want %q", format, got, want)
			}
		}
		if g := new(nursery.GroupError); !errors.As(err, &g) || g.Nursery() != "g" {
			t.Errorf("Nursery() = %q, want g", g.Nursery())
		}
		task := &nursery.TaskError{Err: errBoom}
		if task.Error() != "boom" || fmt.Sprintf("%+v", task) != "boom" || !errors.Is(task, errBoom) {
			t.Errorf("TaskError without a name = %v", task)
		}
	})
	t.Run("N3/the tree of groups in errors of other types", func(t *testing.T) {
		inner := group(t, "", io.EOF, errBoom)
		err := group(t, "", fmt.Errorf("read: %w", inner), fmt.Errorf("%w (given up)", inner))
		const want = "2 failures\n├── read: 2 failures\n│   ├── EOF\n│   └── boom\n" +
			"└── 2 failures: EOF; boom (given up): 2 failures\n    ├── EOF\n    └── boom"
		if got := fmt.Sprintf("%+v", err); got != want {
			t.Errorf("the tree is\n%s\nwant:\n%s", got, want)
		}
	})
}
