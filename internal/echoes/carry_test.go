package echoes_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/grove-go/grove/cancel"
)

// TestCarry passes a scope to a gRPC server by metadata.
func TestCarry(t *testing.T) {
	var path string
	var stopped bool
	client := healthClient(t, grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		s := cancel.Extract(ctx, func(key string) string {
			if v := metadata.ValueFromIncomingContext(ctx, key); len(v) > 0 {
				return v[0]
			}
			return ""
		}, cancel.Name("check"))
		defer s.Close()
		path, stopped = cancel.Path(s), cancel.UntilStop(s).Err() != nil
		return handler(s, req)
	}))
	s := cancel.New(t.Context(), cancel.Name("req-17 é"), cancel.Timeout(time.Hour))
	defer s.Close()
	s.Stop()
	md := metadata.MD{}
	cancel.Inject(s, func(key, value string) { md.Set(key, value) })
	if _, err := client.Check(metadata.NewOutgoingContext(s, md), new(grpc_health_v1.HealthCheckRequest)); err != nil {
		t.Fatal(err)
	}
	if path != "req-17 é/check" || !stopped {
		t.Errorf("the server sees the path %q and a stop %v, want %q and true", path, stopped, "req-17 é/check")
	}
}
