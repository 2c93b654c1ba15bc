package libraries_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/grove-go/grove/nursery"
)

// A span that is started in a body is the parent of the spans of tasks that are started
// with its values.
func TestSpans(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
	tracer := provider.Tracer("test")
	work := func(name string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, span := tracer.Start(ctx, name)
			defer span.End()
			return nil
		}
	}
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		ctx, span := tracer.Start(ctx, "request")
		defer span.End()
		n.Go(work("task"), nursery.Values(ctx))
		n.Go(work("alone"))
		_, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error {
			started(0)
			return work("started")(ctx)
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	parents := map[string]string{} // by the name of a span, the name of its parent
	names := map[string]string{}   // by the ID of a span
	for _, s := range recorder.Ended() {
		names[s.SpanContext().SpanID().String()] = s.Name()
	}
	for _, s := range recorder.Ended() {
		parents[s.Name()] = names[s.Parent().SpanID().String()]
	}
	for name, want := range map[string]string{"task": "request", "started": "request", "alone": "", "request": ""} {
		if got, ok := parents[name]; !ok || got != want {
			t.Errorf("the parent of span %s is %q, want %q", name, got, want)
		}
	}
}
