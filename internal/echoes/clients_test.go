package echoes_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"connectrpc.com/connect"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// clients are errors of clients of databases and services.
var clients = []row{
	{"connect, canceled", wrap(func(c error) error { return connect.NewError(connect.CodeCanceled, c) }), true, isEcho},
	{"connect, canceled, as text", always(connect.NewError(connect.CodeCanceled, errors.New("canceled"))), false, unknown},
	{"connect, internal", always(connect.NewError(connect.CodeInternal, errDisk)), false, isReal},

	{"grpc, canceled", call, false, unknown},
	{"grpc, canceled, wrapped", func(ctx context.Context) error { return fmt.Errorf("fetch: %w", call(ctx)) }, false, unknown},
	{"grpc, canceled, joined with a real error", func(ctx context.Context) error { return errors.Join(call(ctx), errDisk) }, false, isReal},
	{"grpc, canceled, joined and wrapped", func(ctx context.Context) error { return fmt.Errorf("fetch: %w", errors.Join(call(ctx), errDisk)) }, false, isReal},
	{"grpc, internal", always(status.Error(codes.Internal, "disk full")), false, isReal},

	{"smithy, canceled", wrap(func(c error) error {
		return &smithy.OperationError{ServiceID: "s3", OperationName: "Get", Err: &smithy.CanceledError{Err: c}}
	}), true, isEcho},
	{"smithy, sending", wrap(func(c error) error {
		return &smithy.OperationError{Err: &smithyhttp.RequestSendError{Err: &url.Error{Op: "Get", URL: "http://s3", Err: c}}}
	}), true, isEcho},
	{"smithy, response", always(&smithy.OperationError{Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusConflict}},
		Err:      &smithy.GenericAPIError{Code: "Conflict"},
	}}), false, isReal},
	{"smithy, response, canceled", wrap(func(c error) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusOK}}, Err: c}
	}), true, isEcho},

	{"pgx, connecting", func(ctx context.Context) error { return connectPostgres(ctx, "127.0.0.1:1") }, true, isEcho},
	{"pgx, two hosts refuse", func(ctx context.Context) error {
		return connectPostgres(context.WithoutCancel(ctx), "127.0.0.1:1,127.0.0.1:2")
	}, false, isReal},
	{"pgx, query canceled", always(&pgconn.PgError{Code: "57014"}), false, unknown},
	{"lib/pq, query canceled", always(&pq.Error{Code: "57014"}), false, unknown},
	{"mysql, ErrInvalidConn", always(mysql.ErrInvalidConn), false, unknown},
	{"go-redis, canceled", func(ctx context.Context) error {
		c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
		defer c.Close()
		return c.Get(ctx, "key").Err()
	}, true, isEcho},
	{"go-redis, pipeline refused", func(ctx context.Context) error {
		logging.Disable() // it logs that it cannot connect
		c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
		defer c.Close()
		_, err := c.Pipelined(context.WithoutCancel(ctx), func(p redis.Pipeliner) error { return p.Ping(ctx).Err() })
		return err
	}, false, isReal},
	{"mongo, ping", wrap(func(c error) error { return topology.ServerSelectionError{Wrapped: c} }), true, isEcho},
	{"mongo, CommandError", wrap(func(c error) error { return mongo.CommandError{Message: "gave up", Wrapped: c} }), true, isEcho},
	{"mongo, WriteException", always(mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 11000}}}), false, isReal},
}

// call makes a gRPC call.
func call(ctx context.Context) error {
	cc, err := grpc.NewClient("passthrough:127.0.0.1:1", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer cc.Close()
	return cc.Invoke(ctx, "/service/Method", nil, nil)
}

func connectPostgres(ctx context.Context, hosts string) error {
	conn, err := pgconn.Connect(ctx, "postgres://user@"+hosts+"/db?sslmode=disable")
	if err == nil {
		_ = conn.Close(ctx)
	}
	return err
}
