package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// errBusy is for a request that is turned away because there are too many.
var errBusy = errors.New("too many requests at a time")

// handle registers an operation whose requests are nurseries: do gets one, and the
// answer that it returns is complete when all tasks in it have returned. So do may
// return the answer before the tasks that fill it in.
func handle[I, O any](api huma.API, s *service, op huma.Operation, do func(ctx context.Context, n *nursery.Nursery, in *I) (*O, error)) {
	huma.Register(api, op, func(ctx context.Context, in *I) (out *O, err error) {
		err = s.request(ctx, func(ctx context.Context, n *nursery.Nursery) (err error) {
			out, err = do(ctx, n, in)
			return err
		})
		if err != nil {
			return nil, s.problem(op, err)
		}
		return out, nil
	})
}

// request runs body in a nursery of its own, with the budget of a request, once it is
// the request's turn. All that it has started has ended when request returns, be it
// that body is done, that something failed, that the budget is spent, or that the
// client has gone, in which case ctx is canceled.
//
// A panic ends this request alone, as it does in package http. Here it is an error
// like others, so that the client gets an answer.
func (s *service) request(ctx context.Context, body func(ctx context.Context, n *nursery.Nursery) error) error {
	return cancel.FailAfter(ctx, s.budget, func(ctx context.Context) error {
		if err := s.admit(ctx); err != nil {
			return err
		}
		defer s.limiter.Release()
		return nursery.Run(ctx, body, nursery.RecoverPanics())
	})
}

// admit takes a token of the limiter, for which it waits a short time only: if there
// are more requests than can be answered, an answer that comes too late to all of
// them helps nobody.
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

// problem says what a client gets to know of an error. What should not have happened
// is logged, as a tree with the stacks of panics, and the client is told no more.
func (s *service) problem(op huma.Operation, err error) error {
	_, failed := nursery.Split(err, isCanceled)
	var (
		panicked *nursery.PanicError
		timeout  *cancel.TimeoutError
		upstream *upstreamError
	)
	switch {
	case failed == nil:
		// The client has gone and does not see this, or the program is cut off.
		return huma.Error503ServiceUnavailable("canceled")
	case errors.As(failed, &panicked):
		// Before the others, for the value of a panic may be any error.
	case errors.Is(failed, errNoBook):
		return huma.Error404NotFound(errNoBook.Error())
	case errors.Is(failed, errOutOfStock):
		return huma.Error409Conflict(errOutOfStock.Error())
	case errors.Is(failed, errBusy):
		return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable(errBusy.Error()), http.Header{"Retry-After": {"1"}})
	case errors.As(failed, &timeout):
		return huma.Error504GatewayTimeout("not finished within " + s.budget.String())
	case errors.As(failed, &upstream):
		s.log.Printf("%s %s: %+v", op.Method, op.Path, failed)
		return huma.Error502BadGateway(upstream.name + " cannot be had")
	}
	s.log.Printf("%s %s: %+v", op.Method, op.Path, failed)
	return huma.Error500InternalServerError("")
}

func isCanceled(err error) bool {
	var canceled *cancel.Error
	return errors.As(err, &canceled)
}
