package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func TestTree(t *testing.T) {
	panicked := func() *nursery.PanicError {
		err := nursery.Run(t.Context(), func(context.Context, *nursery.Nursery) error { explode("v"); return nil }, nursery.RecoverPanics())
		p := new(nursery.PanicError)
		errors.As(err, &p)
		return p
	}
	t.Run("N3/the tree has the stack of a panic, wherever the panic is", func(t *testing.T) {
		for name, err := range map[string]error{
			"in a group":        group(t, "g", errBoom, panicked()),
			"of a named task":   group(t, "g", &nursery.TaskError{Task: "worker", Err: panicked()}),
			"as a cause":        &nursery.TaskError{Err: panicked()},
			"in a nested group": group(t, "g", group(t, "h", panicked())),
		} {
			if got := fmt.Sprintf("%+v", err); !strings.Contains(got, "panicked: v") || strings.Count(got, "nursery_test.explode(") != 1 {
				t.Errorf("%s: want the panic with its stack once:\n%s", name, got)
			}
		}
	})
	t.Run("N3/a task's name is in the message even if its error is the panic of another task", func(t *testing.T) {
		err := &nursery.TaskError{Task: "worker", Err: panicked()}
		if got := fmt.Sprint(err); !strings.Contains(got, `task "worker"`) {
			t.Errorf("TaskError = %q, want the name", got)
		}
	})
	t.Run("N3/text around a group is set apart from it", func(t *testing.T) {
		g := group(t, "g", io.EOF, errBoom)
		for _, format := range []string{"before: %w", "before %w after", "%w after"} {
			err := &nursery.TaskError{Task: "x", Err: fmt.Errorf(format, g)}
			head, _, _ := strings.Cut(fmt.Sprintf("%+v", err), "\n")
			if strings.Contains(head, "afternursery") || !strings.HasPrefix(head, `task "x": `) {
				t.Errorf("%q: the first line is %q", format, head)
			}
		}
	})
	t.Run("N3/%v prints one line for errors with one-line messages", func(t *testing.T) {
		err := group(t, "g", panicked(), group(t, "h", errors.Join(io.EOF, errBoom), panicked()), errBoom)
		const want = `nursery "g": 3 failures: panicked: v; nursery "h": 2 failures: EOF; boom; panicked: v; boom`
		if got := fmt.Sprint(err); got != want || err.Error() != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	})
	t.Run("N8/a panic's message has its stack, and the other failures", func(t *testing.T) {
		p := caught(t, func() {
			_ = nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.EOF }, nursery.Name("other"))
				n.Go(func(context.Context) error { explode("v"); return nil })
				return nil
			})
		})
		got := p.Error()
		if !strings.HasPrefix(got, "panicked: v\n    goroutine ") || !strings.HasSuffix(got, "\n└── task \"other\": EOF\n") {
			t.Errorf("Error() = %s, want panic, stack and the other failure", got)
		}
	})
}

// libraryFrame matches frames that the stack of a panic must not have.
var libraryFrame = regexp.MustCompile(`grove/(cancel|nursery|channel)\.`)

// TestStack tests panics of all kinds.
func TestStack(t *testing.T) {
	var (
		table   map[string]int
		pointer *wrapper
		list    []int
		zero    int
		text    any = "text"
	)
	for name, crash := range map[string]func(){
		"panic":                    func() { panic("v") },
		"write to a nil map":       func() { table["x"] = 1 },
		"nil pointer":              func() { pointer.code++ },
		"index":                    func() { list[zero]++ },
		"slice":                    func() { list = list[zero+1:] },
		"division":                 func() { zero /= zero },
		"type assertion":           func() { zero = text.(int) },
		"close of a nil channel":   func() { close((chan int)(nil)) },
		"panic in a deferred call": func() { defer func() { panic("second") }(); panic("first") },
		"recovered and repeated":   func() { defer func() { panic(recover()) }(); explode("v") },
	} {
		t.Run("N20/the first frame is the user's: "+name, func(t *testing.T) {
			for _, opts := range [][]nursery.TaskOption{nil, {nursery.Name("x")}, {nursery.Daemon()}} {
				p := caught(t, func() {
					_ = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
						n.Go(func(context.Context) error { crash(); return nil }, opts...)
						return cancel.Forever(ctx)
					})
				})
				lines := strings.Split(string(p.Stack), "\n")
				if len(lines) < 3 || !strings.HasPrefix(lines[0], "goroutine ") || !strings.HasPrefix(lines[1], "github.com/grove-go/grove/nursery_test.TestStack") {
					t.Errorf("Stack =\n%s\nwant its first frame here", p.Stack)
				}
				if libraryFrame.Match(p.Stack) || strings.Contains(string(p.Stack), "debug.Stack") {
					t.Errorf("Stack =\n%s\nwant no frame of the library", p.Stack)
				}
			}
		})
	}
	t.Run("N20/panics that pass through other functions", func(t *testing.T) {
		for name, body := range map[string]func(ctx context.Context, n *nursery.Nursery) error{
			"Spawn": func(_ context.Context, n *nursery.Nursery) error {
				nursery.Spawn(n, func(context.Context) (int, error) { explode("v"); return 0, nil })
				return nil
			},
			"Start": func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, ending(func(context.Context) error { explode("v"); return nil }))
				return err
			},
			"started": func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, func(_ context.Context, started func(int)) error { started(1); explode("v"); return nil })
				return err
			},
			"Go": func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { explode("v"); return nil })
				return nil
			},
			"body": func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					return nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { explode("v"); return nil })
				})
				return nil
			},
			"FailAfter": func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					return cancel.FailAfter(ctx, time.Hour, func(context.Context) error { explode("v"); return nil })
				})
				return nil
			},
			"Generate": func(ctx context.Context, _ *nursery.Nursery) error {
				return channel.Generate(ctx, 0,
					func(context.Context, func(int) error) error { explode("v"); return nil },
					func(ctx context.Context, r *channel.Receiver[int]) error { _, err := r.Receive(ctx); return err })
			},
		} {
			p := caught(t, func() { _ = nursery.Run(t.Context(), body, nursery.Limit(1)) })
			lines := strings.Split(string(p.Stack), "\n")
			if !strings.HasPrefix(lines[1], "github.com/grove-go/grove/nursery_test.explode(") || libraryFrame.Match(p.Stack) {
				t.Errorf("%s: Stack =\n%s\nwant explode and no frames of the library", name, p.Stack)
			}
		}
	})
}
