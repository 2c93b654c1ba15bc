package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

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
		if _, err := s.add(t.Context(), NewBook{"Persuasion", "Jane Austen", 1817, 1}); err != nil {
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

// Who waits to write is served in turn, and can give up.
func TestWritersWait(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		s, err := openStore(ctx, filepath.Join(t.TempDir(), "books.db"))
		if err != nil {
			t.Fatal(err)
		}
		err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			if err := s.writing.Acquire(ctx); err != nil {
				return err
			}
			gaveUp := nursery.Spawn(n, func(ctx context.Context) (int64, error) { return s.order(ctx, Order{Book: 8, Quantity: 1}) })
			testutil.WaitAllBlocked()
			var got []*nursery.Task[int64]
			for range 2 { // of the last copy
				got = append(got, nursery.Spawn(n, func(ctx context.Context) (int64, error) {
					id, err := s.order(ctx, Order{Book: 8, Quantity: 1})
					if errors.Is(err, errOutOfStock) {
						return -1, nil
					}
					return id, err
				}))
				testutil.WaitAllBlocked()
			}
			gaveUp.Cancel(nil)
			testutil.WaitAllBlocked()
			s.writing.Release()
			for i, want := range []int64{1, -1} {
				if id, err := got[i].Wait(ctx); id != want || err != nil {
					t.Errorf("writer %d got %d, %v, want %d", i, id, err, want)
				}
			}
			return nil
		})
		if err := errors.Join(err, s.close()); err != nil {
			t.Error(err)
		}
	})
}
