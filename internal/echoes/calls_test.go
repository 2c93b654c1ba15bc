package echoes_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// healthClient returns a client of a health server with these options. Its Watch is a
// stream that does not end by itself.
func healthClient(t *testing.T, opts ...grpc.ServerOption) grpc_health_v1.HealthClient {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	server := grpc.NewServer(opts...)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:health",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return grpc_health_v1.NewHealthClient(conn)
}

// watch reads a stream until it fails. It calls ready after the first message.
func watch(ctx context.Context, client grpc_health_v1.HealthClient, ready func()) error {
	stream, err := client.Watch(ctx, new(grpc_health_v1.HealthCheckRequest))
	if err != nil {
		return err
	}
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
		ready()
	}
}

// TestCalls cancels streams of a real client. The option stands once, where a program
// has nursery.Main.
func TestCalls(t *testing.T) {
	client := healthClient(t)
	root := cancel.New(t.Context(), cancel.EchoIf(isStatus))
	defer root.Close()
	t.Run("C9/siblings of a failure", func(t *testing.T) {
		err := nursery.Run(root, func(ctx context.Context, n *nursery.Nursery) error {
			begun := make(chan struct{}, 4)
			for range cap(begun) {
				n.Go(func(ctx context.Context) error { return watch(ctx, client, func() { begun <- struct{}{} }) })
			}
			for range cap(begun) {
				<-begun
			}
			return errDisk
		})
		if err == nil || err.Error() != errDisk.Error() {
			t.Errorf("Run() = %v, want %v alone", err, errDisk)
		}
	})
	t.Run("C9/Cancel of the nursery, and a daemon", func(t *testing.T) {
		err := nursery.Run(root, func(ctx context.Context, n *nursery.Nursery) error {
			begun := make(chan struct{}, 2)
			for _, opts := range [][]nursery.TaskOption{nil, {nursery.Daemon()}} {
				n.Go(func(ctx context.Context) error { return watch(ctx, client, func() { begun <- struct{}{} }) }, opts...)
			}
			<-begun
			<-begun
			n.Cancel(nil)
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	t.Run("C9/timeouts", func(t *testing.T) {
		stream := func(ctx context.Context) error {
			s := cancel.FromContext(ctx)
			return watch(ctx, client, func() { s.SetTimeout(0) }) // the time is up as soon as it waits
		}
		if moved, err := cancel.MoveOnAfter(root, time.Hour, stream); !moved || err != nil {
			t.Errorf("MoveOnAfter() = %v, %v, want true, nil", moved, err)
		}
		err := cancel.FailAfter(root, time.Hour, stream)
		if e, ok := errors.AsType[*cancel.TimeoutError](err); !ok || status.Code(e.Detail) != codes.DeadlineExceeded {
			t.Errorf("FailAfter() = %+v, want a timeout with the status as its detail", err)
		}
	})
	t.Run("C9/a real error of a call", func(t *testing.T) {
		err := nursery.Run(root, func(ctx context.Context, n *nursery.Nursery) error {
			_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "none"})
			return err
		})
		failure := error(nil)
		for failure = range nursery.Leaves(err) {
		}
		if status.Code(failure) != codes.NotFound {
			t.Errorf("Run() = %v, want a failure with the code NotFound", err)
		}
	})
}

// intercept puts a scope with the option around a call of a server, because the context of
// a call does not come from nursery.Main. It returns a status to the client.
func intercept(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	scope := cancel.New(stream.Context(), cancel.EchoIf(isStatus))
	defer scope.Close()
	err := handler(srv, stream)
	if scope.IsEcho(err) {
		return status.FromContextError(scope.Err()).Err()
	}
	return err
}

func TestInterceptors(t *testing.T) {
	returned := make(chan error, 1)
	client := healthClient(t, grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		err := intercept(srv, stream, info, handler)
		returned <- err
		return err
	}))
	scope := cancel.New(t.Context(), cancel.EchoIf(isStatus))
	defer scope.Close()
	err := watch(scope, client, func() { scope.Cancel(nil) })
	if status.Code(err) != codes.Canceled || !scope.IsEcho(err) {
		t.Errorf("the client got %v, want an echo with the code Canceled", err)
	}
	// The handler returns a status with a text of its own.
	if want := status.FromContextError(context.Canceled).Err(); !errors.Is(<-returned, want) {
		t.Errorf("the server returned another error than %v", want)
	}
}

func Example() {
	run := func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			<-ctx.Done()
			return status.FromContextError(ctx.Err()).Err() // as a call does
		})
		n.Cancel(nil)
		return nil
	}
	nursery.Main(run, nursery.EchoIf(isStatus))
	fmt.Println("nothing failed")
	// Output: nothing failed
}
