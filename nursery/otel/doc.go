// Package otel reports nurseries to OpenTelemetry: the figures of package debug as metrics,
// and a nursery as a span.
//
//	registration, err := otel.Register(meters.Meter("example"))
//	if err != nil {
//		return err
//	}
//	err = otel.Run(ctx, tracers.Tracer("example"), "backup", func(ctx context.Context, n *nursery.Nursery) error {
//		n.Go(files)
//		n.Go(database)
//		return nil
//	})
//	return errors.Join(err, registration.Unregister())
//
// Package go.opentelemetry.io/otel has the same name, so a file that imports both renames
// one. This package depends on the API of OpenTelemetry and not on the SDK. It is a module
// of its own, so that the library does not depend on either.
//
// # Metrics
//
// [Register] adds these instruments to a meter:
//
//	grove.nurseries              gauge    {nursery}  Nurseries that are open.
//	grove.tasks                  gauge    {task}     Tasks that are running.
//	grove.queued                 gauge    {task}     Tasks that wait for their turn under a limit.
//	grove.stragglers             gauge    {task}     Tasks that are running in canceled nurseries.
//	grove.nursery.closed         counter  {nursery}  Nurseries that have closed.
//	grove.nursery.failed         counter  {nursery}  Closed nurseries with a failure.
//	grove.nursery.panicked       counter  {nursery}  Closed nurseries with a panic.
//	grove.nursery.canceled       counter  {nursery}  Closed nurseries that were canceled.
//	grove.task.finished          counter  {task}     Tasks of closed nurseries.
//	grove.cancel_latency.bucket  counter  {nursery}  Canceled nurseries that took less than le seconds to close.
//	grove.cancel_latency.count   counter  {nursery}  Canceled nurseries that have closed.
//	grove.cancel_latency.sum     counter  s          How long canceled nurseries took to close, in all.
//
// The cancel latency is how long a nursery took to close after it was canceled. Its
// counters have the name of the nursery as the attribute grove.nursery. Nurseries without a
// name share the series without that attribute.
//
// OpenTelemetry has no histogram that is read by a callback, so the histogram is a set of
// counters, as Prometheus stores it: the series with the attribute le counts latencies of
// less than that many seconds, and le="+Inf" counts all. In Prometheus they have the name
// grove_cancel_latency_bucket_total, and with that name in place of x,
// histogram_quantile(0.99, sum by (le) (rate(x[5m]))) is the latency that 1 % of the
// cancellations exceed.
//
// A view of the SDK that drops the attribute grove.nursery adds up the nurseries.
//
// Single tasks have no instrument, and [Run] makes no span for them. A task that needs a
// span starts one.
//
// # Guarantees
//
// Tests refer to these numbers.
//
// O1 A collection reads all figures at once, from [debug.Metrics]. Tasks cost nothing, and
// nurseries what [debug.Enable] says.
//
// O2 The counters of the cancel latency distinguish 50 names of nurseries, the ones that
// Register sees first. All others share the name "(other)". Counters never decrease, and
// their series stay below the default limit of the SDK.
//
// O3 The registry of package debug is on from [Register] until Unregister. If Register
// returns an error, it leaves nothing behind.
//
// O4 The span of [Run] is the parent of all spans that its body and tasks start. It ends
// after all tasks have returned, when Run returns, panics or calls runtime.Goexit.
//
// O5 A failure is an event of the span, and makes its status an error. A cancellation is an
// event with its reason and its time, and is not an error.
//
// O6 A nursery behaves in [Run] as in nursery.Run: the same results, and panics with the
// same value.
//
// [debug.Metrics]: https://pkg.go.dev/github.com/grove-go/grove/nursery/debug#Metrics
// [debug.Enable]: https://pkg.go.dev/github.com/grove-go/grove/nursery/debug#Enable
package otel
