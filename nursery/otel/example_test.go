package otel_test

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/otel"
)

func Example() {
	spans := tracetest.NewSpanRecorder()
	tracers := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
	files := func(context.Context) error { return errors.New("disk full") }
	database := func(context.Context) error { return nil }

	backup := func(ctx context.Context) error {
		registration, err := otel.Register(meters.Meter("example"))
		if err != nil {
			return err
		}
		err = otel.Run(ctx, tracers.Tracer("example"), "backup", func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(files)
			n.Go(database)
			return nil
		})
		return errors.Join(err, registration.Unregister())
	}

	fmt.Println(backup(context.Background()))
	for _, s := range spans.Ended() {
		fmt.Printf("span %s: %s\n", s.Name(), s.Status().Description)
	}
	// Output:
	// disk full
	// span backup: disk full
}

func Example_instruments() {
	reader := metric.NewManualReader()
	registration, err := otel.Register(metric.NewMeterProvider(metric.WithReader(reader)).Meter("example"))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
		n.Cancel(nil) // for a cancel latency
		return nil
	})
	var all metricdata.ResourceMetrics
	if err := errors.Join(err, reader.Collect(context.Background(), &all), registration.Unregister()); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range all.ScopeMetrics[0].Metrics {
		kind := "counter"
		if _, ok := m.Data.(metricdata.Gauge[int64]); ok {
			kind = "gauge"
		}
		fmt.Printf("%-27s  %-7s  %-9s  %s\n", m.Name, kind, m.Unit, m.Description)
	}
	// Output:
	// grove.nurseries              gauge    {nursery}  Nurseries that are open.
	// grove.tasks                  gauge    {task}     Tasks that are running.
	// grove.queued                 gauge    {task}     Tasks that wait for their turn under a limit.
	// grove.stragglers             gauge    {task}     Tasks that are running in canceled nurseries.
	// grove.nursery.closed         counter  {nursery}  Nurseries that have closed.
	// grove.nursery.failed         counter  {nursery}  Closed nurseries with a failure.
	// grove.nursery.panicked       counter  {nursery}  Closed nurseries with a panic.
	// grove.nursery.canceled       counter  {nursery}  Closed nurseries that were canceled.
	// grove.task.finished          counter  {task}     Tasks of closed nurseries.
	// grove.cancel_latency.bucket  counter  {nursery}  Canceled nurseries that took less than le seconds to close.
	// grove.cancel_latency.count   counter  {nursery}  Canceled nurseries that have closed.
	// grove.cancel_latency.sum     counter  s          How long canceled nurseries took to close, in all.
}

func ExampleRegister() {
	reader := metric.NewManualReader()
	registration, err := otel.Register(metric.NewMeterProvider(metric.WithReader(reader)).Meter("example"))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		n.Go(wait)
		n.Go(wait)
		defer n.Cancel(nil)
		var all metricdata.ResourceMetrics
		if err := reader.Collect(ctx, &all); err != nil {
			return err
		}
		for _, m := range all.ScopeMetrics[0].Metrics {
			if gauge, ok := m.Data.(metricdata.Gauge[int64]); ok {
				fmt.Println(m.Name, gauge.DataPoints[0].Value)
			}
		}
		return nil
	})
	if err := errors.Join(err, registration.Unregister()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// grove.nurseries 1
	// grove.tasks 2
	// grove.queued 0
	// grove.stragglers 0
}

func ExampleRun() {
	spans := tracetest.NewSpanRecorder()
	tracer := trace.NewTracerProvider(trace.WithSpanProcessor(spans)).Tracer("example")
	err := otel.Run(context.Background(), tracer, "backup", func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			_, span := tracer.Start(ctx, "copy files")
			defer span.End()
			return nil
		})
		return nil
	}, nursery.Limit(4))
	if err != nil {
		fmt.Println(err)
	}
	names := make(map[string]string) // by the ID of a span
	for _, s := range spans.Ended() {
		names[s.SpanContext().SpanID().String()] = s.Name()
	}
	for _, s := range spans.Ended() {
		fmt.Printf("%q is below %q\n", s.Name(), names[s.Parent().SpanID().String()])
	}
	// Output:
	// "copy files" is below "backup"
	// "backup" is below ""
}
