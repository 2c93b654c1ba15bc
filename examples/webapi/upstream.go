package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// An upstream is a service that this service depends on.
type upstream struct {
	name   string
	client *http.Client
	root   *url.URL
}

// upstreams are all upstreams of the service.
type upstreams struct{ prices, reviews, mail upstream }

// An upstreamError is a failure of an upstream, as opposed to a canceled request.
type upstreamError struct {
	name string
	err  error
}

func (e *upstreamError) Error() string { return fmt.Sprintf("%s: %v", e.name, e.err) }
func (e *upstreamError) Unwrap() error { return e.err }

// fetch returns a function that asks an upstream about a book.
func fetch[T any](u upstream) func(ctx context.Context, id int64) (T, error) {
	return func(ctx context.Context, id int64) (v T, err error) {
		err = u.call(ctx, http.MethodGet, id, &v)
		return v, err
	}
}

// call sends a request about an id, and decodes the answer into answer unless answer is
// nil. When ctx is done, call closes the connection, so that the upstream notices, and
// returns the error of [cancel.Err]. Any other error is an [*upstreamError].
func (u upstream) call(ctx context.Context, method string, id int64, answer any) error {
	if err := u.try(ctx, method, id, answer); err != nil {
		return ended(ctx, &upstreamError{u.name, err})
	}
	return nil
}

func (u upstream) try(ctx context.Context, method string, id int64, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, u.root.JoinPath(strconv.FormatInt(id, 10)).String(), nil)
	if err != nil {
		return err
	}
	response, err := u.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s", response.Status)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer)
}

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 1 << 20
