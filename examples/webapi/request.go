package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// maxBody is how many bytes of a request are read. Operations have lower limits; see
// [service.api].
const maxBody = 8 << 10

// Errors of requests that guard refuses.
var (
	errBusy     = errors.New("too many requests at a time")
	errTooLarge = fmt.Errorf("the request is longer than %d bytes", maxBody)
	errSlow     = errors.New("the request has not come in time")
	errBody     = errors.New("the request cannot be read")
)

// guard returns a handler that limits each request to the budget, including the work of
// package huma. It reads the request before it waits for a token, and writes the answer
// after it has released the token, so slow clients hold no token.
//
// The context of next is canceled when the budget is spent and when the client has gone.
func (s *service) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := s.tracer.Start(r.Context(), "HTTP", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		answer := &reply{header: http.Header{}}
		err := cancel.FailAfter(ctx, s.budget, func(ctx context.Context) error {
			body, err := read(ctx, w, r)
			if err != nil {
				return err
			}
			if err := s.admit(ctx); err != nil {
				return err
			}
			defer s.limiter.Release()
			r := r.WithContext(ctx)
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(answer, r)
			return nil
		})
		if err != nil {
			answer.problem(s.problem("a request", err))
		}
		span.SetAttributes(attribute.Int("http.response.status_code", answer.status))
		answer.send(w)
	})
}

// read reads the body of a request. When ctx is done it gives up, with errSlow if the
// budget is spent. Package http mistakes the deadline of the connection for the end of the
// client, and cancels the context around ctx as well. Without errSlow that would hide the
// reason.
func read(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	// A connection does not look at a context. A deadline in the past ends the read.
	deadline := func(t time.Time) error { return http.NewResponseController(w).SetReadDeadline(t) }
	stop := context.AfterFunc(ctx, func() { _ = deadline(time.Unix(1, 0)) }) // fails if the connection has ended
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if !stop() && err != nil && ctx.Err() != context.DeadlineExceeded {
		return nil, cancel.Because(ctx, err)
	}
	var (
		tooLarge *http.MaxBytesError
		timeout  net.Error
	)
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, errSlow
	case err != nil:
		return nil, errors.Join(errBody, err)
	}
	// Remove the deadline that package serve sets for the body. From here on the budget
	// counts.
	if err := deadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, errors.Join(errBody, err)
	}
	return body, nil
}

// admit takes a token of the limiter. It waits for a short time only, because an overloaded
// service should refuse requests early.
func (s *service) admit(ctx context.Context) error {
	if s.limiter.TryAcquire() {
		return nil
	}
	late, err := cancel.MoveOnAfter(ctx, s.queue, s.limiter.Acquire)
	if late {
		return errBusy
	}
	return err
}

// A reply is an answer that is sent when it is complete.
type reply struct {
	header http.Header
	status int // 0: not set
	body   bytes.Buffer
}

func (a *reply) Header() http.Header { return a.header }

func (a *reply) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *reply) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// problem makes the reply an error, in the format that package huma uses for operations.
func (a *reply) problem(err error) {
	var (
		status  huma.StatusError
		headers huma.HeadersError
	)
	if !errors.As(err, &status) {
		status = huma.Error500InternalServerError("")
	}
	if errors.As(err, &headers) {
		maps.Copy(a.header, headers.GetHeaders())
	}
	b, err := json.Marshal(status)
	if err != nil {
		panic(err) // a problem can always be encoded
	}
	a.header.Set("Content-Type", "application/problem+json")
	a.status = status.GetStatus()
	a.body.Reset()
	a.body.Write(append(b, '\n'))
}

// send sends the reply. The client may have gone.
func (a *reply) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	a.WriteHeader(http.StatusOK)
	if a.body.Len() == 0 {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}

// handle registers an operation. Each request has a nursery, which do gets. The answer that
// do returns is complete when all tasks of the nursery have returned, so do may return it
// before its tasks have filled it in. All tasks of a request have ended when it is
// answered, whether do is done, a task failed, the budget is spent, or the client has gone.
//
// A panic ends this request only, as in package http. Here it is also an error, so that the
// client gets an answer.
func handle[I, O any](api huma.API, s *service, op huma.Operation, do func(ctx context.Context, n *nursery.Nursery, in *I) (*O, error)) {
	op.BodyReadTimeout = -1 // guard has read the body
	name := op.Method + " " + op.Path
	huma.Register(api, op, func(ctx context.Context, in *I) (out *O, err error) {
		trace.SpanFromContext(ctx).SetName(name)
		err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) (err error) {
			out, err = do(ctx, n, in)
			return err
		}, nursery.RecoverPanics())
		if err != nil {
			return nil, s.problem(name, err)
		}
		return out, nil
	})
}

// problem returns the error that a client gets for err. It logs unexpected errors, as a
// tree with the stacks of panics. The client gets status 500 without details.
func (s *service) problem(name string, err error) error {
	_, failed := nursery.Split(err, isCanceled)
	var (
		panicked *nursery.PanicError
		timeout  *cancel.TimeoutError
		upstream *upstreamError
	)
	switch {
	case failed == nil && errors.Is(err, context.DeadlineExceeded):
		return huma.Error504GatewayTimeout("not finished within " + s.budget.String())
	case failed == nil:
		// The client has gone and does not see this, or the program was canceled.
		return huma.Error503ServiceUnavailable("canceled")
	case errors.As(failed, &panicked):
		// This case comes first, because the value of a panic may be any error.
	case errors.Is(failed, errNoBook):
		return huma.Error404NotFound(errNoBook.Error())
	case errors.Is(failed, errOutOfStock):
		return huma.Error409Conflict(errOutOfStock.Error())
	case errors.Is(failed, errKeyUsed):
		return huma.Error422UnprocessableEntity(errKeyUsed.Error())
	case errors.Is(failed, errTooLarge):
		return huma.ErrorWithHeaders(huma.Error413RequestEntityTooLarge(errTooLarge.Error()), closing())
	case errors.Is(failed, errSlow):
		return huma.ErrorWithHeaders(huma.Error408RequestTimeout(errSlow.Error()), closing())
	case errors.Is(failed, errBody):
		return huma.ErrorWithHeaders(huma.Error400BadRequest(errBody.Error()), closing())
	case errors.Is(failed, errBusy):
		return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable(errBusy.Error()), http.Header{"Retry-After": {"1"}})
	case errors.As(failed, &timeout):
		return huma.Error504GatewayTimeout("not finished within " + s.budget.String())
	case errors.As(failed, &upstream):
		s.log.Printf("%s: %+v", name, failed)
		return huma.Error502BadGateway(upstream.name + " cannot be had")
	}
	s.log.Printf("%s: %+v", name, failed)
	return huma.Error500InternalServerError("")
}

// closing is for an answer to a request with an unread rest.
func closing() http.Header { return http.Header{"Connection": {"close"}} }

func isCanceled(err error) bool {
	var canceled *cancel.Error
	return errors.As(err, &canceled)
}
