package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
)

func noTracer(t *testing.T) trace.Tracer {
	t.Helper()
	tracer, _, err := tracing(nil)
	if err != nil {
		t.Fatal(err)
	}
	return tracer
}

// The spans of the tasks of a request are below the span of the request, and so is the
// span of the task that goes on after the answer.
func TestSpans(t *testing.T) {
	for _, c := range []struct {
		path, body string
		request    string
		tasks      []string
		failed     string // a task; the tasks that it has canceled may fail too
	}{
		{"/books/1", "", "GET /books/{id}", []string{"database", "prices", "reviews"}, ""},
		{"/books/5", "", "GET /books/{id}", []string{"database", "prices", "reviews"}, "prices"},
		{"/books/1/orders", `{"quantity":1}`, "POST /books/{id}/orders", []string{"confirmation", "database"}, ""},
		{"/nothing", "", "HTTP", nil, ""},
	} {
		t.Run(c.request+c.path, func(t *testing.T) {
			inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
				ask := func() (answer, error) { return w.get(ctx, c.path) }
				if c.body != "" {
					ask = func() (answer, error) { return w.post(ctx, c.path, c.body) }
				}
				if _, err := ask(); err != nil {
					t.Fatal(err)
				}
				if err := cancel.Sleep(ctx, 2*latency); err != nil { // the confirmation, too
					t.Fatal(err)
				}
				var request trace.SpanContext
				for _, s := range w.spans.Ended() {
					if !s.Parent().IsValid() {
						if request.IsValid() || s.Name() != c.request {
							t.Errorf("a span without a parent is %q, want %q alone", s.Name(), c.request)
						}
						request = s.SpanContext()
					}
				}
				var tasks, failed []string
				for _, s := range w.spans.Ended() {
					if !s.Parent().IsValid() {
						continue
					}
					if s.Parent().SpanID() != request.SpanID() || s.SpanContext().TraceID() != request.TraceID() {
						t.Errorf("the span %q is not below the request", s.Name())
					}
					tasks = append(tasks, s.Name())
					if s.Status().Description != "" {
						failed = append(failed, s.Name())
					}
				}
				slices.Sort(tasks)
				if !slices.Equal(tasks, c.tasks) || (c.failed == "") != (failed == nil) || failed != nil && !slices.Contains(failed, c.failed) {
					t.Errorf("the spans below the request are %q, with errors %q; want %q and %q", tasks, failed, c.tasks, c.failed)
				}
			})
		})
	}
	t.Run("of two requests at the same time", func(t *testing.T) {
		inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
			hangUp(t, ctx, latency/2, func(ctx context.Context) error { _, err := w.get(ctx, "/books/1"); return err })
			if a, err := w.get(ctx, "/books/2"); err != nil || a.status != 200 {
				t.Fatal(a, err)
			}
			testutil.WaitAllBlocked()
			names := map[trace.TraceID][]string{}
			for _, s := range w.spans.Ended() {
				id := s.SpanContext().TraceID()
				names[id] = append(names[id], s.Name())
			}
			for id, all := range names {
				slices.Sort(all)
				if !slices.Equal(all, []string{"GET /books/{id}", "database", "prices", "reviews"}) {
					t.Errorf("trace %v has the spans %q", id, all)
				}
			}
			if len(names) != 2 {
				t.Errorf("there are the traces %v, want two", slices.Collect(maps.Keys(names)))
			}
		})
	})
}

// With -trace spans are written when they end.
func TestTracing(t *testing.T) {
	var out strings.Builder
	tracer, end, err := tracing(&out)
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracer.Start(t.Context(), "request")
	if out.Len() > 0 {
		t.Errorf("before the end of the span %q is written", &out)
	}
	span.End()
	if !strings.Contains(out.String(), `"Name":"request"`) {
		t.Errorf("%q is written, want the span", &out)
	}
	if err := end(t.Context()); err != nil {
		t.Error(err)
	}
}
