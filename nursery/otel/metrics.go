package otel

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"

	"github.com/grove-go/grove/nursery/debug"
)

// nurseryKey is the attribute with the name of a nursery.
const nurseryKey = attribute.Key("grove.nursery")

// leKey is the attribute with the upper bound of a bucket, in seconds. Prometheus
// looks for it by this name.
const leKey = attribute.Key("le")

// maxNames is how many names of nurseries the cancel latency distinguishes. With 20 buckets
// each, they stay below the 2,000 series that the SDK allows an instrument by default. The
// SDK would mix the series beyond that limit, of all buckets.
const maxNames = 50

// other is the name of the nurseries beyond maxNames. Package debug uses the same.
const other = "(other)"

// A figure is an instrument without attributes.
type figure struct {
	name, unit, description string
	value                   func(c debug.Counters) int64
}

var gauges = []figure{
	{"grove.nurseries", "{nursery}", "Nurseries that are open.", func(c debug.Counters) int64 { return int64(c.Nurseries) }},
	{"grove.tasks", "{task}", "Tasks that are running.", func(c debug.Counters) int64 { return int64(c.Tasks) }},
	{"grove.queued", "{task}", "Tasks that wait for their turn under a limit.", func(c debug.Counters) int64 { return int64(c.Queued) }},
	{"grove.stragglers", "{task}", "Tasks that are running in canceled nurseries.", func(c debug.Counters) int64 { return int64(c.Stragglers) }},
}

var counters = []figure{
	{"grove.nursery.closed", "{nursery}", "Nurseries that have closed.", func(c debug.Counters) int64 { return int64(c.Closed) }},
	{"grove.nursery.failed", "{nursery}", "Closed nurseries with a failure.", func(c debug.Counters) int64 { return int64(c.Failed) }},
	{"grove.nursery.panicked", "{nursery}", "Closed nurseries with a panic.", func(c debug.Counters) int64 { return int64(c.Panicked) }},
	{"grove.nursery.canceled", "{nursery}", "Closed nurseries that were canceled.", func(c debug.Counters) int64 { return int64(c.Canceled) }},
	{"grove.task.finished", "{task}", "Tasks of closed nurseries.", func(c debug.Counters) int64 { return int64(c.Finished) }},
}

// Register adds the metrics of all nurseries to a meter; the package comment lists them.
// They are figures of the whole program, so Register should be called once for each meter
// provider. It switches the registry of nurseries on, as debug.Enable does. Nurseries that
// are open already do not count.
//
// Unregister removes the metrics, and switches the registry off unless something else needs
// it.
//
// Register returns the errors of the meter. It panics if meter is nil.
func Register(meter metric.Meter) (metric.Registration, error) {
	if meter == nil {
		panic("otel: Register: nil meter")
	}
	return register(meter, debug.Metrics)
}

// register is Register for figures from a function.
func register(meter metric.Meter, read func() debug.Counters) (metric.Registration, error) {
	r := &registration{read: read, names: make(map[string]bool), disable: debug.Enable()}
	if err := r.register(meter); err != nil {
		r.disable()
		return nil, fmt.Errorf("otel: Register: %w", err)
	}
	return r, nil
}

// A registration is what Register returns.
type registration struct {
	embedded.Registration

	read             func() debug.Counters
	gauges, counters []metric.Int64Observable // in the order of the figures
	bucket, count    metric.Int64Observable
	sum              metric.Float64Observable
	callback         metric.Registration
	disable          func()

	mu    sync.Mutex      // guards names; readers may collect at the same time
	names map[string]bool // that have a histogram of their own
}

// register makes the instruments and registers the callback.
func (r *registration) register(meter metric.Meter) error {
	var all []metric.Observable
	for _, f := range gauges {
		g, err := meter.Int64ObservableGauge(f.name, metric.WithUnit(f.unit), metric.WithDescription(f.description))
		if err != nil {
			return err
		}
		r.gauges, all = append(r.gauges, g), append(all, g)
	}
	for _, f := range counters {
		c, err := meter.Int64ObservableCounter(f.name, metric.WithUnit(f.unit), metric.WithDescription(f.description))
		if err != nil {
			return err
		}
		r.counters, all = append(r.counters, c), append(all, c)
	}
	bucket, err := meter.Int64ObservableCounter("grove.cancel_latency.bucket", metric.WithUnit("{nursery}"),
		metric.WithDescription("Canceled nurseries that took less than le seconds to close."))
	if err != nil {
		return err
	}
	count, err := meter.Int64ObservableCounter("grove.cancel_latency.count", metric.WithUnit("{nursery}"),
		metric.WithDescription("Canceled nurseries that have closed."))
	if err != nil {
		return err
	}
	sum, err := meter.Float64ObservableCounter("grove.cancel_latency.sum", metric.WithUnit("s"),
		metric.WithDescription("How long canceled nurseries took to close, in all."))
	if err != nil {
		return err
	}
	r.bucket, r.count, r.sum = bucket, count, sum
	r.callback, err = meter.RegisterCallback(r.observe, append(all, bucket, count, sum)...)
	return err
}

// Unregister implements [metric.Registration].
func (r *registration) Unregister() error {
	defer r.disable()
	return r.callback.Unregister()
}

// observe is the callback.
func (r *registration) observe(_ context.Context, o metric.Observer) error {
	c := r.read()
	for i, f := range gauges {
		o.ObserveInt64(r.gauges[i], f.value(c))
	}
	for i, f := range counters {
		o.ObserveInt64(r.counters[i], f.value(c))
	}
	for name, l := range r.fold(c.CancelLatency) {
		var attrs []attribute.KeyValue
		if name != "" {
			attrs = append(attrs, nurseryKey.String(name))
		}
		o.ObserveInt64(r.count, int64(l.Count), metric.WithAttributes(attrs...))
		o.ObserveFloat64(r.sum, l.Sum.Seconds(), metric.WithAttributes(attrs...))
		upTo := uint64(0)
		for _, b := range l.Buckets {
			upTo += b.Count
			o.ObserveInt64(r.bucket, int64(upTo), metric.WithAttributes(attrs...), metric.WithAttributes(leKey.String(le(b))))
		}
	}
	return nil
}

// le returns the upper bound of a bucket in seconds, as Prometheus writes it.
func le(b debug.Bucket) string {
	if b.Below == 0 {
		return "+Inf"
	}
	return strconv.FormatFloat(b.Below.Seconds(), 'f', -1, 64)
}

// fold returns the histograms with at most maxNames names and other. A name that has a
// histogram of its own keeps it, and no other gets one once there are maxNames, so no counter
// decreases.
func (r *registration) fold(byName map[string]debug.Latency) map[string]debug.Latency {
	r.mu.Lock()
	defer r.mu.Unlock()
	folded := make(map[string]debug.Latency)
	for name, l := range byName {
		if name != other && !r.names[name] && len(r.names) < maxNames {
			r.names[name] = true
		}
		if r.names[name] {
			folded[name] = l
		} else {
			folded[other] = add(folded[other], l)
		}
	}
	return folded
}

// add returns the histogram of the durations in both. The zero Latency is empty.
func add(a, b debug.Latency) debug.Latency {
	sum := debug.Latency{Count: a.Count + b.Count, Sum: a.Sum + b.Sum, Buckets: slices.Clone(b.Buckets)}
	for i, x := range a.Buckets {
		sum.Buckets[i].Count += x.Count
	}
	return sum
}
