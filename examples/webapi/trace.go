package main

import (
	"context"
	"io"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/grove-go/grove/nursery"
)

// tracing returns a tracer, and a function that ends it. Spans are written to out when they
// end. If out is nil, they are dropped.
func tracing(out io.Writer) (tracer trace.Tracer, end func(ctx context.Context) error, err error) {
	const name = "github.com/grove-go/grove/examples/webapi"
	if out == nil {
		return noop.NewTracerProvider().Tracer(name), func(context.Context) error { return nil }, nil
	}
	exporter, err := stdouttrace.New(stdouttrace.WithWriter(out))
	if err != nil {
		return nil, nil, err
	}
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter))
	return provider.Tracer(name), provider.Shutdown, nil
}

// spanned starts a task with a name, and a span around it. The parent of the span is the
// span in the context of the task. A task of the request's nursery has the span of the
// request there. A task of another nursery has it with [nursery.Values].
func (s *service) spanned(n *nursery.Nursery, name string, task func(ctx context.Context) error, opts ...nursery.TaskOption) {
	n.Go(func(ctx context.Context) error {
		_, err := withSpan(s, name, func(ctx context.Context) (struct{}, error) { return struct{}{}, task(ctx) })(ctx)
		return err
	}, append(opts, nursery.Name(name))...)
}

// withSpan returns a task with a span around it.
func withSpan[T any](s *service, name string, task func(ctx context.Context) (T, error)) func(ctx context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		ctx, span := s.tracer.Start(ctx, name)
		defer span.End()
		v, err := task(ctx)
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		return v, err
	}
}
