package testutil_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/testutil"
)

var errBoom = errors.New("boom")

// A pool has slots that must be given back.
type pool struct{ free chan struct{} }

func newPool(n int) *pool {
	p := &pool{free: make(chan struct{}, n)}
	for range n {
		p.free <- struct{}{}
	}
	return p
}

func (p *pool) take(ctx context.Context) error {
	select {
	case <-p.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) giveBack() { p.free <- struct{}{} }

// wait waits for d and returns early if ctx is done.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// bugs are functions with a bug that shows only if they are canceled at a certain point.
// The report must contain the strings in want.
var bugs = map[string]struct {
	fn    func(t *testing.T, ctx context.Context) error
	opts  []testutil.EverywhereOption
	want  []string
	stuck bool
}{
	"slot": {
		fn: func(t *testing.T, ctx context.Context) error {
			p := newPool(2)
			err := func() error {
				if err := p.take(ctx); err != nil {
					return err
				}
				if err := p.take(ctx); err != nil {
					return err // without giving back the first slot
				}
				defer p.giveBack()
				defer p.giveBack()
				return wait(ctx, time.Second)
			}()
			if len(p.free) != 2 {
				t.Errorf("%d slots are free, want 2", len(p.free))
			}
			return err
		},
		// The select chooses the slot or the cancellation at random, so the bug shows in
		// half of the runs at one point.
		opts: []testutil.EverywhereOption{testutil.Repeats(60)},
		want: []string{"1 slots are free, want 2", "Done at everywhere_test.go:", "(*pool).take"},
	},
	"derived": {
		fn: func(t *testing.T, ctx context.Context) error {
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			open := 0
			for range 3 {
				open++
				if err := wait(ctx, time.Hour); err != nil {
					break
				}
				open--
			}
			if open > 0 {
				t.Errorf("%d are open, want none", open)
			}
			return ctx.Err()
		},
		want: []string{"1 are open, want none", "idle after 1h30m0s", "canceled: Done at everywhere_test.go:"},
	},
	"hang": {
		fn: func(t *testing.T, ctx context.Context) error {
			done := make(chan struct{})
			go func() {
				if wait(ctx, time.Second) == nil {
					close(done) // not closed if canceled
				}
			}()
			<-done
			return nil
		},
		stuck: true,
		want:  []string{"the function has not returned 1h0m0s after it was canceled", "TestEverywhereReports", "chan receive", "to repeat it: go test -run '^TestEverywhereReports$/^"},
	},
	"leak": {
		fn: func(t *testing.T, ctx context.Context) error {
			results := make(chan int)
			go func() { time.Sleep(time.Second); results <- 1 }()
			select {
			case <-results:
				return nil
			case <-ctx.Done():
				return ctx.Err() // without receiving
			}
		},
		stuck: true,
		want:  []string{"the function returned but left goroutines blocked for good", "time.Sleep"},
	},
	"ticking": {
		fn: func(t *testing.T, ctx context.Context) error {
			stop := make(chan struct{})
			var wg sync.WaitGroup
			defer wg.Wait()
			wg.Go(func() {
				tick := time.NewTicker(time.Minute)
				defer tick.Stop()
				for {
					select {
					case <-tick.C:
					case <-stop:
						return
					}
				}
			})
			if err := wait(ctx, time.Hour); err != nil {
				return err // without closing stop
			}
			close(stop)
			return nil
		},
		opts: []testutil.EverywhereOption{testutil.Within(time.Minute)},
		want: []string{"the function is still running 1m0s after it was canceled", "(*WaitGroup).Wait", "canceled: Done at everywhere_test.go:"},
	},
	"panic": {
		fn: func(t *testing.T, ctx context.Context) error {
			var result *int
			v := 1
			if wait(ctx, time.Second) == nil {
				result = &v
			}
			_ = *result
			return nil
		},
		want: []string{"the function panicked: runtime error: invalid memory address", "everywhere_test.go"},
	},
	"lost error": {
		fn: func(t *testing.T, ctx context.Context) error {
			if wait(ctx, time.Second) != nil {
				return errBoom
			}
			return nil
		},
		want: []string{"returned an error that is not an echo of the cancellation: boom"},
	},
	"Goexit": {
		fn: func(t *testing.T, ctx context.Context) error {
			if ctx.Err() != nil {
				t.Fatal("canceled")
			}
			return nil
		},
		want: []string{"canceled\n", "Err at everywhere_test.go:"},
	},
	"uncanceled": {
		fn:   func(t *testing.T, ctx context.Context) error { return errBoom },
		want: []string{"the function was not canceled, but returned boom"},
	},
	"uncanceled hang": {
		fn:   func(t *testing.T, ctx context.Context) error { select {} },
		want: []string{"all goroutines are blocked for good", "select (no cases"},
	},
}

func TestEverywhereReports(t *testing.T) {
	if bug, ok := bugs[os.Getenv(inChild)]; ok {
		testutil.SetPatience(100 * time.Millisecond)
		testutil.CancelEverywhere(t, bug.fn, bug.opts...)
		return
	}
	for name, bug := range bugs {
		t.Run("T2/"+name, func(t *testing.T) {
			t.Parallel()
			out := child(t, "TestEverywhereReports", name)
			for _, want := range bug.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in the output:\n%s", want, out)
				}
			}
			if n := strings.Count(out, "to repeat it"); bug.stuck && n != 1 {
				t.Errorf("%d reports, want 1, because its goroutines are stuck:\n%s", n, out)
			}
		})
	}
}

// TestEverywhereRepeats runs the command in a report and checks that it repeats only that
// point.
func TestEverywhereRepeats(t *testing.T) {
	if os.Getenv(inChild) != "" {
		testutil.CancelEverywhere(t, bugs["lost error"].fn)
		return
	}
	out := child(t, "TestEverywhereRepeats", "all")
	commands := regexp.MustCompile(`go test -run '\^(TestEverywhereRepeats\$/.*)\$'`).FindAllStringSubmatch(out, -1)
	if len(commands) < 2 {
		t.Fatalf("%d points in the output, want several:\n%s", len(commands), out)
	}
	for _, c := range commands[:2] {
		alone := child(t, c[1], "one")
		if n := strings.Count(alone, "to repeat it"); n != 1 || !strings.Contains(alone, c[0]) {
			t.Errorf("%s: %d points in the output, want this one:\n%s", c[0], n, alone)
		}
	}
}

func TestEverywhere(t *testing.T) {
	t.Run("T2/MayReturn allows errors", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			if wait(ctx, time.Second) != nil {
				return fmt.Errorf("gave up: %w", errBoom)
			}
			return nil
		}, testutil.MayReturn(os.ErrClosed), testutil.MayReturn(errBoom))
	})
	t.Run("T2/Points and Repeats limit the runs", func(t *testing.T) {
		calls := 0
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			calls++
			for range 10_000 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			return nil
		}, testutil.Points(7), testutil.Repeats(2))
		if calls != 1+7*2 {
			t.Errorf("%d calls, want 15", calls)
		}
	})
	t.Run("T2/each run is canceled at its own call of Err", func(t *testing.T) {
		var got []string
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			first := ctx.Err() != nil
			second := ctx.Err() != nil
			got = append(got, fmt.Sprint(first, second))
			return ctx.Err()
		}, testutil.Repeats(1))
		if want := []string{"false false", "true true", "false true", "false false"}; !slices.Equal(got[:4], want) {
			t.Errorf("canceled at the first and second call: %q, want %q", got[:4], want)
		}
	})
	t.Run("T2/the point of a call comes after the time that passes before the call", func(t *testing.T) {
		const repeats = 3
		var byCall atomic.Int32
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			time.Sleep(time.Second)
			early := context.Cause(ctx) != nil
			err := ctx.Err()
			if err != nil && !early {
				byCall.Add(1)
			}
			return err
		}, testutil.Repeats(repeats))
		if n := byCall.Load(); n < repeats {
			t.Errorf("%d runs were canceled by the call of Err, want %d", n, repeats)
		}
	})
	t.Run("T2/Points limits points found in later runs", func(t *testing.T) {
		calls := 0
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			calls++
			for range calls {
				_ = ctx.Err()
			}
			return wait(ctx, time.Second)
		}, testutil.Points(30), testutil.Repeats(1))
		if calls != 1+30 {
			t.Errorf("%d calls, want 31", calls)
		}
	})
	t.Run("T2/points found in later runs are tried", func(t *testing.T) {
		runs := 0
		later := 0
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			if runs++; runs > 5 {
				if ctx.Err() != nil {
					later++
				}
			}
			return wait(ctx, time.Second)
		}, testutil.Repeats(1))
		if later == 0 {
			t.Error("the point found only in later runs was not tried")
		}
	})
	t.Run("T2/bad input panics at the call", func(t *testing.T) {
		fn := func(*testing.T, context.Context) error { return nil }
		kit.MustPanic(t, "testutil: CancelEverywhere: nil function", func() { testutil.CancelEverywhere(t, nil) })
		kit.MustPanic(t, "testutil: CancelEverywhere: nil option", func() { testutil.CancelEverywhere(t, fn, nil) })
		kit.MustPanic(t, "testutil: Points: n must be at least 1, got 0", func() { testutil.Points(0) })
		kit.MustPanic(t, "testutil: Repeats: n must be at least 1, got 0", func() { testutil.Repeats(0) })
		kit.MustPanic(t, "testutil: MayReturn: nil error", func() { testutil.MayReturn(errBoom, nil) })
		kit.MustPanic(t, "testutil: Within: d must be positive, got 0s", func() { testutil.Within(0) })
	})
	t.Run("T2/correct code passes at every point", func(t *testing.T) {
		var calls, canceled atomic.Int32
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			calls.Add(1)
			defer func() {
				if ctx.Err() != nil {
					canceled.Add(1)
				}
			}()
			var wg sync.WaitGroup
			defer wg.Wait()
			for range 3 {
				wg.Go(func() { _ = wait(ctx, time.Second) })
			}
			if err := wait(ctx, time.Second); err != nil {
				return err
			}
			return wait(ctx, time.Second)
		})
		// Points of calls: 5 of Done and 1 of Err. Points at idle times: one at the
		// start, one after a second, and seven in between. Points after yields: 11, which
		// may come after the run has ended. The search for idle times may wake at the
		// same instant as the function and find one more.
		const certain, chance, more = 5 * (6 + 2 + 7), 5 * 11, 5
		all := calls.Load() - 1
		if n := canceled.Load(); all != certain+chance && all != certain+chance+more || n < certain || n > all {
			t.Errorf("%d calls, %d of them canceled, want %d or %d more, %d at least", 1+all, n, 1+certain+chance, more, certain)
		}
	})
}
