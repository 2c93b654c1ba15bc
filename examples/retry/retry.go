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
	firstWait      = 100 * time.Millisecond // before the second attempt, more or less
	maxAttempts    = 5
)

// retry calls op until it succeeds, and returns what that call returned. Each
// attempt has a timeout of its own. The wait before the next one grows, with
// jitter, unless op's error is or wraps a [*backoff.RetryAfterError], which says
// how long it is to be.
//
// What ended an attempt is told by whose it is, and not by what the error looks
// like, for any of these may be a [context.DeadlineExceeded]:
//
//   - An error that op marks by [backoff.Permanent] is permanent.
//   - So is a cancellation from outside, a deadline of ctx included: it cuts an
//     attempt or a wait short, and is never retried. The error is that of
//     [cancel.Err], an echo for the scope to which it belongs, whatever earlier
//     attempts returned.
//   - Everything else is retried, the attempt's own timeout included, until
//     maxAttempts have failed.
//
// Except for a cancellation the error is a [*backoff.RetryError] with the last of op.
func retry[T any](ctx context.Context, op func(ctx context.Context) (T, error)) (T, error) {
	waits := backoff.NewExponentialBackOff() // with jitter
	waits.InitialInterval = firstWait
	value, err := backoff.Retry(ctx, func() (value T, err error) {
		// Retry makes an attempt, the first at least, also if ctx is done.
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

// fetch fetches a page and returns its size. An answer that will be the same next
// time is a permanent error.
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

// retryAfter reads the header of that name, a number of seconds or a date.
func retryAfter(header string) (wait time.Duration, ok bool) {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil { // more is no time.Duration
		return time.Duration(seconds) * time.Second, true
	}
	date, err := http.ParseTime(header)
	return time.Until(date), err == nil
}
