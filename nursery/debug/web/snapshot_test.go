package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/nursery/debug/web"
	"github.com/grove-go/grove/testutil"
)

func TestSharing(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, _ context.Context) {
		h := web.Handler()
		at := func(query string) time.Duration { return snapshot(t, h, query).Time.Sub(time.Unix(0, 0)) }
		first := at("")
		time.Sleep(199 * time.Millisecond)
		if got := at("&stack=&warnings=1"); got != first {
			t.Errorf("W4/after 199 ms the snapshot is %v younger, want the same", got-first)
		}
		if got := at("&unfold=1"); got != first+199*time.Millisecond {
			t.Error("W4/a snapshot of another kind is shared")
		}
		time.Sleep(time.Millisecond)
		if got := at(""); got != first+200*time.Millisecond {
			t.Errorf("W4/after 200 ms the snapshot is %v younger, want 200ms", got-first)
		}
		if got := at("&unfold=1"); got != first+199*time.Millisecond {
			t.Error("W4/a snapshot of another kind was dropped too early")
		}
		time.Sleep(time.Second)
		if n := web.Kept(h); n != 0 {
			t.Errorf("W4/%d snapshots are kept after a second, want none", n)
		}
	})
}

// TestOneAtATime has the function of Redact, which runs while a snapshot is taken, count the
// requests in it.
func TestOneAtATime(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		var inside, calls atomic.Int32
		h := web.Handler(web.Redact(func(text string) string {
			if inside.Add(1) > 1 {
				t.Error("W4/two snapshots at a time")
			}
			calls.Add(1)
			for range 100 {
				runtime.Gosched() // the clock stands still while requests wait for the lock
			}
			inside.Add(-1)
			return text
		}), web.Take(debug.NoStacks()))
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for i := range 20 {
					n.Go(func(context.Context) error {
						snapshot(t, h, fmt.Sprintf("&unfold=%d", i%2))
						return nil
					})
				}
				return nil
			})
		}, nursery.Name("one"))
		if err != nil {
			t.Error(err)
		}
		if n := calls.Load() / 2; n != 2 { // for the names of the nursery and its scope
			t.Errorf("W4/%d snapshots for 20 requests of two kinds, want 2", n)
		}
		time.Sleep(time.Second)
	})
}

// TestBlocked has the program's code block while a snapshot is taken.
func TestBlocked(t *testing.T) {
	block := func(t *testing.T, prepare func() (redact func(h http.Handler, text string) string, check func(t *testing.T, h http.Handler))) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			redact, check := prepare()
			var h http.Handler
			h = web.Handler(web.Redact(func(text string) string { return redact(h, text) }), web.Take(debug.NoStacks()))
			err := nursery.Run(ctx, func(context.Context, *nursery.Nursery) error {
				check(t, h)
				return nil
			}, nursery.Name("shop"))
			if err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			if n := web.Kept(h); n != 0 {
				t.Errorf("%d snapshots are kept, want none", n)
			}
		})
	}
	type (
		redact = func(h http.Handler, text string) string
		check  = func(t *testing.T, h http.Handler)
	)
	t.Run("W4/a function that blocks blocks its own request", func(t *testing.T) {
		block(t, func() (redact, check) {
			first, blocked, release := make(chan string, 1), make(chan struct{}), make(chan struct{})
			var calls atomic.Int32
			return func(_ http.Handler, text string) string {
					if calls.Add(1) == 1 {
						close(blocked)
						<-release
					}
					return text
				}, func(t *testing.T, h http.Handler) {
					go func() { first <- snapshot(t, h, "").Roots[0].Name }()
					<-blocked
					gone, leave := context.WithCancel(t.Context())
					time.AfterFunc(time.Second, leave)
					w := httptest.NewRecorder()
					h.ServeHTTP(w, httptest.NewRequestWithContext(gone, "GET", "/", nil))
					if w.Body.Len() > 0 {
						t.Errorf("a client that has gone gets %q", w.Body)
					}
					start := time.Now()
					for _, query := range []string{"", "&unfold=1"} {
						if s := snapshot(t, h, query); s.Roots[0].Name != "shop" {
							t.Errorf("the name is %q, want shop", s.Roots[0].Name)
						}
					}
					if d := time.Since(start); d != 4*time.Second {
						t.Errorf("the other requests have waited for %v, want 4s", d)
					}
					close(release)
					if got := <-first; got != "shop" {
						t.Errorf("the name is %q, want shop", got)
					}
				}
		})
	})
	t.Run("W4/a function may call the handler", func(t *testing.T) {
		block(t, func() (redact, check) {
			var calls atomic.Int32
			return func(h http.Handler, text string) string {
					if calls.Add(1) == 1 {
						return snapshot(t, h, "").Roots[0].Name
					}
					return text
				}, func(t *testing.T, h http.Handler) {
					if s := snapshot(t, h, ""); s.Roots[0].Name != "shop" {
						t.Errorf("the name is %q, want shop", s.Roots[0].Name)
					}
				}
		})
	})
	t.Run("W4/a function may panic", func(t *testing.T) {
		block(t, func() (redact, check) {
			var calls atomic.Int32
			return func(_ http.Handler, text string) string {
					if calls.Add(1) == 1 {
						panic("redact")
					}
					return text
				}, func(t *testing.T, h http.Handler) {
					kit.MustPanic(t, "redact", func() { snapshot(t, h, "") })
					start := time.Now()
					if s := snapshot(t, h, ""); s.Roots[0].Name != "shop" || time.Since(start) > 0 {
						t.Errorf("the name is %q after %v, want shop at once", s.Roots[0].Name, time.Since(start))
					}
				}
		})
	})
}

func TestRedact(t *testing.T) {
	secret := regexp.MustCompile(`shop|order|orders|warehouse|no stock`)
	hide := web.Redact(func(text string) string { return secret.ReplaceAllString(text, "SECRET") })
	during(t, func(t *testing.T, h http.Handler) {
		s := snapshot(t, h, "&unfold=1")
		data, err := json.Marshal(withoutCode(s))
		if err != nil {
			t.Fatal(err)
		}
		if found := secret.FindString(string(data)); found != "" || !strings.Contains(string(data), "SECRET") {
			t.Errorf("the snapshot has %q:\n%s", found, data)
		}
		if w := s.Roots[0].Tasks[0]; w.Function != "web_test.idle" && w.Function != "web_test.deliver" {
			t.Errorf("a function is called %q", w.Function)
		}
		for _, query := range []string{"", "warnings=1"} {
			_, text := ask(t, h, "GET", "/?"+query, "")
			if !strings.Contains(text, "SECRET") || regexp.MustCompile(`no stock|order [789]|warehouse|\bshop`).MatchString(text) {
				t.Errorf("the text is\n%s", text)
			}
		}
	}, hide)
	t.Run("twice", func(t *testing.T) {
		twice := web.Redact(func(text string) string { return strings.ReplaceAll(text, "SECRET", "MORE") })
		during(t, func(t *testing.T, h http.Handler) {
			if s := snapshot(t, h, ""); s.Roots[0].Name != "MORE" {
				t.Errorf("the name is %q, want MORE", s.Roots[0].Name)
			}
		}, hide, twice)
	})
}

// withoutCode removes from a snapshot the names of functions and files, which belong to
// the test.
func withoutCode(s *debug.Snapshot) *debug.Snapshot {
	for _, w := range s.Warnings {
		if w.At != nil {
			*w.At = debug.Place{}
		}
	}
	s.Others = nil
	var nursery func(n *debug.Nursery)
	nursery = func(n *debug.Nursery) {
		n.Place = nil
		for _, t := range append([]*debug.Task{n.Body}, n.Tasks...) {
			t.At, t.Stack = nil, nil
			if t.Name != "" {
				t.Function = ""
			}
			for _, n := range t.Nurseries {
				nursery(n)
			}
		}
	}
	for _, n := range s.Roots {
		nursery(n)
		n.Body.Function = ""
	}
	return s
}

func TestRedactLabels(t *testing.T) {
	t.Setenv("GODEBUG", "tracebacklabels=1")
	defer debug.Enable(debug.Labels())()
	hide := web.Redact(func(text string) string {
		return regexp.MustCompile("shop|order|warehouse").ReplaceAllString(text, "SECRET")
	})
	for name, opts := range map[string][]web.Option{"a tree": nil, "a profile": {web.Take(debug.MaxGoroutines(0))}} {
		t.Run(name, func(t *testing.T) {
			during(t, func(t *testing.T, h http.Handler) {
				go pprof.Do(t.Context(), pprof.Labels("grove", "shop/gone"), func(context.Context) { time.Sleep(time.Millisecond) })
				synctest.Wait()
				data, err := json.Marshal(snapshot(t, h, ""))
				if err != nil {
					t.Fatal(err)
				}
				labels := regexp.MustCompile(`"label":"[^"]*"`).FindAllString(string(data), -1)
				if len(labels) < 3 || regexp.MustCompile("shop|order|warehouse").MatchString(strings.Join(labels, " ")) || !strings.Contains(string(data), `"SECRET/gone"`) {
					t.Errorf("the labels are %q", labels)
				}
				time.Sleep(time.Second)
			}, append(opts, hide)...)
		})
	}
}

func TestTake(t *testing.T) {
	during(t, func(t *testing.T, h http.Handler) {
		s := snapshot(t, h, "")
		if s.Stacks == "all" || len(s.Warnings) != 0 {
			t.Errorf("stacks are %q, and there are %d warnings", s.Stacks, len(s.Warnings))
		}
	}, web.Take(debug.NoStacks()), web.Take(debug.WithThresholds(debug.Thresholds{Failing: time.Hour})))
}
