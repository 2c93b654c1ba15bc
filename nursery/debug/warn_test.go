package debug_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
)

// warnings returns the codes of the warnings of a snapshot that has those thresholds.
func warnings(limits debug.Thresholds) string {
	var codes []string
	for _, w := range debug.Take(debug.WithThresholds(limits)).Warnings {
		codes = append(codes, w.Code)
	}
	return strings.Join(codes, " ")
}

// deep calls f below so many frames. A dump leaves out the middle of a deep stack.
func deep(frames int, f func() error) (err error) {
	if frames == 0 {
		return f()
	}
	defer func() { _ = err }()
	return deep(frames-1, f)
}

func TestWarnings(t *testing.T) {
	hour := func(ctx context.Context) error { return cancel.Sleep(ctx, time.Hour) }
	deaf := func(context.Context) error { time.Sleep(time.Hour); return nil }
	for name, c := range map[string]struct {
		body   func(ctx context.Context, n *nursery.Nursery) error
		before string // a moment after the start
		after  string // two seconds later
		opts   []nursery.Option
		limits debug.Thresholds
		fails  bool
	}{
		"nothing is wrong": {
			body: func(_ context.Context, n *nursery.Nursery) error { n.Go(hour); n.Go(hour); return nil },
		},
		"unresponsive": {
			body:  func(_ context.Context, n *nursery.Nursery) error { n.Go(deaf); n.Cancel(nil); return nil },
			after: "unresponsive",
		},
		"a canceled task behind a shield": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return cancel.Shield(ctx, 2*time.Hour, hour) })
				time.Sleep(time.Nanosecond)
				n.Cancel(nil)
				return nil
			},
		},
		"a function that its deadline has canceled": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return cancel.FailAfter(ctx, time.Nanosecond, deaf) })
				return nil
			},
			after: "unresponsive",
		},
		"a task that waits for its own canceled tasks": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					return nursery.Run(context.WithoutCancel(ctx), func(_ context.Context, n *nursery.Nursery) error { n.Go(hour); return nil })
				})
				n.Cancel(nil)
				return nil
			},
		},
		"a canceled task behind a shield in the middle of a deep stack": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					return deep(100, func() error {
						return cancel.Shield(ctx, 2*time.Hour, func(ctx context.Context) error { return deep(100, func() error { return hour(ctx) }) })
					})
				})
				time.Sleep(time.Nanosecond)
				n.Cancel(nil)
				return nil
			},
		},
		"a task that was canceled alone": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, deaf(ctx) }).Cancel(nil)
				return nil
			},
			after: "unresponsive",
		},
		"failing": {
			body:  func(_ context.Context, n *nursery.Nursery) error { n.Go(deaf); return io.EOF },
			after: "unresponsive failing", fails: true,
		},
		"a failure that cancels nothing": {
			body: func(_ context.Context, n *nursery.Nursery) error { n.Go(hour); return io.EOF },
			opts: []nursery.Option{nursery.KeepGoing()}, fails: true,
		},
		"panicking": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				n.Go(deaf)
				n.Go(func(context.Context) error { panic("p") })
				return nil
			},
			before: "panicking", after: "panicking unresponsive", fails: true,
		},
		"stopping": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				n.Go(hour)
				n.Scope().Shutdown(2500 * time.Millisecond)
				return nil
			},
			after: "stopping",
		},
		"escaped": {
			body: func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					go func() {
						go hour(ctx)
						_ = hour(ctx)
					}()
					time.Sleep(time.Nanosecond)
					return hour(ctx)
				})
				return nil
			},
			before: "escaped escaped", after: "escaped escaped",
		},
		"starved": {
			body: func(_ context.Context, n *nursery.Nursery) error { n.Go(hour); n.Go(hour); return nil },
			opts: []nursery.Option{nursery.Limit(1)}, limits: debug.Thresholds{Starved: 2 * time.Second}, after: "starved",
		},
		"a queue that moves": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				for range 10 {
					n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, 700*time.Millisecond) })
				}
				return nil
			},
			opts: []nursery.Option{nursery.Limit(1)}, limits: debug.Thresholds{Starved: 2 * time.Second},
		},
		"swollen": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				for range 4 {
					n.Go(hour)
				}
				return nil
			},
			limits: debug.Thresholds{Swollen: 3}, before: "swollen", after: "swollen",
		},
		"as many tasks under a limit": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				for range 4 {
					n.Go(hour)
				}
				return nil
			},
			opts: []nursery.Option{nursery.Limit(9)}, limits: debug.Thresholds{Swollen: 3},
		},
		"many failures": {
			body: func(_ context.Context, n *nursery.Nursery) error {
				for range 3 {
					n.Go(func(context.Context) error { return io.EOF })
				}
				n.Go(hour)
				return nil
			},
			opts: []nursery.Option{nursery.KeepGoing()}, limits: debug.Thresholds{Failures: 2}, before: "swollen", after: "swollen", fails: true,
		},
	} {
		kit.Bubble(t, name, func(t *testing.T, ctx context.Context) {
			kit.DiscardStderr(t)
			defer debug.Enable()()
			done := make(chan error)
			go func() {
				err := errors.New("a panic")
				defer func() { _ = recover(); done <- err }()
				err = nursery.Run(ctx, c.body, append(c.opts, nursery.Name("n"))...)
			}()
			time.Sleep(10 * time.Nanosecond)
			if got := warnings(c.limits); got != c.before {
				t.Errorf("at first the warnings are %q, want %q", got, c.before)
			}
			time.Sleep(2 * time.Second)
			if got := warnings(c.limits); got != c.after {
				t.Errorf("the warnings are %q, want %q", got, c.after)
			}
			if err := <-done; (err != nil) != c.fails {
				t.Errorf("Run() = %v", err)
			}
		})
	}
}

func TestTexts(t *testing.T) {
	kit.Bubble(t, "a panic that waits for the body says so", func(t *testing.T, ctx context.Context) {
		kit.DiscardStderr(t)
		defer func() {
			if recover() == nil {
				t.Error("Run did not panic")
			}
		}()
		_ = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panic("p") })
			time.Sleep(time.Nanosecond)
			if w := debug.Take().Warnings; len(w) != 1 || w[0].Text != "a panic waits for the body" {
				t.Errorf("the warnings are %+v", w)
			}
			n.Go(func(context.Context) error { time.Sleep(time.Second); return nil })
			if w := debug.Take().Warnings; len(w) != 1 || w[0].Text != "a panic waits for 1 task and the body" {
				t.Errorf("the warnings are %+v", w)
			}
			return nil
		})
	})
	kit.Bubble(t, "a worker's goroutine is not put down to its next task", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			queued := make(chan struct{}) // otherwise the worker may leave before there is a second task
			n.Go(func(ctx context.Context) error { <-queued; go time.Sleep(time.Minute); return nil }, nursery.Name("first"))
			n.Go(func(context.Context) error { time.Sleep(time.Second); return nil }, nursery.Name("second"))
			close(queued)
			time.Sleep(time.Nanosecond)
			s := debug.Take()
			if w := s.Warnings; len(w) != 1 || w[0].Code != "escaped" || w[0].Name != "a worker" {
				t.Errorf("the warnings are %+v", w)
			}
			if got := text(t, s); !strings.Contains(got, "BARE GO by this worker warn_test.go:") {
				t.Errorf("the text is\n%s", got)
			}
			return nil
		}, nursery.Limit(1))
		if err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour) // the goroutine ends
	})
}

// D4: warnings beyond the limit are counted.
func TestManyWarnings(t *testing.T) {
	kit.Bubble(t, "D4/warnings", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			for range 150 {
				n.Go(func(context.Context) error { time.Sleep(5 * time.Second); return nil })
			}
			n.Cancel(nil)
			time.Sleep(2 * time.Second)
			s := debug.Take()
			if len(s.Warnings) != 100 || s.MoreWarned != 51 { // with the body
				t.Errorf("%d warnings, %d more, want 100, 51", len(s.Warnings), s.MoreWarned)
			}
			if got := text(t, s); !strings.Contains(got, "\nand 51 more warnings\n") {
				t.Errorf("the text is\n%s", got)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	kit.Bubble(t, "D4/tasks and goroutines", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 1200 {
				n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Second) }, nursery.Name(strings.Repeat("x", i+1)))
			}
			time.Sleep(time.Millisecond)
			s := debug.Take()
			if n := s.Roots[0]; len(n.Tasks) != 1000 || n.More != 200 || s.Counts.Tasks != 1200 {
				t.Errorf("%d tasks, %d more, %d counted, want 1000, 200, 1200", len(n.Tasks), n.More, s.Counts.Tasks)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// A meanwhile is an error. A snapshot asks for its text after the stacks have been collected.
type meanwhile func()

func (f meanwhile) Error() string { f(); return "meanwhile" }

func TestShieldIsLeft(t *testing.T) {
	defer debug.Enable()()
	shielded, canceled, leave := make(chan struct{}), make(chan struct{}), make(chan struct{})
	left, end := make(chan struct{}), make(chan struct{})
	leaveNow := sync.OnceFunc(func() { close(leave); <-left })
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { return meanwhile(leaveNow) })
		n.Go(func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					err := cancel.Shield(ctx, time.Hour, func(context.Context) error { close(shielded); <-leave; return nil })
					close(left)
					<-end
					return err
				}, nursery.Name("cleaner"))
				<-shielded
				n.Cancel(nil)
				close(canceled)
				return nil
			})
		})
		<-canceled
		for n.Stats().Failed == 0 {
			runtime.Gosched()
		}
		for _, w := range debug.Take(debug.WithThresholds(debug.Thresholds{Unresponsive: 1})).Warnings {
			if w.Name == "cleaner" {
				t.Errorf("the task was behind a shield when the stacks were collected: %+v", w)
			}
		}
		close(end)
		return nil
	}, nursery.KeepGoing())
	if err == nil {
		t.Error("Run() = nil, want the failure")
	}
}

func TestWatch(t *testing.T) {
	kit.Bubble(t, "a warning is logged when it comes and when it goes", func(t *testing.T, ctx context.Context) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "node" || a.Key == "at" || a.Key == "function" {
				return slog.Attr{}
			}
			return a
		}}))
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return debug.Watch(ctx, log, time.Second) }, nursery.Daemon())
			time.Sleep(time.Nanosecond)
			err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { time.Sleep(5 * time.Second); return nil }, nursery.Name("slow"))
				time.Sleep(time.Nanosecond)
				n.Cancel(nil)
				return nil
			})
			return errors.Join(err, cancel.Sleep(ctx, 2*time.Second))
		})
		if err != nil {
			t.Error(err)
		}
		want := `level=WARN msg="canceled 2s ago (canceled at warn_test.go:LL), and has not returned: sleep" warning=unresponsive name=slow
level=INFO msg="no longer: canceled 5s ago (canceled at warn_test.go:LL), and has not returned: sleep" warning=unresponsive name=slow
`
		got := digits(out.String())
		if got != want {
			t.Errorf("logged\n%s\nwant\n%s", got, want)
		}
	})
}

func TestWatchEscapes(t *testing.T) {
	kit.Bubble(t, "each go statement of a task is logged", func(t *testing.T, ctx context.Context) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return debug.Watch(ctx, log, time.Second) }, nursery.Daemon())
			n.Go(func(ctx context.Context) error {
				go time.Sleep(8 * time.Second)
				time.Sleep(1500 * time.Millisecond)
				go time.Sleep(3 * time.Second)
				return cancel.Sleep(ctx, 5*time.Second)
			})
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if got := out.String(); strings.Count(got, "level=WARN") != 2 || strings.Count(got, "level=INFO") != 1 {
			t.Errorf("logged\n%s\nwant two escapes, one of which went", got)
		}
		time.Sleep(time.Hour) // the goroutines end
	})
}

func TestWatchSwollen(t *testing.T) {
	kit.Bubble(t, "a nursery may have too many tasks and too many failures", func(t *testing.T, ctx context.Context) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		limits := debug.WithThresholds(debug.Thresholds{Swollen: 2, Failures: 1})
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return debug.Watch(ctx, log, time.Second, limits) }, nursery.Daemon())
			for range 2 {
				n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, 5*time.Second) })
				n.Go(func(ctx context.Context) error { return errors.Join(cancel.Sleep(ctx, 1500*time.Millisecond), io.EOF) })
			}
			return nil
		}, nursery.KeepGoing())
		if err == nil {
			t.Error("Run() = nil, want the failures")
		}
		got := out.String()
		for _, want := range []string{"level=WARN msg=\"5 tasks run, and", "level=WARN msg=\"2 failures are"} {
			if strings.Count(got, want) != 1 {
				t.Errorf("logged\n%s\nwant %s once", got, want)
			}
		}
	})
}

// digits replaces the number of a line of this file.
func digits(text string) string {
	parts := strings.Split(text, "warn_test.go:")
	for i := range parts[1:] {
		parts[i+1] = "LL" + strings.TrimLeft(parts[i+1], "0123456789")
	}
	return strings.Join(parts, "warn_test.go:")
}

func TestMetrics(t *testing.T) {
	kit.Bubble(t, "counters", func(t *testing.T, ctx context.Context) {
		kit.DiscardStderr(t)
		defer debug.Enable()()
		before := debug.Metrics()
		slow := func(context.Context) error { time.Sleep(5 * time.Millisecond); return nil }
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(slow)
			n.Go(slow)
			n.Go(slow)
			time.Sleep(time.Millisecond)
			n.Cancel(nil)
			c := debug.Metrics()
			if c.Nurseries != 1 || c.Tasks != 2 || c.Queued != 1 || c.Stragglers != 2 {
				t.Errorf("during the nursery: %+v", c)
			}
			return nil
		}, nursery.Name("metrics"), nursery.Limit(2))
		if err != nil {
			t.Error(err)
		}
		if err := nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return io.EOF }); err == nil {
			t.Error("Run() = nil, want EOF")
		}
		if err := nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { panic("p") }, nursery.RecoverPanics()); err == nil {
			t.Error("Run() = nil, want the panic")
		}
		c := debug.Metrics()
		if c.Nurseries != 0 || c.Closed != before.Closed+3 || c.Finished != before.Finished+3 || c.Failed != before.Failed+2 || c.Canceled != before.Canceled+3 {
			t.Errorf("%+v, before %+v", c, before)
		}
		l, was := c.CancelLatency["metrics"], before.CancelLatency["metrics"]
		if l.Count != was.Count+1 || l.Sum != was.Sum+9*time.Millisecond { // the third task begins after 5 ms
			t.Errorf("the latency is %+v, want 9ms once more", l)
		}
		for _, b := range l.Buckets {
			if (b.Count == l.Count) != (b.Below == 16*time.Millisecond) {
				t.Errorf("%d of %d below %v", b.Count, l.Count, b.Below)
			}
		}
	})
}

// TestNothingIsLeft opens many nurseries while the registry is on.
func TestNothingIsLeft(t *testing.T) {
	nurseries := 1_000_000
	if testing.Short() {
		nurseries /= 100
	}
	defer debug.Enable()()
	fail := errors.New("fail")
	kit.WantNoGrowth(t, "nurseries", 1<<20, func() {
		for i := range nurseries / 4 {
			_ = nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				if i%10 == 0 {
					n.Go(func(context.Context) error { return fail }, nursery.Name("x"))
				}
				return nil
			})
		}
	})
	runtime.GC()
	if n := len(live.Nurseries()); n != 0 {
		t.Errorf("%d nurseries are left", n)
	}
}
