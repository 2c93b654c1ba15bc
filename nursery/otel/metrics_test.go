package otel_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/nursery/otel"
	"github.com/grove-go/grove/testutil"
)

// register registers the metrics until the test ends, and returns a function that collects
// them.
func register(t *testing.T, opts ...sdk.Option) (collect func() figures) {
	t.Helper()
	return registerSource(t, debug.Metrics, opts...)
}

// registerSource is register for figures from a function.
func registerSource(t *testing.T, read func() debug.Counters, opts ...sdk.Option) (collect func() figures) {
	t.Helper()
	reader := sdk.NewManualReader()
	provider := sdk.NewMeterProvider(append(opts, sdk.WithReader(reader))...)
	registration, err := otel.RegisterSource(provider.Meter("test"), read)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(registration.Unregister(), provider.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return func() figures {
		t.Helper()
		return collected(t, reader)
	}
}

// figures are the collected values: by instrument, and then by the attributes, which are
// encoded as in "grove.nursery=name,le=0.001".
type figures map[string]map[string]float64

// collected collects from a reader.
func collected(t *testing.T, reader sdk.Reader) figures {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	f := make(figures)
	for _, s := range all.ScopeMetrics {
		for _, m := range s.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Gauge[int64]:
				f[m.Name] = values(d.DataPoints)
			case metricdata.Sum[int64]:
				if !d.IsMonotonic {
					t.Errorf("%s is not a counter", m.Name)
				}
				f[m.Name] = values(d.DataPoints)
			case metricdata.Sum[float64]:
				f[m.Name] = values(d.DataPoints)
			default:
				t.Errorf("%s has data of type %T", m.Name, d)
			}
		}
	}
	return f
}

func values[N int64 | float64](points []metricdata.DataPoint[N]) map[string]float64 {
	v := make(map[string]float64)
	for _, p := range points {
		v[p.Attributes.Encoded(attribute.DefaultEncoder())] = float64(p.Value)
	}
	return v
}

// since returns what counters have grown by since f was collected.
func (f figures) since(before figures, name, attrs string) float64 {
	return f[name][attrs] - before[name][attrs]
}

// canceled opens a nursery that takes a time to close after its cancellation. It is to be
// called in a bubble.
func canceled(t *testing.T, ctx context.Context, latency time.Duration, opts ...nursery.Option) {
	t.Helper()
	err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		n.Cancel(errors.New("enough"))
		time.Sleep(latency)
		return nil
	}, opts...)
	if err != nil {
		t.Error(err)
	}
}

func TestRegister(t *testing.T) {
	t.Run("O1/gauges tell what runs now", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			collect := register(t)
			want := func(moment string, nurseries, tasks, queued, stragglers float64) {
				t.Helper()
				f := collect()
				for name, v := range map[string]float64{"grove.nurseries": nurseries, "grove.tasks": tasks, "grove.queued": queued, "grove.stragglers": stragglers} {
					if got, ok := f[name][""]; !ok || got != v {
						t.Errorf("%s: %s = %v, want %v", moment, name, f[name], v)
					}
				}
			}
			want("before", 0, 0, 0, 0)
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for range 3 {
					n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Hour) })
				}
				n.Go(func(context.Context) error { time.Sleep(time.Minute); return nil }, nursery.Daemon())
				testutil.WaitAllBlocked()
				want("open", 1, 2, 2, 0)
				n.Cancel(nil)
				testutil.WaitAllBlocked()
				want("canceled", 1, 1, 0, 1)
				return nil
			}, nursery.Limit(1))
			if err != nil {
				t.Error(err)
			}
			want("after", 0, 0, 0, 0)
		})
	})
	t.Run("O1/counters tell what has happened", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			collect := register(t)
			before := collect()
			fail := func(context.Context) error { return errors.New("disk full") }
			crash := func(context.Context) error { panic("oops") }
			pass := func(context.Context) error { return nil }
			for _, tasks := range [][]func(context.Context) error{{pass, pass}, {fail}, {pass, crash}} {
				func() {
					defer func() { _ = recover() }() // of crash
					_ = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
						for _, task := range tasks {
							n.Go(task)
						}
						return nil
					})
				}()
			}
			after := collect()
			for name, want := range map[string]float64{
				"grove.nursery.closed": 3, "grove.nursery.failed": 2, "grove.nursery.panicked": 1, "grove.nursery.canceled": 2,
				"grove.task.finished": 5, "grove.cancel_latency.count": 2,
			} {
				if got := after.since(before, name, ""); got != want {
					t.Errorf("%s has grown by %v, want %v", name, got, want)
				}
			}
		})
	})
	t.Run("O1/the cancel latency is a cumulative histogram", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			collect := register(t)
			before := collect()
			for _, ms := range []time.Duration{0, 3, 4, 1500, 1_000_000} { // 4 ms is not below 0.004
				canceled(t, ctx, ms*time.Millisecond, nursery.Name("slow"))
			}
			after := collect()
			want := map[string]float64{
				"0.001": 1, "0.002": 1, "0.004": 2, "0.008": 3, "0.016": 3, "0.032": 3, "0.064": 3, "0.128": 3, "0.256": 3, "0.512": 3,
				"1.024": 3, "2.048": 4, "4.096": 4, "8.192": 4, "16.384": 4, "32.768": 4, "65.536": 4, "131.072": 4, "262.144": 4, "+Inf": 5,
			}
			buckets := 0
			for attrs := range after["grove.cancel_latency.bucket"] {
				le, ok := strings.CutPrefix(attrs, "grove.nursery=slow,le=")
				if !ok {
					continue
				}
				buckets++
				if got := after.since(before, "grove.cancel_latency.bucket", attrs); got != want[le] {
					t.Errorf("bucket le=%s has grown by %v, want %v", le, got, want[le])
				}
			}
			if buckets != len(want) {
				t.Errorf("%d buckets, want %d", buckets, len(want))
			}
			if n := after.since(before, "grove.cancel_latency.count", "grove.nursery=slow"); n != 5 {
				t.Errorf("count has grown by %v, want 5", n)
			}
			if s := after.since(before, "grove.cancel_latency.sum", "grove.nursery=slow"); math.Abs(s-1001.507) > 1e-9 {
				t.Errorf("sum has grown by %v, want 1001.507", s)
			}
		})
	})
	t.Run("O1/units follow the semantic conventions", func(t *testing.T) {
		reader := sdk.NewManualReader()
		registration, err := otel.Register(sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("test"))
		if err != nil {
			t.Fatal(err)
		}
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) { canceled(t, ctx, 0) })
		var all metricdata.ResourceMetrics
		if err := errors.Join(reader.Collect(t.Context(), &all), registration.Unregister()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range all.ScopeMetrics[0].Metrics {
			got = append(got, m.Name+" "+m.Unit)
			if m.Description == "" {
				t.Errorf("%s has no description", m.Name)
			}
		}
		slices.Sort(got)
		want := []string{
			"grove.cancel_latency.bucket {nursery}", "grove.cancel_latency.count {nursery}", "grove.cancel_latency.sum s",
			"grove.nurseries {nursery}", "grove.nursery.canceled {nursery}", "grove.nursery.closed {nursery}", "grove.nursery.failed {nursery}",
			"grove.nursery.panicked {nursery}", "grove.queued {task}", "grove.stragglers {task}", "grove.task.finished {task}", "grove.tasks {task}",
		}
		if !slices.Equal(got, want) {
			t.Errorf("instruments:\n%q, want\n%q", got, want)
		}
	})
	t.Run("it panics without a meter", func(t *testing.T) {
		wantPanic(t, "otel: Register: nil meter", func() { _, _ = otel.Register(nil) })
	})
}

func TestNames(t *testing.T) {
	t.Run("O2/names beyond a number share one", func(t *testing.T) {
		figures := debug.Counters{CancelLatency: map[string]debug.Latency{}}
		cancel := func(from, to int) { // nurseries with these names, each for as long
			for i := range to - from {
				name := fmt.Sprint("name ", from+i)
				l := figures.CancelLatency[name]
				l.Buckets = slices.Clone(l.Buckets) // as debug.Metrics returns new ones
				if l.Buckets == nil {
					for i := range 19 {
						l.Buckets = append(l.Buckets, debug.Bucket{Below: time.Millisecond << i})
					}
					l.Buckets = append(l.Buckets, debug.Bucket{})
				}
				l.Count++
				l.Sum += time.Second
				l.Buckets[10].Count++
				figures.CancelLatency[name] = l
				figures.Canceled++
			}
			figures.CancelLatency["(other)"] = debug.Latency{Count: 7, Sum: time.Minute, Buckets: figures.CancelLatency["name 0"].Buckets}
		}
		collect := registerSource(t, func() debug.Counters { return figures })
		cancel(0, 30)
		first := collect()
		if n := len(first["grove.cancel_latency.count"]); n != 31 {
			t.Errorf("%d names, want 30 and the others: %v", n, first)
		}
		for _, to := range []int{50, 51, 1000} {
			cancel(to-30, to)
			second := collect()
			for _, name := range []string{"bucket", "count", "sum"} {
				name = "grove.cancel_latency." + name
				for attrs, before := range first[name] {
					if second[name][attrs] < before {
						t.Errorf("%s{%s} has decreased from %v to %v", name, attrs, before, second[name][attrs])
					}
				}
				if _, ok := second[name]["otel.metric.overflow=true"]; ok {
					t.Errorf("%s has more series than the SDK allows", name)
				}
			}
			count := 0.0
			for _, n := range second["grove.cancel_latency.count"] {
				count += n
			}
			if n := len(second["grove.cancel_latency.count"]); n != 51 || count != float64(figures.Canceled)+7 {
				t.Errorf("%d names with %v cancellations, want 51 with %d", n, count, figures.Canceled+7)
			}
			if n := len(second["grove.cancel_latency.bucket"]); n != 51*20 {
				t.Errorf("%d buckets, want %d", n, 51*20)
			}
			first = second
		}
		if n := first["grove.cancel_latency.count"]["grove.nursery=(other)"]; n < 31+7 {
			t.Errorf("%v cancellations of others, want those beyond 50 names", n)
		}
		others := 0.0
		for name, l := range figures.CancelLatency {
			if _, ok := first["grove.cancel_latency.count"]["grove.nursery="+name]; !ok || name == "(other)" {
				others += float64(l.Buckets[10].Count)
			}
		}
		if n := first["grove.cancel_latency.bucket"]["grove.nursery=(other),le=+Inf"]; n != others {
			t.Errorf("%v cancellations in the buckets of the others, want %v", n, others)
		}
	})
	t.Run("O2/nurseries without a name have no attribute", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			collect := register(t)
			canceled(t, ctx, 0)
			before := collect()
			canceled(t, ctx, 0)
			after := collect()
			if got := after.since(before, "grove.cancel_latency.count", ""); got != 1 {
				t.Errorf("%v cancellations more, want 1: %v", got, after["grove.cancel_latency.count"])
			}
		})
	})
	t.Run("O2/a view without the attribute adds up", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			collect := register(t, sdk.WithView(sdk.NewView(
				sdk.Instrument{Name: "grove.cancel_latency.*"},
				sdk.Stream{AttributeFilter: attribute.NewDenyKeysFilter("grove.nursery")},
			)))
			canceled(t, ctx, 0, nursery.Name("a"))
			before := collect()
			canceled(t, ctx, time.Millisecond, nursery.Name("a"))
			canceled(t, ctx, time.Millisecond, nursery.Name("b"))
			after := collect()
			for le, want := range map[string]float64{"0.001": 0, "0.002": 2, "+Inf": 2} {
				if got := after.since(before, "grove.cancel_latency.bucket", "le="+le); got != want {
					t.Errorf("bucket le=%s has grown by %v, want %v", le, got, want)
				}
			}
			if len(after["grove.cancel_latency.bucket"]) != 20 {
				t.Errorf("%d series, want 20", len(after["grove.cancel_latency.bucket"]))
			}
		})
	})
}

// isOn reports whether the registry is on. Call it outside of testutil's bubbles,
// which switch it on.
func isOn(t *testing.T) (on bool) {
	t.Helper()
	err := nursery.Run(t.Context(), func(context.Context, *nursery.Nursery) error {
		on = debug.Metrics().Nurseries > 0
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return on
}

// A faulty meter fails at the call with that number, from 0 on.
type faulty struct {
	noop.Meter
	calls, at int
}

var errFaulty = errors.New("faulty")

func (m *faulty) err() error {
	m.calls++
	if m.calls-1 == m.at {
		return errFaulty
	}
	return nil
}

func (m *faulty) Int64ObservableGauge(string, ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	return noop.Int64ObservableGauge{}, m.err()
}

func (m *faulty) Int64ObservableCounter(string, ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	return noop.Int64ObservableCounter{}, m.err()
}

func (m *faulty) Float64ObservableCounter(string, ...metric.Float64ObservableCounterOption) (metric.Float64ObservableCounter, error) {
	return noop.Float64ObservableCounter{}, m.err()
}

func (m *faulty) RegisterCallback(metric.Callback, ...metric.Observable) (metric.Registration, error) {
	return noop.Registration{}, m.err()
}

func TestUnregister(t *testing.T) {
	t.Run("O3/the registry is on until then", func(t *testing.T) {
		reader := sdk.NewManualReader()
		meter := sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("test")
		if isOn(t) {
			t.Fatal("the registry is on before Register")
		}
		first, err := otel.Register(meter)
		if err != nil {
			t.Fatal(err)
		}
		second, err := otel.Register(noop.Meter{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := first.Unregister(); err != nil {
				t.Error(err)
			}
			if !isOn(t) {
				t.Error("the registry is off before all have unregistered")
			}
		}
		if f := collected(t, reader); len(f) != 0 {
			t.Errorf("collected %v after Unregister", f)
		}
		if err := second.Unregister(); err != nil {
			t.Error(err)
		}
		if isOn(t) {
			t.Error("the registry is on after Unregister")
		}
	})
	t.Run("O3/errors of the meter leave nothing behind", func(t *testing.T) {
		at := 0
		for ; ; at++ {
			registration, err := otel.Register(&faulty{at: at})
			if err == nil {
				if err := registration.Unregister(); err != nil {
					t.Error(err)
				}
				break
			}
			if !errors.Is(err, errFaulty) || err.Error() != "otel: Register: faulty" || registration != nil {
				t.Errorf("Register() = %v, %v", registration, err)
			}
			if isOn(t) {
				t.Fatal("the registry is on")
			}
		}
		if at != 13 {
			t.Errorf("%d calls can fail, want 13", at)
		}
	})
}

// Readers collect while nurseries open and close.
func TestStressRegister(t *testing.T) {
	readers := []*sdk.ManualReader{sdk.NewManualReader(), sdk.NewManualReader()}
	registration, err := otel.Register(sdk.NewMeterProvider(sdk.WithReader(readers[0]), sdk.WithReader(readers[1])).Meter("test"))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for _, r := range readers {
		group.Go(func() {
			for range 100 {
				collected(t, r)
			}
		})
	}
	for i := range 2 {
		group.Go(func() {
			for j := range 100 {
				err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(cancel.Forever)
					n.Cancel(nil)
					return nil
				}, nursery.Name(fmt.Sprint("stress ", (i+j)%10)))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := registration.Unregister(); err != nil {
		t.Error(err)
	}
}

// wantPanic fails the test unless fn panics with that value.
func wantPanic(t *testing.T, want any, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if v := recover(); v != want {
			t.Errorf("recovered %v, want %v", v, want)
		}
	}()
	fn()
	t.Error("did not panic")
}
