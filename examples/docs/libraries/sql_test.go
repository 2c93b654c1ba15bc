package libraries_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/grove-go/grove/cancel"
)

// A slowDriver is a database with statements that run until they are canceled.
type slowDriver struct{ ready func() }

func (d slowDriver) Connect(context.Context) (driver.Conn, error) { return slowConn{d}, nil }
func (d slowDriver) Driver() driver.Driver                        { return nil }

type slowConn struct{ slowDriver }

func (slowConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (slowConn) Close() error                        { return nil }
func (c slowConn) Begin() (driver.Tx, error)         { return c, nil }
func (slowConn) Commit() error                       { return nil }
func (slowConn) Rollback() error                     { return nil }

func (c slowConn) ExecContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Result, error) {
	c.ready()
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSQL(t *testing.T) {
	t.Run("a statement", func(t *testing.T) {
		wantEcho(t, true, func(_ *testing.T, ctx context.Context, ready func()) error {
			db := sql.OpenDB(slowDriver{ready})
			defer db.Close()
			_, err := db.ExecContext(ctx, "update")
			return err
		})
	})
	t.Run("a transaction that was rolled back", func(t *testing.T) {
		scope := cancel.New(t.Context())
		defer scope.Close()
		db := sql.OpenDB(slowDriver{func() {}})
		defer db.Close()
		tx, err := db.BeginTx(scope, nil)
		if err != nil {
			t.Fatal(err)
		}
		scope.Cancel(errEnough)
		for !errors.Is(err, sql.ErrTxDone) { // package sql rolls it back in a goroutine
			if err = tx.Commit(); err == nil {
				t.Fatal("Commit() = nil after the cancellation")
			}
		}
		if scope.IsEcho(err) || !scope.IsEcho(cancel.Because(scope, err)) {
			t.Errorf("Commit() = %v, want an error that needs Because", err)
		}
	})
}
