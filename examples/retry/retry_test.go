package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v6"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	program.Child(main)
	testutil.Main(m)
}

var (
	errBusy   = errors.New("busy")
	errEnough = errors.New("enough")
)

// An operation is what a test retries. It notes when its attempts begin.
type operation struct {
	began []time.Time
	do    func(ctx context.Context, attempt int) (string, error)
}

func (o *operation) call(ctx context.Context) (string, error) {
	o.began = append(o.began, time.Now())
	return o.do(ctx, len(o.began))
}

// waits returns the time between each attempt and the next one.
func (o *operation) waits() (all []time.Duration) {
	for i := range len(o.began) - 1 {
		all = append(all, o.began[i+1].Sub(o.began[i]))
	}
	return all
}

// busy returns an operation that fails at once, always.
func busy() *operation {
	return &operation{do: func(context.Context, int) (string, error) { return "", errBusy }}
}

// hanging returns an operation with attempts that wait for the end of their context.
func hanging() *operation {
	return &operation{do: func(ctx context.Context, _ int) (string, error) {
		<-ctx.Done()
		return "", &url.Error{Op: "Get", URL: "http://site.test/", Err: ctx.Err()} // as package http has it
	}}
}

// inBubble runs fn in virtual time. Its last parameter is the time that has passed.
func inBubble(t *testing.T, name string, fn func(t *testing.T, s *cancel.Scope, passed func() time.Duration)) {
	t.Run(name, func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			start := time.Now()
			fn(t, cancel.FromContext(ctx), func() time.Duration { return time.Since(start) })
		})
	})
}

func mustAttempt(t *testing.T, o *operation, want int) {
	t.Helper()
	if len(o.began) != want {
		t.Errorf("%d attempts, want %d", len(o.began), want)
	}
}

func TestRetries(t *testing.T) {
	inBubble(t, "until it succeeds", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		o := &operation{do: func(_ context.Context, attempt int) (string, error) {
			if attempt < 3 {
				return "", errBusy
			}
			return "done", nil
		}}
		if got, err := retry(s, o.call); got != "done" || err != nil {
			t.Errorf("retry() = %q, %v, want done", got, err)
		}
		mustAttempt(t, o, 3)
	})
	inBubble(t, "so many times at most", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		o := busy()
		if _, err := retry(s, o.call); !errors.Is(err, backoff.ErrExhausted) || !errors.Is(err, errBusy) {
			t.Errorf("retry() = %v, want that it is exhausted and %v", err, errBusy)
		}
		mustAttempt(t, o, maxAttempts)
	})
	inBubble(t, "after waits that grow, with jitter", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		first := make(map[time.Duration]bool)
		for range 20 {
			o := busy()
			if _, err := retry(s, o.call); err == nil {
				t.Error("retry() = nil error, want one")
			}
			middle := float64(firstWait)
			for i, w := range o.waits() {
				if d := float64(w); d < middle/2 || d > middle*3/2 {
					t.Errorf("wait %d is %v, want %v give or take a half", i+1, w, time.Duration(middle))
				}
				middle *= backoff.DefaultMultiplier
			}
			first[o.waits()[0]] = true
		}
		if len(first) < 2 {
			t.Error("the first wait is always the same, want jitter")
		}
	})
	inBubble(t, "after the wait that the error names", func(t *testing.T, s *cancel.Scope, passed func() time.Duration) {
		o := &operation{do: func(_ context.Context, attempt int) (string, error) {
			if attempt == 1 {
				return "", fmt.Errorf("%w: %w", errBusy, backoff.RetryAfter(7))
			}
			return "done", nil
		}}
		if _, err := retry(s, o.call); err != nil || passed() != 7*time.Second {
			t.Errorf("retry() = %v after %v, want nil after 7s", err, passed())
		}
		mustAttempt(t, o, 2)
	})
	inBubble(t, "an attempt that has timed out", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		hangs := hanging()
		o := &operation{do: func(ctx context.Context, attempt int) (string, error) {
			if attempt == 1 {
				return hangs.call(ctx)
			}
			return "done", nil
		}}
		if got, err := retry(s, o.call); got != "done" || err != nil {
			t.Errorf("retry() = %q, %v, want done", got, err)
		}
		mustAttempt(t, o, 2)
		least, most := attemptTimeout+firstWait/2, attemptTimeout+firstWait*3/2
		if w := o.waits()[0]; w < least || w > most {
			t.Errorf("the second attempt came after %v, want one timeout and one wait", w)
		}
	})
	inBubble(t, "attempts that all time out", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		o := hanging()
		_, err := retry(s, o.call)
		if timeout := new(cancel.TimeoutError); !errors.Is(err, backoff.ErrExhausted) || !errors.As(err, &timeout) {
			t.Errorf("retry() = %v, want that it is exhausted by a timeout", err)
		}
		if s.IsEcho(err) {
			t.Errorf("%v is taken for a cancellation from outside", err)
		}
		mustAttempt(t, o, maxAttempts)
	})
}

func TestPermanentErrors(t *testing.T) {
	gone := errors.New("gone")
	inBubble(t, "are not retried", func(t *testing.T, s *cancel.Scope, passed func() time.Duration) {
		o := &operation{do: func(context.Context, int) (string, error) {
			return "", fmt.Errorf("page: %w", backoff.Permanent(gone))
		}}
		if _, err := retry(s, o.call); !errors.Is(err, gone) || !errors.Is(err, backoff.ErrPermanent) || passed() != 0 {
			t.Errorf("retry() = %v after %v, want the permanent error at once", err, passed())
		}
		mustAttempt(t, o, 1)
	})
	inBubble(t, "count also if all is canceled", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		o := &operation{do: func(context.Context, int) (string, error) {
			s.Cancel(errEnough)
			return "", backoff.Permanent(gone)
		}}
		if _, err := retry(s, o.call); !errors.Is(err, gone) || s.IsEcho(err) {
			t.Errorf("retry() = %v, want the permanent error", err)
		}
	})
}

// A cancellation from outside is not retried, and retry returns its echo.
func TestCancellation(t *testing.T) {
	mustEcho := func(t *testing.T, s *cancel.Scope, err error) {
		t.Helper()
		if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != errEnough || !s.IsEcho(err) {
			t.Errorf("retry() = %v, want an echo that says why", err)
		}
	}
	inBubble(t, "before the first attempt", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		s.Cancel(errEnough)
		o := busy()
		_, err := retry(s, o.call)
		mustEcho(t, s, err)
		mustAttempt(t, o, 0)
	})
	inBubble(t, "in an attempt", func(t *testing.T, s *cancel.Scope, passed func() time.Duration) {
		time.AfterFunc(time.Second, func() { s.Cancel(errEnough) })
		o := hanging()
		_, err := retry(s, o.call)
		mustEcho(t, s, err)
		mustAttempt(t, o, 1)
		if passed() != time.Second {
			t.Errorf("retry returned after %v, want 1s", passed())
		}
	})
	inBubble(t, "in the last attempt", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		hangs := hanging()
		o := &operation{do: func(ctx context.Context, attempt int) (string, error) {
			if attempt < maxAttempts {
				return "", errBusy
			}
			s.Cancel(errEnough)
			return hangs.call(ctx)
		}}
		_, err := retry(s, o.call)
		mustEcho(t, s, err)
		mustAttempt(t, o, maxAttempts)
	})
	inBubble(t, "in a wait", func(t *testing.T, s *cancel.Scope, passed func() time.Duration) {
		time.AfterFunc(time.Second, func() { s.Cancel(errEnough) })
		o := &operation{do: func(context.Context, int) (string, error) { return "", backoff.RetryAfter(3600) }}
		_, err := retry(s, o.call)
		mustEcho(t, s, err)
		mustAttempt(t, o, 1)
		if passed() != time.Second {
			t.Errorf("retry returned after %v, want 1s", passed())
		}
	})
	inBubble(t, "by a deadline, which is not the attempt's", func(t *testing.T, s *cancel.Scope, passed func() time.Duration) {
		for _, d := range []time.Duration{attemptTimeout / 2, attemptTimeout} { // the outer one wins a tie
			o := hanging()
			err := cancel.FailAfter(s, d, func(ctx context.Context) error {
				_, err := retry(ctx, o.call)
				if !cancel.FromContext(ctx).IsEcho(err) {
					t.Errorf("retry() = %v, want an echo of the deadline", err)
				}
				return err
			})
			if timeout := new(cancel.TimeoutError); !errors.As(err, &timeout) {
				t.Errorf("FailAfter() = %v, want its timeout", err)
			}
			mustAttempt(t, o, 1)
		}
		if passed() != attemptTimeout*3/2 {
			t.Errorf("two calls returned after %v, want %v", passed(), attemptTimeout*3/2)
		}
	})
	inBubble(t, "of a context that is no scope", func(t *testing.T, s *cancel.Scope, passed func() time.Duration) {
		ctx, stop := context.WithCancelCause(s)
		time.AfterFunc(time.Second, func() { stop(errEnough) })
		o := hanging()
		_, err := retry(ctx, o.call)
		if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != errEnough || passed() != time.Second {
			t.Errorf("retry() = %v after %v, want the cancellation after 1s", err, passed())
		}
		mustAttempt(t, o, 1)
		synctest.Wait()
	})
}

// A transport is a network that has one answer.
type transport func(r *http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFetch(t *testing.T) {
	errDown := errors.New("network down")
	answer := func(code int, retryAfter string) transport {
		return func(*http.Request) (*http.Response, error) {
			header := http.Header{}
			if retryAfter != "" {
				header.Set("Retry-After", retryAfter)
			}
			return &http.Response{
				StatusCode: code, Status: http.StatusText(code), Header: header,
				Body: io.NopCloser(strings.NewReader("here it is")),
			}, nil
		}
	}
	const never = -1
	for name, row := range map[string]struct {
		network   transport
		url       string
		permanent bool
		wait      time.Duration
	}{
		"404":                       {network: answer(404, ""), permanent: true, wait: never},
		"404, which names a wait":   {network: answer(404, "3"), permanent: true, wait: never},
		"400":                       {network: answer(400, ""), permanent: true, wait: never},
		"408":                       {network: answer(408, ""), wait: never},
		"429":                       {network: answer(429, "120"), wait: 2 * time.Minute},
		"500":                       {network: answer(500, ""), wait: never},
		"503":                       {network: answer(503, "0"), wait: 0},
		"503 until a date":          {network: answer(503, "Sat, 01 Jan 2000 00:05:00 GMT"), wait: 5 * time.Minute},
		"503 for too long":          {network: answer(503, "9223372037"), wait: never},
		"503 for no length of time": {network: answer(503, "soon"), wait: never},
		"no network":                {network: func(*http.Request) (*http.Response, error) { return nil, errDown }, wait: never},
		"no URL":                    {url: "http://[", permanent: true, wait: never},
	} {
		inBubble(t, name, func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
			if row.url == "" {
				row.url = "http://site.test/"
			}
			_, err := fetch(s, &http.Client{Transport: row.network}, row.url)
			if err == nil || errors.Is(err, backoff.ErrPermanent) != row.permanent {
				t.Errorf("fetch() = %v, want an error, permanent: %t", err, row.permanent)
			}
			wait := time.Duration(never)
			if e := new(backoff.RetryAfterError); errors.As(err, &e) {
				wait = e.Duration
			}
			if wait != row.wait {
				t.Errorf("the error names the wait %v, want %v (%d: none)", wait, row.wait, never)
			}
		})
	}
	inBubble(t, "200", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		if n, err := fetch(s, &http.Client{Transport: answer(200, "")}, "http://site.test/"); n != 10 || err != nil {
			t.Errorf("fetch() = %d, %v, want 10 bytes", n, err)
		}
	})
}
