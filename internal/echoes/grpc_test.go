package echoes_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// isStatus reports whether err is the status that a canceled call ends with.
func isStatus(err error) bool {
	c := status.Code(err)
	return c == codes.Canceled || c == codes.DeadlineExceeded
}

// TestStatus judges the errors of gRPC. They do not unwrap to the error of the context, and
// an option makes them echoes.
func TestStatus(t *testing.T) {
	for _, r := range []row{
		{"canceled", call, true, isEcho},
		{"canceled, wrapped", func(ctx context.Context) error { return fmt.Errorf("fetch: %w", call(ctx)) }, true, isEcho},
		{"canceled, joined with a real error", func(ctx context.Context) error { return errors.Join(call(ctx), errDisk) }, false, isReal},
		{"canceled, joined and wrapped", func(ctx context.Context) error {
			return fmt.Errorf("fetch: %w", errors.Join(call(ctx), errDisk))
		}, false, isReal},
		{"internal", always(status.Error(codes.Internal, "disk full")), false, isReal},
	} {
		t.Run("C9/"+r.name, func(t *testing.T) {
			// The option stands once, at the root.
			err := nursery.Run(t.Context(), func(ctx context.Context, _ *nursery.Nursery) error {
				check(t, ctx, r)
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error {
						<-ctx.Done()
						return r.err(ctx)
					}, nursery.Daemon())
					n.Cancel(nil)
					return r.err(ctx)
				})
			}, nursery.EchoIf(isStatus))
			if (err == nil) != r.echo {
				t.Errorf("Run() = %v, want nil: %v", err, r.echo)
			}
		})
	}
	t.Run("C9/a timeout", func(t *testing.T) {
		root := cancel.New(t.Context(), cancel.EchoIf(isStatus))
		defer root.Close()
		err := cancel.FailAfter(root, 0, call, cancel.Name("prices"))
		if e, ok := errors.AsType[*cancel.TimeoutError](err); !ok || status.Code(e.Detail) != codes.DeadlineExceeded {
			t.Errorf("FailAfter() = %+v, want a timeout with the status as its detail", err)
		}
	})
}
