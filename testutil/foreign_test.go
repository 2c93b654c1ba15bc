package testutil_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/testutil"
)

// The tests in this file cancel code that does not use this library.

func TestEverywhereAfterFunc(t *testing.T) {
	var before, after atomic.Int32
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		ctx, stop := context.WithTimeout(ctx, time.Hour)
		defer stop()
		called := make(chan struct{})
		unregister := context.AfterFunc(ctx, func() { close(called) })
		err := wait(ctx, time.Minute)
		if unregister() {
			before.Add(1)
		} else {
			after.Add(1)
			<-called
		}
		return err
	})
	if before.Load() == 0 || after.Load() == 0 {
		t.Errorf("%d runs before the cancellation, %d after it, want some of each", before.Load(), after.Load())
	}
}

// A store is a database. Its statements take a second each and are lost unless they are
// committed.
type store struct {
	pending, committed int
}

func (s *store) Connect(context.Context) (driver.Conn, error) { return &storeConn{s}, nil }
func (s *store) Driver() driver.Driver                        { return nil }

type storeConn struct{ s *store }

func (c *storeConn) Prepare(string) (driver.Stmt, error) { return nil, driver.ErrSkip }
func (c *storeConn) Close() error                        { return nil }
func (c *storeConn) Begin() (driver.Tx, error)           { return c, nil }

func (c *storeConn) ExecContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Result, error) {
	if err := wait(ctx, time.Second); err != nil {
		return nil, err
	}
	c.s.pending++
	return driver.ResultNoRows, nil
}

func (c *storeConn) Commit() error {
	c.s.committed += c.s.pending
	c.s.pending = 0
	return nil
}

func (c *storeConn) Rollback() error {
	c.s.pending = 0
	return nil
}

func TestEverywhereSQL(t *testing.T) {
	var committed, rolledBack atomic.Int32
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		s := new(store)
		db := sql.OpenDB(s)
		err := func() error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			for range 2 {
				if _, err := tx.ExecContext(ctx, "add"); err != nil {
					return err
				}
			}
			return tx.Commit()
		}()
		if n := db.Stats().InUse; n != 0 && err == nil {
			t.Errorf("%d connections are in use, want none", n)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		switch {
		case err == nil && s.committed == 2:
			committed.Add(1)
		case err != nil && s.committed == 0:
			rolledBack.Add(1)
		default:
			t.Errorf("%d statements committed, with error %v", s.committed, err)
		}
		return err
	}, testutil.MayReturn(sql.ErrTxDone))
	if committed.Load() == 0 || rolledBack.Load() == 0 {
		t.Errorf("%d times committed, %d times rolled back, want some of each", committed.Load(), rolledBack.Load())
	}
}

// A pipeListener accepts the connections that its dial method makes.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.IPAddr{} }

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return mine, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestEverywhereHTTP(t *testing.T) {
	var whole, cut atomic.Int32
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for range 3 {
				if _, err := io.WriteString(w, "part "); err != nil {
					return
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					return
				}
				if wait(r.Context(), time.Second) != nil {
					return
				}
			}
		})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()
		transport := &http.Transport{DialContext: l.dial}
		defer func() {
			transport.CloseIdleConnections()
			if err := server.Close(); err != nil {
				t.Error(err)
			}
			if err := <-served; err != http.ErrServerClosed {
				t.Errorf("Serve() = %v, want ErrServerClosed", err)
			}
		}()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://server.test/", nil)
		if err != nil {
			return err
		}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			cut.Add(1)
			return err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		switch {
		case err == nil && string(text) == "part part part ":
			whole.Add(1)
		case err != nil:
			cut.Add(1)
		default:
			t.Errorf("got %q and no error", text)
		}
		return err
	})
	if whole.Load() == 0 || cut.Load() == 0 {
		t.Errorf("%d answers, %d cut off, want some of each", whole.Load(), cut.Load())
	}
}
