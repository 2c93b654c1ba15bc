package cancel_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

// carried returns what Inject sets for ctx.
func carried(ctx context.Context) map[string]string {
	m := make(map[string]string)
	cancel.Inject(ctx, func(key, value string) { m[key] = value })
	return m
}

func TestInject(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts []cancel.Option
		do   func(s *cancel.Scope)
		want map[string]string
	}{
		{name: "nothing", want: map[string]string{}},
		{
			name: "everything",
			opts: []cancel.Option{cancel.Name("fetch"), cancel.Timeout(1500*time.Millisecond + 999*time.Microsecond)},
			do:   (*cancel.Scope).Stop,
			want: map[string]string{"grove-budget": "1500", "grove-path": "req-17/fetch", "grove-stop": "1"},
		},
		{name: "a deadline in the past", opts: []cancel.Option{cancel.Timeout(-time.Hour)}, want: map[string]string{"grove-budget": "0"}},
		{
			name: "characters that a header cannot hold",
			opts: []cancel.Option{cancel.Name(" 50 %\r\nx: é")},
			want: map[string]string{"grove-path": "req-17/%2050%20%25%EF%BF%BD%EF%BF%BDx:%20%C3%A9"},
		},
		{
			name: "a long path",
			opts: []cancel.Option{cancel.Name(strings.Repeat("x", 1016) + "é")},
			want: map[string]string{"grove-path": "req-17/" + strings.Repeat("x", 1016)},
		},
	} {
		bubble(t, "C17/Inject/"+tt.name, func(t *testing.T, _ context.Context) {
			ctx := context.Background()
			if tt.want["grove-path"] != "" {
				s := cancel.New(ctx, cancel.Name("req-17"))
				defer s.Close()
				ctx = s
			}
			s := cancel.New(ctx, tt.opts...)
			defer s.Close()
			if tt.do != nil {
				tt.do(s)
			}
			if got := carried(context.WithValue(s, key(1), 1)); !maps.Equal(got, tt.want) {
				t.Errorf("Inject() = %q, want %q", got, tt.want)
			}
		})
	}
	bubble(t, "C17/Inject/a stop further out, through a shield", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx, cancel.Shielded())
		defer s.Close()
		cancel.FromContext(ctx).Stop()
		if got := carried(cancel.UntilStop(s)); got["grove-stop"] != "1" {
			t.Errorf("Inject() = %q, want a stop", got)
		}
	})
}

func TestExtract(t *testing.T) {
	long := strings.Repeat("x", 1024)
	for _, tt := range []struct {
		name    string
		headers map[string]string
		opts    []cancel.Option
		left    time.Duration // until the deadline; 0: none
		path    string
	}{
		{name: "nothing"},
		{name: "everything", headers: map[string]string{"grove-budget": "1500", "grove-path": "req-17/fetch"}, opts: []cancel.Option{cancel.Name("orders")}, left: 1500 * time.Millisecond, path: "req-17/fetch/orders"},
		{name: "a path alone", headers: map[string]string{"grove-path": "a%2Fb/%C3%A9"}, path: "a/b/é"},
		{name: "a name alone", opts: []cancel.Option{cancel.Name("orders")}, path: "orders"},
		{name: "a budget above the maximum", headers: map[string]string{"grove-budget": "60001"}, opts: []cancel.Option{cancel.Timeout(time.Minute)}, left: time.Minute},
		{name: "a budget below the maximum", headers: map[string]string{"grove-budget": "59999"}, opts: []cancel.Option{cancel.Timeout(time.Minute)}, left: time.Minute - time.Millisecond},
		{name: "no maximum", headers: map[string]string{"grove-budget": "1000"}, opts: []cancel.Option{cancel.Deadline(time.Time{})}, left: time.Second},
		{name: "a budget above all numbers", headers: map[string]string{"grove-budget": "9223372036854775807"}, left: 365 * 24 * time.Hour},
		{name: "a budget below zero", headers: map[string]string{"grove-budget": "-1"}, opts: []cancel.Option{cancel.Timeout(time.Minute)}, left: time.Minute},
		{name: "a budget that is no number", headers: map[string]string{"grove-budget": "1s"}},
		{name: "a path as long as may be", headers: map[string]string{"grove-path": long}, path: long},
		{name: "a path that is too long", headers: map[string]string{"grove-path": long + "x"}},
		{name: "a path that cannot be decoded", headers: map[string]string{"grove-path": "x%"}},
		{name: "a path that is not UTF-8", headers: map[string]string{"grove-path": "x%ff"}},
		{name: "a path with a line feed", headers: map[string]string{"grove-path": "x%0Ay"}},
	} {
		bubble(t, "C17/Extract/"+tt.name, func(t *testing.T, _ context.Context) {
			s := cancel.Extract(context.Background(), func(key string) string { return tt.headers[key] }, tt.opts...)
			defer s.Close()
			deadline, ok := s.Deadline()
			if tt.left == 0 && ok || tt.left != 0 && time.Until(deadline) != tt.left {
				t.Errorf("Deadline() = %v from now, %v, want %v", time.Until(deadline), ok, tt.left)
			}
			if got := cancel.Path(s); got != tt.path {
				t.Errorf("Path() = %q, want %q", got, tt.path)
			}
			wantOpen(t, "the scope", s)
			wantOpen(t, "UntilStop", cancel.UntilStop(s))
		})
	}
	bubble(t, "C17/Extract/no time left", func(t *testing.T, ctx context.Context) {
		s := cancel.Extract(ctx, func(key string) string { return map[string]string{"grove-budget": "0"}[key] })
		defer s.Close()
		wantEnded(t, "the scope", s, context.DeadlineExceeded, context.DeadlineExceeded)
	})
	bubble(t, "C17/Extract/a stop", func(t *testing.T, ctx context.Context) {
		s := cancel.Extract(ctx, func(key string) string { return map[string]string{"grove-stop": "1"}[key] })
		defer s.Close()
		wantOpen(t, "the scope", s)
		wantEnded(t, "UntilStop", cancel.UntilStop(s), context.Canceled, cancel.ErrStopping)
	})
	bubble(t, "C17/Extract/by the headers of net/http", func(t *testing.T, _ context.Context) {
		s := cancel.New(context.Background(), cancel.Name("req-17"), cancel.Timeout(time.Minute))
		defer s.Close()
		h := make(http.Header)
		cancel.Inject(s, h.Set)
		time.Sleep(time.Second)
		other := cancel.Extract(context.Background(), h.Get)
		defer other.Close()
		if d, _ := other.Deadline(); time.Until(d) != time.Minute || cancel.Path(other) != "req-17" {
			t.Errorf("%v left for %q, want 1m for %q", time.Until(d), cancel.Path(other), "req-17")
		}
	})
	get := func(string) string { return "" }
	//lint:ignore SA1012 must panic
	mustPanic(t, "cancel: Inject: nil context", func() { cancel.Inject(nil, func(string, string) {}) })
	mustPanic(t, "cancel: Inject: nil function", func() { cancel.Inject(context.Background(), nil) })
	//lint:ignore SA1012 must panic
	mustPanic(t, "cancel: Extract: nil context", func() { cancel.Extract(nil, get) })
	mustPanic(t, "cancel: Extract: nil function", func() { cancel.Extract(context.Background(), nil) })
	mustPanic(t, "cancel: Extract: nil option", func() { cancel.Extract(context.Background(), get, nil) })
}

// FuzzExtract checks that no header of a peer makes Extract panic or extends the time.
func FuzzExtract(f *testing.F) {
	f.Add("1500", "req-17/fetch", "1")
	f.Add("-1", "%", "")
	f.Fuzz(func(t *testing.T, budget, path, stop string) {
		headers := map[string]string{"grove-budget": budget, "grove-path": path, "grove-stop": stop}
		limit := time.Now().Add(time.Minute)
		s := cancel.Extract(context.Background(), func(key string) string { return headers[key] }, cancel.Deadline(limit))
		defer s.Close()
		if d, ok := s.Deadline(); !ok || d.After(limit) {
			t.Errorf("Deadline() = %v, %v, want at most %v", d, ok, limit)
		}
		if len(s.Name()) > 1024 {
			t.Errorf("the name has %d bytes, want at most 1024", len(s.Name()))
		}
		again := carried(s)
		other := cancel.Extract(context.Background(), func(key string) string { return again[key] })
		defer other.Close()
		if got := cancel.Path(other); got != s.Name() {
			t.Errorf("Path() = %q after a second hop, want %q", got, s.Name())
		}
		if err := s.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Err() = %v", err)
		}
	})
}
