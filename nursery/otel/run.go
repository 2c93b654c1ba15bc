package otel

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// maxFailures is how many failures of a nursery are events of its span.
const maxFailures = 10

// Run is nursery.Run with a span. The span has the name of the nursery, and is in the
// context of the body and of the tasks, so the spans that they start are its children, and
// [trace.SpanFromContext] returns it. The span ends when Run does, after all tasks have
// returned.
//
// Each failure is an event "exception" of the span, up to 10, with the attributes grove.task
// and grove.item if a task with a name or a call for an item failed, and with the stack of a
// panic. The attribute grove.failures of the span counts all failures, and its status is an
// error. The status is an error as well if Run panics or calls runtime.Goexit.
//
// If the nursery is canceled, for a failure or by something else, the span has an event
// "canceled" at that time, with the attributes grove.cancel.reason, grove.cancel.source and
// grove.cancel.cause, as cancel.ReasonOf tells them. The status is not an error if the result
// says only that a context outside was canceled.
//
// A panic goes on with the same value, and a Goexit goes on.
//
// The options are the same as for nursery.Run. The name replaces the option Name. Run panics if ctx,
// tracer or body is nil, or if the name is empty.
func Run(ctx context.Context, tracer trace.Tracer, name string, body func(ctx context.Context, n *nursery.Nursery) error, opts ...nursery.Option) (err error) {
	switch {
	case ctx == nil:
		panic("otel: Run: nil context; pass context.Background() if there is no other")
	case tracer == nil:
		panic("otel: Run: nil tracer")
	case name == "":
		panic("otel: Run: empty name")
	case body == nil:
		panic("otel: Run: nil body")
	}
	opts = append(opts[:len(opts):len(opts)], nursery.Name(name))
	ctx, span := tracer.Start(ctx, name, trace.WithAttributes(nurseryKey.String(name)))
	// Not the deferred function itself: End of the SDK recovers panics if it is.
	defer func() { span.End() }()
	if !span.IsRecording() {
		return nursery.Run(ctx, body, opts...)
	}
	r := &recorder{Span: span, outer: ctx}
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		r.crashed(v)
		if v != nil {
			panic(v)
		}
	}()
	err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		r.watch(n.Scope())
		return body(ctx, n)
	}, opts...)
	returned = true
	r.canceled()
	r.failed(err)
	return err
}

// A recorder writes what happens to a nursery to its span.
type recorder struct {
	trace.Span
	outer context.Context // of the nursery
	scope *cancel.Scope   // of the nursery; nil if its body has not begun
	ended atomic.Pointer[time.Time]
}

// watch remembers when the scope ends.
func (r *recorder) watch(scope *cancel.Scope) {
	r.scope = scope
	scope.OnDone(r.end)
}

// end remembers the time at which the scope ended.
func (r *recorder) end() {
	now := time.Now()
	r.ended.CompareAndSwap(nil, &now)
}

// canceled adds an event if the nursery, which has closed, was canceled.
func (r *recorder) canceled() {
	if r.scope == nil {
		return
	}
	reason, _ := cancel.ReasonOf(r.scope)
	if reason.Source == cancel.SourceClosed { // or only its daemons were
		return
	}
	r.end() // if OnDone had to use a goroutine, which may be late
	r.AddEvent("canceled", trace.WithTimestamp(*r.ended.Load()), trace.WithAttributes(
		attribute.String("grove.cancel.reason", reason.String()),
		attribute.String("grove.cancel.source", reason.Source.String()),
		attribute.String("grove.cancel.cause", reason.Cause.Error()),
	))
}

// failed adds the failures in the result of the nursery.
func (r *recorder) failed(err error) {
	failures := r.failures(err)
	if len(failures) == 0 {
		return
	}
	r.SetStatus(codes.Error, err.Error())
	r.add(failures)
}

// add adds an event for each failure.
func (r *recorder) add(failures []error) {
	r.SetAttributes(attribute.Int("grove.failures", len(failures)))
	for _, f := range failures[:min(len(failures), maxFailures)] {
		r.failure(f)
	}
}

// failures returns the failures in the result of the nursery, without the error that says
// that a context outside was canceled.
func (r *recorder) failures(err error) (failures []error) {
	group, ok := errors.AsType[*nursery.GroupError](err)
	if !ok {
		return nil
	}
	around := cancel.New(r.outer) // has ended as r.outer has
	defer around.Close()
	for _, f := range group.Unwrap() {
		if _, ok := f.(*cancel.Error); !ok || !around.IsEcho(f) {
			failures = append(failures, f)
		}
	}
	return failures
}

// failure adds an event for a failure.
func (r *recorder) failure(err error) {
	var attrs []attribute.KeyValue
	for {
		switch e := err.(type) {
		case *nursery.TaskError:
			attrs = append(attrs, attribute.String("grove.task", e.Task))
			err = e.Err
			continue
		case *nursery.ItemError:
			attrs = append(attrs, attribute.Int("grove.item", e.Item))
			err = e.Err
			continue
		case *nursery.PanicError:
			if e.Task != "" {
				attrs = append(attrs, attribute.String("grove.task", e.Task))
			}
			r.panicked(e.Value, append(attrs, attribute.String("exception.stacktrace", string(e.Stack)))...)
		default:
			r.RecordError(err, trace.WithAttributes(attrs...))
		}
		return
	}
}

// panicked adds an event for a panic, as the SDK does.
func (r *recorder) panicked(v any, attrs ...attribute.KeyValue) {
	r.AddEvent("exception", trace.WithAttributes(attrs...), trace.WithAttributes(
		attribute.String("exception.type", fmt.Sprintf("%T", v)),
		attribute.String("exception.message", fmt.Sprint(v)),
	))
}

// crashed adds what made the nursery panic, with the value v, or call Goexit if v is nil.
func (r *recorder) crashed(v any) {
	r.canceled()
	switch p, ok := v.(*nursery.PanicError); {
	case v == nil:
		r.SetStatus(codes.Error, nursery.ErrGoexit.Error())
	case ok && p != nil:
		r.SetStatus(codes.Error, (&nursery.TaskError{Err: p}).Error()) // without the stack
		r.add(append([]error{p}, p.Others...))
	default:
		r.SetStatus(codes.Error, fmt.Sprintf("panicked: %v", v))
		r.SetAttributes(attribute.Int("grove.failures", 1))
		r.panicked(v)
	}
}
