package supervise_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/supervisor/supervise"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

// ask returns the status and the body of the supervisor's answer.
func ask(s *supervise.Supervisor, path string) (code int, body string) {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// look returns a line with the state of the supervisor, and checks that its sources agree.
func look(t *testing.T, s *supervise.Supervisor) string {
	t.Helper()
	live, _ := ask(s, "/healthz")
	ready, _ := ask(s, "/readyz")
	_, body := ask(s, "/status")
	var status supervise.Status
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if status.Ready != (ready == http.StatusOK) || status.GaveUp != (live != http.StatusOK) {
		t.Errorf("/healthz %d, /readyz %d, and /status %s", live, ready, body)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d", live, ready)
	for _, w := range status.Workers {
		fmt.Fprintf(&b, ", %s %s", w.Name, w.State)
	}
	return b.String()
}

func TestHealth(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		s := three(
			slow(2*time.Second, 500*time.Millisecond),
			runs(ends(4*time.Second, errBoom), slow(time.Second, 500*time.Millisecond)),
			ends(10*time.Second, nil))
		s.Workers[1].Backoff = constant(2 * time.Second)
		s.Workers[2].Restart = supervise.Transient
		wants := []struct {
			at   time.Duration
			want string
		}{
			{1000 * time.Millisecond, "200 503, a starting, b pending, c pending"},
			{3000 * time.Millisecond, "200 200, a ready, b ready, c ready"},
			{7000 * time.Millisecond, "200 503, a ready, b waiting, c ready"},
			{8500 * time.Millisecond, "200 503, a ready, b starting, c ready"},
			{9500 * time.Millisecond, "200 200, a ready, b ready, c ready"},
			{12500 * time.Millisecond, "200 200, a ready, b ready, c ended"}, // as it may
			{20250 * time.Millisecond, "200 503, a ready, b stopping, c ended"},
			{20750 * time.Millisecond, "200 503, a stopping, b ended, c ended"},
			{21250 * time.Millisecond, "200 503, a ended, b ended, c ended"},
		}
		if got := look(t, s); got != "200 503" {
			t.Errorf("before Run it says %q, want that it is not ready", got)
		}
		scope := cancel.New(ctx)
		defer scope.Close()
		defer time.AfterFunc(20*time.Second, scope.Stop).Stop()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { return s.Run(scope, func() {}) })
			start := time.Now()
			for _, w := range wants {
				if err := cancel.SleepUntil(ctx, start.Add(w.at)); err != nil {
					return err
				}
				if got := look(t, s); got != w.want {
					t.Errorf("after %v it says %q, want %q", w.at, got, w.want)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestHealthGaveUp(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		s := three(slow(0, time.Second/2), ends(time.Second, errBoom), slow(0, time.Second/2))
		s.Restarts = 0
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return s.Run(ctx, func() {}) })
			if err := cancel.Sleep(ctx, 1250*time.Millisecond); err != nil {
				return err
			}
			if got, want := look(t, s), "503 503, a ready, b ended, c stopping"; got != want {
				t.Errorf("when it gives up it says %q, want %q", got, want)
			}
			return nil
		}, nursery.KeepGoing())
		testutil.WantError(t, err, errmatch.Group(failed(gaveUp("b", errmatch.Task("b", errmatch.Is(errBoom))))))
		if got, want := look(t, s), "503 503, a ended, b ended, c ended"; got != want {
			t.Errorf("after Run it says %q, want %q", got, want)
		}
	})
}

func TestStatusJSON(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		s := three(good, runs(ends(time.Second, errBoom), oops, good), good)
		scope := cancel.New(ctx)
		defer scope.Close()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { return s.Run(scope, func() {}) })
			defer scope.Stop()
			if err := cancel.Sleep(ctx, 1750*time.Millisecond); err != nil { // failed at 1s and 1.5s
				return err
			}
			want := `{"ready":false,"gaveUp":false,"workers":[` +
				`{"name":"a","state":"ready","since":"2000-01-01T00:00:00Z","runs":1},` +
				`{"name":"b","state":"waiting","since":"2000-01-01T00:00:01.5Z","runs":2,"error":"panicked: oops"},` +
				`{"name":"c","state":"ready","since":"2000-01-01T00:00:00Z","runs":1}]}` + "\n"
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/status", nil))
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("/status is of the type %q, want JSON", got)
			}
			if code, got := ask(s, "/status"); code != http.StatusOK || got != want {
				t.Errorf("/status answers %d\n%s, want\n%s", code, got, want)
			}
			for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "not ready\n"} {
				if _, got := ask(s, path); got != want {
					t.Errorf("%s answers %q, want %q", path, got, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
