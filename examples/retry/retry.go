package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v6"

	"github.com/grove-go/grove/cancel"
)

const (
	attemptTimeout = 2 * time.Second
	firstWait      = 100 * time.Millisecond // before the second attempt, on average
	maxAttempts    = 5
)

// retry calls op until it succeeds, and returns the result of that call. Each attempt has a
// timeout of its own. The wait before the next attempt grows, with jitter. An error of op
// that is or wraps a [*backoff.RetryAfterError] sets the wait instead.
//
// Many errors look alike here, because each may be a [context.DeadlineExceeded]. retry
// therefore goes by the context that has ended, and not by the error:
//
//   - An error that op marks by [backoff.Permanent] is permanent.
//   - If ctx is canceled, or its deadline passes, attempts and waits end at once, and retry
//     returns the error of [cancel.Err]. That is an echo for the scope that was canceled.
//   - All other errors are retried, including the timeout of an attempt, until maxAttempts
//     have failed.
//
// Unless ctx is done, the error is a [*backoff.RetryError] with the last error of op.
func retry[T any](ctx context.Context, op func(ctx context.Context) (T, error)) (T, error) {
	waits := backoff.NewExponentialBackOff() // with jitter
	waits.InitialInterval = firstWait
	value, err := backoff.Retry(ctx, func() (value T, err error) {
		// Retry always makes the first attempt, even if ctx is done.
		if err := cancel.Err(ctx); err != nil {
			return value, err
		}
		err = cancel.FailAfter(ctx, attemptTimeout, func(ctx context.Context) (err error) {
			value, err = op(ctx)
			return err
		})
		return value, err
	}, backoff.WithBackOff(waits), backoff.WithMaxTries(maxAttempts), backoff.WithMaxElapsedTime(0)) // ctx has the deadline
	if err != nil && ctx.Err() != nil && !errors.Is(err, backoff.ErrPermanent) {
		return value, cancel.Err(ctx)
	}
	return value, err
}

// fetch fetches a page and returns its size. If the answer will be the same next time, the
// error is permanent.
func fetch(ctx context.Context, client *http.Client, url string) (int64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, backoff.Permanent(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	switch code := answer.StatusCode; {
	case code/100 == 2:
		return io.Copy(io.Discard, answer.Body)
	case code/100 == 5, code == http.StatusRequestTimeout, code == http.StatusTooManyRequests:
		if wait, ok := retryAfter(answer.Header.Get("Retry-After")); ok {
			return 0, fmt.Errorf("%s: %w", answer.Status, &backoff.RetryAfterError{Duration: wait})
		}
		return 0, errors.New(answer.Status)
	default:
		return 0, backoff.Permanent(errors.New(answer.Status))
	}
}

// retryAfter parses a Retry-After header, a number of seconds or a date.
func retryAfter(header string) (wait time.Duration, ok bool) {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil { // more does not fit in a time.Duration
		return time.Duration(seconds) * time.Second, true
	}
	date, err := http.ParseTime(header)
	return time.Until(date), err == nil
}
