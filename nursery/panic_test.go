package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

func explode(v any) { panic(v) }

func TestPanic(t *testing.T) {
	bubble(t, "N8/a panic cancels the siblings and continues in the caller when all have returned", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		joined := false
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { explode("v"); return nil }, nursery.Name("bad"))
				n.Go(func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); joined = true; return io.EOF })
				return cancel.Forever(ctx)
			})
		})
		if p.Value != "v" || p.Task != "bad" || !joined || time.Since(start) != time.Second {
			t.Errorf("PanicError = %+v, joined %v", p, joined)
		}
		if len(p.Others) != 1 || p.Others[0] != io.EOF {
			t.Errorf("Others = %v, want EOF", p.Others)
		}
	})
	bubble(t, "N8/a panic passes through nurseries unchanged, with the other failures", func(t *testing.T, ctx context.Context) {
		value := errors.New("value")
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.ErrUnexpectedEOF })
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.EOF })
					n.Go(func(ctx context.Context) error {
						return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
							n.Go(func(context.Context) error { explode(value); return nil })
							return nil
						})
					}, nursery.Name("deep"))
					return nil
				})
			})
		})
		if p.Value != error(value) || !errors.Is(p, value) {
			t.Errorf("Value = %v, want %v, not wrapped in other panics", p.Value, value)
		}
		if len(p.Others) != 2 || p.Others[0] != io.EOF || p.Others[1] != io.ErrUnexpectedEOF {
			t.Errorf("Others = %v, want both, from the inside out", p.Others)
		}
	})
	bubble(t, "N8/the reason in each nursery names the task there", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
						n.Go(func(context.Context) error { explode("v"); return nil }, nursery.Name("inner"))
						_ = cancel.Forever(ctx)
						if r, _ := cancel.ReasonOf(ctx); r.Source != cancel.SourceTask || r.Task != "inner" {
							t.Errorf("ReasonOf() = %+v inside, want the failure of inner", r)
						}
						return nil
					})
				}, nursery.Name("outer"))
				_ = cancel.Forever(ctx)
				if r, _ := cancel.ReasonOf(ctx); r.Source != cancel.SourceTask || r.Task != "outer" {
					t.Errorf("ReasonOf() = %+v, want the failure of outer", r)
				}
				if got, want := context.Cause(ctx).Error(), `task "outer": task "inner" panicked: v`; got != want {
					t.Errorf("Cause() = %q, want %q", got, want)
				}
				return nil
			})
		})
		if p.Task != "inner" {
			t.Errorf("Task = %q, want inner", p.Task)
		}
	})
	bubble(t, "N8/the first of two panics counts, and the second is not lost", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); panic("second") })
				n.Go(func(context.Context) error { time.Sleep(time.Second); panic("first") })
				return nil
			})
		})
		if p.Value != "first" || len(p.Others) != 1 || !strings.HasPrefix(p.Others[0].Error(), "panicked: second\n") {
			t.Errorf("panic(%v) with %v, want first with second", p.Value, p.Others)
		}
	})
	bubble(t, "N8/panic(nil) is a panic", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { panic(nil) })
				return nil
			})
		})
		if _, ok := p.Value.(*runtime.PanicNilError); !ok {
			t.Errorf("Value = %v, want a PanicNilError", p.Value)
		}
	})
	bubble(t, "N8/with RecoverPanics it is a failure", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { explode(io.EOF); return nil }, nursery.Name("bad"))
			n.Go(cancel.Forever)
			return cancel.Forever(ctx)
		}, nursery.RecoverPanics())
		got := failures(t, err)
		p, ok := got[0].(*nursery.PanicError)
		if len(got) != 1 || !ok || p.Task != "bad" || !errors.Is(err, io.EOF) {
			t.Errorf("failures = %v, want a PanicError", got)
		}
		if want := `task "bad" panicked: EOF`; err.Error() != want || fmt.Sprint(err) != want {
			t.Errorf("Error() = %q, want %q", err, want)
		}
	})
	bubble(t, "N8/a recovered panic with a cancellation as its value is not an echo", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					<-ctx.Done()
					panic(ctx.Err())
				}, nursery.RecoverPanics())
			})
			n.Cancel(nil)
			return nil
		})
		if p := new(nursery.PanicError); !errors.As(err, &p) {
			t.Errorf("Run() = %v, want a PanicError", err)
		}
	})
	bubble(t, "N8/a panic cancels even with KeepGoing", func(t *testing.T, ctx context.Context) {
		caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { panic("p") })
				return cancel.Forever(ctx)
			}, nursery.KeepGoing())
		})
	})
	bubble(t, "N20/the stack has only the user's frames", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { explode("v"); return nil })
				return nil
			})
		})
		lines := strings.Split(string(p.Stack), "\n")
		if !strings.HasPrefix(lines[0], "goroutine ") || !strings.HasPrefix(lines[1], "github.com/grove-go/grove/nursery_test.explode(") {
			t.Errorf("Stack begins with %q, want the goroutine and explode", lines[:2])
		}
		for _, l := range lines {
			if strings.Contains(l, "grove/nursery.") || strings.HasPrefix(l, "panic(") {
				t.Errorf("Stack has %q, want no frame of the library", l)
			}
		}
		if s := p.Error(); !strings.HasPrefix(s, "panicked: v\n") || !strings.Contains(s, "nursery_test.explode(") {
			t.Errorf("Error() = %q, want the value and the stack", s)
		}
		for _, verb := range []string{"%v", "%s", "%+v"} {
			if s := fmt.Sprintf(verb, p) + "\n"; s != p.Error() {
				t.Errorf("%s: %q, want the result of Error", verb, s)
			}
		}
		if s := fmt.Sprintf("%q %d", p, p); s != `"panicked: v" %!d(*nursery.PanicError=panicked: v)` {
			t.Errorf("formatted: %s", s)
		}
	})
	t.Run("N8/an overdue panic is reported before Run returns", func(t *testing.T) {
		for _, grace := range []time.Duration{-1, 0, 3 * time.Second} {
			out := kit.CaptureStderr(t)
			synctest.Test(t, func(t *testing.T) {
				opts := []nursery.Option{nursery.Name("crawl")}
				after := 10 * time.Second
				if grace >= 0 {
					opts = append(opts, nursery.PanicGrace(grace))
					after = grace
				}
				start := time.Now()
				recovered(func() {
					_ = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
						n.Go(func(context.Context) error {
							if after > 0 {
								time.Sleep(after - 1)
								synctest.Wait()
								if out() != "" {
									t.Errorf("a report came before %v", after)
								}
							}
							time.Sleep(time.Hour)
							return nil
						})
						panic("hidden")
					}, opts...)
				})
				if d := time.Since(start); d < time.Hour {
					t.Errorf("Run did not wait but returned after %v", d)
				}
			})
			for _, want := range []string{`nursery "crawl": after `, "panicked: hidden", "all goroutines:", "nursery_test.TestPanic"} {
				if !strings.Contains(out(), want) {
					t.Errorf("no %q in the report:\n%s", want, out())
				}
			}
		}
	})
	t.Run("N8/a panic that is not overdue is not reported", func(t *testing.T) {
		out := kit.CaptureStderr(t)
		synctest.Test(t, func(t *testing.T) {
			caught(t, func() {
				_ = nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { panic("p") })
					return nil
				})
			})
			time.Sleep(time.Hour)
		})
		if out() != "" {
			t.Errorf("reported: %s", out())
		}
	})
}

// N8: a panic of the body belongs to the caller of Run. It continues unchanged when all
// tasks have returned.
func TestPanicOfBody(t *testing.T) {
	type bailout struct{ n int }
	for name, test := range map[string]struct {
		opts   []nursery.Option
		task   func(ctx context.Context) error
		report string // what is written to standard error
	}{
		"nothing else":     {task: cancel.Forever},
		"and KeepGoing":    {task: cancel.Forever, opts: []nursery.Option{nursery.KeepGoing()}},
		"a task fails":     {task: func(ctx context.Context) error { <-ctx.Done(); return io.EOF }, report: "EOF"},
		"a task panics":    {task: func(ctx context.Context) error { <-ctx.Done(); panic("late") }, report: "panicked: late"},
		"a task was first": {task: func(ctx context.Context) error { panic("early") }, report: "panicked: early"},
		"a task exits":     {task: func(ctx context.Context) error { <-ctx.Done(); runtime.Goexit(); return nil }},
	} {
		t.Run("N8/"+name, func(t *testing.T) {
			out := kit.CaptureStderr(t)
			synctest.Test(t, func(t *testing.T) {
				joined := false
				v := recovered(func() {
					_ = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
						n.Go(func(ctx context.Context) error {
							defer func() { joined = true }()
							return test.task(ctx)
						})
						time.Sleep(time.Second)
						panic(bailout{7})
					}, append(test.opts, nursery.Name("crawl"))...)
				})
				if v != (bailout{7}) || !joined {
					t.Errorf("panic(%v), the task was joined: %v, want {7}, true", v, joined)
				}
			})
			if got := out(); (test.report == "") != (got == "") || !strings.Contains(got, test.report) || got != "" && !strings.Contains(got, `nursery "crawl": `) {
				t.Errorf("reported: %q, want %q", got, test.report)
			}
		})
	}
	bubble(t, "N8/a panic of an inner nursery carries the other failures", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.EOF })
				return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { panic("inner") })
					return nil
				})
			})
		})
		if p.Value != "inner" || len(p.Others) != 1 || p.Others[0] != io.EOF {
			t.Errorf("panic(%v) with %v, want inner with EOF", p.Value, p.Others)
		}
	})
	bubble(t, "N8/with RecoverPanics it is a failure", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { panic(io.EOF) }, nursery.RecoverPanics())
		if p, ok := failures(t, err)[0].(*nursery.PanicError); !ok || p.Value != io.EOF {
			t.Errorf("Run() = %v, want a PanicError", err)
		}
	})
}

// N8: PassPanics lets the panic of a task continue unchanged, in all nurseries below too.
func TestPassPanics(t *testing.T) {
	pass := nursery.PassPanics(func(v any) bool { return v == errBoom })
	run := func(ctx context.Context, v any, opts ...nursery.Option) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panic(v) })
			n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.EOF })
			return nil
		}, opts...)
	}
	below := func(ctx context.Context, v any) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return run(context.WithoutCancel(ctx), v) })
			return nil
		}, pass)
	}
	out := kit.CaptureStderr(t)
	if v := recovered(func() { _ = run(t.Context(), errBoom, pass) }); v != errBoom {
		t.Errorf("panic(%v), want boom", v)
	}
	if v := recovered(func() { _ = below(t.Context(), errBoom) }); v != errBoom {
		t.Errorf("panic(%v) below, want boom", v)
	}
	if n := strings.Count(out(), "EOF"); n != 2 {
		t.Errorf("the other failures were reported %d times, want 2:\n%s", n, out())
	}
	if p := caught(t, func() { _ = below(t.Context(), "v") }); p.Value != "v" {
		t.Errorf("panic(%v), want v", p.Value)
	}
	if p := caught(t, func() { _ = run(t.Context(), errBoom) }); p.Value != error(errBoom) {
		t.Errorf("panic(%v), want boom", p.Value)
	}
	err := run(t.Context(), errBoom, pass, nursery.RecoverPanics())
	if _, ok := failures(t, err)[0].(*nursery.PanicError); !ok {
		t.Errorf("Run() = %v, want a PanicError", err)
	}
	mustPanic(t, "PassPanics: nil function", func() { nursery.PassPanics(nil) })
}

// N8: errors.Is, errors.As, Leaves and Split find the value of a panic and the other
// failures.
func TestPanicHoldsOthers(t *testing.T) {
	value := errors.New("value")
	for name, v := range map[string]any{"an error": value, "text": "v"} {
		t.Run("N8/"+name, func(t *testing.T) {
			p := caught(t, func() {
				_ = nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { panic(v) }, nursery.Name("bad"))
					n.Go(func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("read: %w", io.EOF) })
					return nil
				})
			})
			_, isError := v.(error)
			if !errors.Is(p, io.EOF) || errors.Is(p, value) != isError {
				t.Errorf("Is(EOF) = %v, Is(value) = %v, want true, %v", errors.Is(p, io.EOF), errors.Is(p, value), isError)
			}
			leaves := slices.Collect(nursery.Leaves(p))
			if len(leaves) != 2 || leaves[1] != io.EOF {
				t.Fatalf("Leaves() = %v, want two, EOF last", leaves)
			}
			if own, ok := leaves[0].(*nursery.PanicError); isError != (leaves[0] == error(value)) || ok && (len(own.Others) > 0 || own.Value != v || own.Task != "bad") {
				t.Errorf("the first leaf is %v, want only the panic", leaves[0])
			}
			isPanic := func(err error) bool { _, ok := err.(*nursery.PanicError); return ok }
			panicked, others := nursery.Split(p, isPanic)
			if own, ok := panicked.(*nursery.PanicError); !ok || own.Value != v || len(own.Others) > 0 {
				t.Errorf("Split() = %v, want only the panic", panicked)
			}
			if errors.Is(others, value) || !errors.Is(others, io.EOF) || slices.ContainsFunc(slices.Collect(nursery.Leaves(others)), isPanic) {
				t.Errorf("Split() leaves %v, want only the read error", others)
			}
			both, none := nursery.Split(p, func(error) bool { return true })
			if both != error(p) || none != nil {
				t.Errorf("Split() = %v, %v, want all and nothing", both, none)
			}
			eof, rest := nursery.Split(p, func(err error) bool { return err == io.EOF })
			if own, ok := rest.(*nursery.PanicError); !ok || own.Value != v || own.Task != "bad" || len(own.Others) > 0 || !errors.Is(eof, io.EOF) {
				t.Errorf("Split() = %v, %v, want EOF and the panic", eof, rest)
			}
			two, one := nursery.Split(&nursery.PanicError{Value: v, Others: []error{io.EOF, io.ErrShortWrite}}, func(err error) bool { return err == io.EOF })
			if own, ok := one.(*nursery.PanicError); !ok || len(own.Others) != 1 || own.Others[0] != io.ErrShortWrite || two == nil {
				t.Errorf("Split() = %v, %v, want the panic with the short write", two, one)
			}
		})
	}
}
