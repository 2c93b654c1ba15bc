package echoes_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/avast/retry-go/v4"
	"github.com/cenkalti/backoff/v5"
	crdb "github.com/cockroachdb/errors"
	"github.com/hashicorp/errwrap"
	"github.com/hashicorp/go-multierror"
	sethvargo "github.com/sethvargo/go-retry"
	"go.uber.org/multierr"
	kube "k8s.io/apimachinery/pkg/util/errors"
)

var errRefused = errors.New("connection refused")

// attempts returns a function that returns the errors one after the other.
func attempts(errs ...error) func() error {
	i := -1
	return func() error {
		i = min(i+1, len(errs)-1)
		return errs[i]
	}
}

// tries returns the error of as many attempts as there are errors.
func tries(errs ...error) error {
	return retry.Do(attempts(errs...), retry.Attempts(uint(len(errs))), retry.Delay(0), retry.MaxJitter(time.Nanosecond))
}

// containers are errors that hold several.
var containers = []row{
	{"multierror, the real one first", wrap(func(c error) error { return multierror.Append(errDisk, c) }), false, isReal},
	{"multierror, the real one last", wrap(func(c error) error { return multierror.Append(c, errDisk) }), false, isReal},
	{"multierror, one", wrap(func(c error) error { return multierror.Append(c) }), true, isEcho},
	{"multierror, two", wrap(func(c error) error { return multierror.Append(c, c) }), true, isEcho},
	{"multierror, its chain", wrap(func(c error) error { return errors.Unwrap(multierror.Append(errDisk, c)) }), false, isReal},
	{"multierror, wrapped", wrap(func(c error) error { return fmt.Errorf("close: %w", multierror.Append(errDisk, c)) }), false, isReal},
	{"errwrap", wrap(func(c error) error { return errwrap.Wrap(errors.New("outer"), c) }), false, unknown},
	{"kubernetes, the real one first", wrap(func(c error) error { return kube.NewAggregate([]error{errDisk, c}) }), false, isReal},
	{"kubernetes, the real one last", wrap(func(c error) error { return kube.NewAggregate([]error{c, errDisk}) }), false, isReal},
	{"kubernetes", wrap(func(c error) error { return kube.NewAggregate([]error{c, c}) }), true, isEcho},
	{"multierr, one real", wrap(func(c error) error { return multierr.Combine(c, errDisk) }), false, isReal},
	{"multierr", wrap(func(c error) error { return multierr.Combine(c, c) }), true, isEcho},
	{"cockroachdb, Join, one real", wrap(func(c error) error { return crdb.Join(c, errDisk) }), false, isReal},

	{"retry-go, the last canceled", wrap(func(c error) error { return tries(errRefused, errRefused, c) }), false, isReal},
	{"retry-go, all canceled", wrap(func(c error) error { return tries(c, c) }), true, isEcho},
	{"retry-go, the context with the last error", func(ctx context.Context) error {
		// It looks at the context before the first attempt.
		open, stop := context.WithCancelCause(context.WithoutCancel(ctx))
		return retry.Do(func() error { stop(ctx.Err()); return errRefused }, retry.Context(open), retry.WrapContextErrorWithLastError(true))
	}, false, isReal},
	{"backoff, canceled between tries", func(ctx context.Context) error {
		_, err := backoff.Retry(ctx, func() (int, error) { return 0, errRefused })
		return err
	}, true, unknown},
	{"sethvargo/go-retry", func(ctx context.Context) error {
		return sethvargo.Do(ctx, sethvargo.NewConstant(time.Hour), func(context.Context) error { return sethvargo.RetryableError(errRefused) })
	}, true, isEcho},
}
