module github.com/grove-go/grove/internal/echoes

go 1.26

require (
	connectrpc.com/connect v1.20.0
	github.com/avast/retry-go/v4 v4.7.0
	github.com/aws/smithy-go v1.28.9
	github.com/cenkalti/backoff/v5 v5.0.3
	github.com/cockroachdb/errors v1.14.0
	github.com/go-errors/errors v1.5.1
	github.com/go-sql-driver/mysql v1.10.1
	github.com/grove-go/grove v0.0.0
	github.com/hashicorp/errwrap v1.1.0
	github.com/hashicorp/go-multierror v1.1.1
	github.com/jackc/pgx/v5 v5.13.0
	github.com/joomcode/errorx v0.8.0
	github.com/juju/errors v1.0.0
	github.com/lib/pq v1.12.3
	github.com/pkg/errors v0.9.1
	github.com/redis/go-redis/v9 v9.22.0
	github.com/rotisserie/eris v0.5.4
	github.com/samber/oops v1.23.2
	github.com/sethvargo/go-retry v0.3.0
	go.mongodb.org/mongo-driver/v2 v2.10.0
	go.uber.org/multierr v1.11.0
	golang.org/x/xerrors v0.0.0-20240903120638-7835f813f4da
	google.golang.org/grpc v1.84.0
	k8s.io/apimachinery v0.35.0
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/cockroachdb/logtags v0.0.0-20230118201751-21c54148d20b // indirect
	github.com/cockroachdb/redact v1.1.5 // indirect
	github.com/getsentry/sentry-go v0.46.0 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/kr/pretty v0.3.1 // indirect
	github.com/kr/text v0.2.0 // indirect
	github.com/oklog/ulid/v2 v2.1.2 // indirect
	github.com/rogpeppe/go-internal v1.14.1 // indirect
	github.com/samber/lo v1.53.0 // indirect
	github.com/xdg-go/scram v1.4.0 // indirect
	github.com/xdg-go/stringprep v1.0.4 // indirect
	github.com/youmark/pkcs8 v0.0.0-20240726163527-a2c0da244d78 // indirect
	go.opentelemetry.io/otel v1.44.0 // indirect
	go.opentelemetry.io/otel/trace v1.44.0 // indirect
	go.uber.org/atomic v1.11.0 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260706201446-f0a921348800 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/grove-go/grove => ../..

// Required by way of cockroachdb/errors, it has packages that grpc takes from
// googleapis/rpc. A workspace, which does not prune requirements, would see both.
exclude google.golang.org/genproto v0.0.0-20230410155749-daa745c078e1
