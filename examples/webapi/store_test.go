package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestStoreFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a name with %41 and ?", "books.db")
	if _, err := openStore(t.Context(), file); err == nil {
		t.Fatal("openStore() = nil error, want that the folder is missing")
	}
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		s, err := openStore(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if books, err := s.books(t.Context(), "", 0, 100); len(books) != 8+i || err != nil {
			t.Errorf("opened %d times before, it has %v, %v, want %d books", i, books, err, 8+i)
		}
		if _, err := s.add(t.Context(), "", NewBook{"Persuasion", "Jane Austen", 1817, 1}); err != nil {
			t.Error(err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the file is gone: %v", err)
		}
	}
}

func TestTemporaryStore(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	mustBeEmpty := func() {
		t.Helper()
		if left, err := os.ReadDir(os.TempDir()); len(left) > 0 || err != nil {
			t.Errorf("in the folder for temporary files are %v, %v, want nothing", left, err)
		}
	}
	s, err := openStore(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	mustBeEmpty()

	canceled := cancel.New(t.Context())
	defer canceled.Close()
	canceled.Cancel(nil)
	if _, err := openStore(canceled, ""); !canceled.IsEcho(err) {
		t.Errorf("openStore() = %v, want that it was canceled", err)
	}
	mustBeEmpty()
}

// inStore runs fn with a store of its own, in virtual time.
func inStore(t *testing.T, fn func(t *testing.T, ctx context.Context, s *store)) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		s, err := openStore(ctx, filepath.Join(t.TempDir(), "books.db"))
		if err != nil {
			t.Fatal(err)
		}
		fn(t, ctx, s)
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
}

// One transaction writes at a time. Waiting callers are served in turn, and can give up.
func TestWritersWait(t *testing.T) {
	inStore(t, func(t *testing.T, ctx context.Context, s *store) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			var gate testutil.Gate
			n.Go(func(ctx context.Context) error {
				return s.write(ctx, func(ctx context.Context, _ *sql.Tx) error { return gate.Wait(ctx) })
			})
			testutil.WaitAllBlocked()
			gaveUp := nursery.Spawn(n, func(ctx context.Context) (int64, error) {
				o, _, err := s.order(ctx, "", Order{Book: 8, Quantity: 1})
				return o.ID, err
			})
			testutil.WaitAllBlocked()
			var got []*nursery.Task[int64]
			for range 2 { // of the last copy
				got = append(got, nursery.Spawn(n, func(ctx context.Context) (int64, error) {
					o, _, err := s.order(ctx, "", Order{Book: 8, Quantity: 1})
					if errors.Is(err, errOutOfStock) {
						return -1, nil
					}
					return o.ID, err
				}))
				testutil.WaitAllBlocked()
			}
			if waiting := s.writing.Stats().Waiting; waiting != 3 {
				t.Errorf("%d wait until it is their turn, want 3", waiting)
			}
			gaveUp.Cancel(nil)
			testutil.WaitAllBlocked()
			gate.Open()
			for i, want := range []int64{1, -1} {
				if id, err := got[i].Wait(ctx); id != want || err != nil {
					t.Errorf("writer %d got %d, %v, want %d", i, id, err, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// A transaction that has begun is not cut short, but its time is limited by its grace.
func TestTransactionIsShielded(t *testing.T) {
	inStore(t, func(t *testing.T, ctx context.Context, s *store) {
		client := cancel.New(ctx)
		defer client.Close()
		err := s.write(client, func(ctx context.Context, tx *sql.Tx) error {
			client.Cancel(nil)
			testutil.WaitAllBlocked()
			_, err := tx.ExecContext(ctx, `UPDATE books SET stock = 7 WHERE id = 1`)
			return err
		})
		if err != nil {
			t.Errorf("write() = %v, want nil", err)
		}
		if b, err := s.book(ctx, 1); b.Stock != 7 || err != nil {
			t.Errorf("book() = %+v, %v, want what was written", b, err)
		}
		began := time.Now()
		err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
			<-ctx.Done()
			testutil.WaitAllBlocked()
			return nil // the commit fails in its own way: package sql has rolled back
		})
		if timeout := new(cancel.TimeoutError); !errors.As(err, &timeout) || time.Since(began) != txGrace {
			t.Errorf("write() = %v after %v, want a timeout after %v", err, time.Since(began), txGrace)
		}
	})
}

// However a transaction fails, it is over when that is known.
func TestTransactionThatFails(t *testing.T) {
	inStore(t, func(t *testing.T, ctx context.Context, s *store) {
		for name, fn := range map[string]func(){
			"error": func() {
				if _, _, err := s.order(ctx, "", Order{Book: 8, Quantity: 2}); !errors.Is(err, errOutOfStock) {
					t.Errorf("order() = %v, want %v", err, errOutOfStock)
				}
			},
			"panic": func() {
				defer func() {
					if recover() == nil {
						t.Error("there was no panic")
					}
				}()
				_ = s.write(ctx, func(context.Context, *sql.Tx) error { panic("boom") })
			},
		} {
			fn()
			if n := s.db.Stats().InUse; n != 0 {
				t.Errorf("after an end with %s %d connections are in use, want none", name, n)
			}
			if n := s.writing.Stats().Borrowed; n != 0 {
				t.Errorf("after an end with %s the turn to write is not given back", name)
			}
		}
	})
}
