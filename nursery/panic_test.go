package nursery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func explode(v any) { panic(v) }

func TestPanic(t *testing.T) {
	bubble(t, "N8/cancels the siblings and goes on in the caller, when all have returned", func(t *testing.T, ctx context.Context) {
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
	bubble(t, "N8/rises through nurseries as it is, with the other failures", func(t *testing.T, ctx context.Context) {
		value := errors.New("value")
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.ErrUnexpectedEOF })
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.EOF })
					n.Go(func(ctx context.Context) error {
						return nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { explode(value); return nil })
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
	bubble(t, "N8/the first of two counts, and the second is not lost", func(t *testing.T, ctx context.Context) {
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
			_ = nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { panic(nil) })
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
	bubble(t, "N8/a recovered panic with a cancellation as its value is no echo", func(t *testing.T, ctx context.Context) {
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
	bubble(t, "N8/cancels also with KeepGoing", func(t *testing.T, ctx context.Context) {
		caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(cancel.Forever)
				panic("p")
			}, nursery.KeepGoing())
		})
	})
	bubble(t, "N20/the stack is the user's", func(t *testing.T, ctx context.Context) {
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
		if s := fmt.Sprintf("%v %s %q %d", p, p, p, p); s != `panicked: v panicked: v "panicked: v" %!d(*nursery.PanicError=panicked: v)` {
			t.Errorf("formatted: %s", s)
		}
	})
	t.Run("N8/an overdue panic is reported meanwhile", func(t *testing.T) {
		for _, grace := range []time.Duration{-1, 0, 3 * time.Second} {
			var out lockedBuffer
			restore := nursery.SetStderr(&out)
			synctest.Test(t, func(t *testing.T) {
				opts := []nursery.Option{nursery.Name("crawl")}
				after := 10 * time.Second
				if grace >= 0 {
					opts = append(opts, nursery.PanicGrace(grace))
					after = grace
				}
				start := time.Now()
				caught(t, func() {
					_ = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
						n.Go(func(context.Context) error {
							if after > 0 {
								time.Sleep(after - 1)
								synctest.Wait()
								if out.String() != "" {
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
					t.Errorf("Run did not wait, but returned after %v", d)
				}
			})
			restore()
			for _, want := range []string{`nursery "crawl": after `, "panicked: hidden", "all goroutines:", "nursery_test.TestPanic"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in the report:\n%s", want, out.String())
				}
			}
		}
	})
	t.Run("N8/a panic that is in time is not reported", func(t *testing.T) {
		var out lockedBuffer
		defer nursery.SetStderr(&out)()
		synctest.Test(t, func(t *testing.T) {
			caught(t, func() {
				_ = nursery.Run(t.Context(), func(context.Context, *nursery.Nursery) error { panic("p") })
			})
			time.Sleep(time.Hour)
		})
		if out.String() != "" {
			t.Errorf("reported: %s", out.String())
		}
	})
}
