package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

var (
	errNoBook     = errors.New("no such book")
	errOutOfStock = errors.New("not enough copies in stock")
)

const (
	connections = 8               // so many queries run at a time; others wait for their turn
	txGrace     = 2 * time.Second // for a transaction that has begun
)

//go:embed schema.sql
var schema string

// A store is the catalogue, in a SQLite database. A query that is running is
// interrupted when its context is done; the error is then that of [cancel.Err].
type store struct {
	db      *sql.DB
	dir     string           // removed at the end, or ""
	writing *nursery.Limiter // of one token: SQLite has one writer at a time
}

// openStore opens the database in that file, which it makes if there is none. Without
// a file it is a temporary one.
func openStore(ctx context.Context, file string) (*store, error) {
	s := &store{writing: nursery.NewLimiter(1)}
	if file == "" {
		dir, err := os.MkdirTemp("", "webapi")
		if err != nil {
			return nil, err
		}
		s.dir, file = dir, filepath.Join(dir, "books.db")
	}
	params := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "foreign_keys(1)"},
		"_txlock": {"immediate"}, // a transaction that is going to write says so first
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+params.Encode())
	if err != nil {
		return nil, errors.Join(err, s.removeDir())
	}
	s.db = db
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(ended(ctx, err), s.close())
	}
	return s, nil
}

// close closes the database. Nobody may be using it any more.
func (s *store) close() error { return errors.Join(s.db.Close(), s.removeDir()) }

func (s *store) removeDir() error {
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// books returns the books whose title or author contains text, those above the id
// after, in the order of their ids.
func (s *store) books(ctx context.Context, text string, after int64, limit int) ([]Book, error) {
	const query = `SELECT id, title, author, year, stock FROM books
		WHERE id > ? AND (title LIKE ? ESCAPE '\' OR author LIKE ? ESCAPE '\') ORDER BY id LIMIT ?`
	like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
	rows, err := s.db.QueryContext(ctx, query, after, like, like, limit)
	if err != nil {
		return nil, ended(ctx, err)
	}
	defer rows.Close()
	all := []Book{} // in JSON [] and not null
	for rows.Next() {
		var b Book
		if err := rows.Scan(&b.ID, &b.Title, &b.Author, &b.Year, &b.Stock); err != nil {
			return nil, ended(ctx, err)
		}
		all = append(all, b)
	}
	return all, ended(ctx, rows.Err())
}

// book returns a book, or errNoBook.
func (s *store) book(ctx context.Context, id int64) (Book, error) {
	b := Book{ID: id}
	row := s.db.QueryRowContext(ctx, `SELECT title, author, year, stock FROM books WHERE id = ?`, id)
	err := row.Scan(&b.Title, &b.Author, &b.Year, &b.Stock)
	if errors.Is(err, sql.ErrNoRows) {
		return b, errNoBook
	}
	return b, ended(ctx, err)
}

// add adds a book and returns its id.
func (s *store) add(ctx context.Context, b NewBook) (id int64, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `INSERT INTO books (title, author, year, stock) VALUES (?, ?, ?, ?)`,
			b.Title, b.Author, b.Year, b.Stock)
		if err != nil {
			return err
		}
		id, err = done.LastInsertId()
		return err
	})
	return id, err
}

// order takes copies of a book out of the stock and returns the id of the order, or
// errOutOfStock.
func (s *store) order(ctx context.Context, o Order) (id int64, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE books SET stock = stock - ? WHERE id = ? AND stock >= ?`,
			o.Quantity, o.Book, o.Quantity)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return errOutOfStock
		}
		done, err = tx.ExecContext(ctx, `INSERT INTO orders (book, quantity, cents) VALUES (?, ?, ?)`,
			o.Book, o.Quantity, o.Cents)
		if err != nil {
			return err
		}
		id, err = done.LastInsertId()
		return err
	})
	return id, err
}

// write runs fn in a transaction when it is its turn: who waits does so here, in a
// queue that can be left, and not in SQLite, which tries again and again and does not
// look at ctx meanwhile.
//
// Once the transaction has begun, ctx does not cut it short: of a commit that is cut
// short nobody knows whether it has taken place.
func (s *store) write(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	if err := s.writing.Acquire(ctx); err != nil {
		return err
	}
	defer s.writing.Release()
	return cancel.Shield(ctx, txGrace, func(ctx context.Context) error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return ended(ctx, err)
		}
		defer tx.Rollback() // unless it is committed; package sql drops a connection that cannot
		if err := fn(ctx, tx); err != nil {
			return ended(ctx, err)
		}
		return ended(ctx, tx.Commit())
	})
}

// ended returns the error of a canceled context in place of what a library has made
// of that, such as "interrupted" or "transaction has already been rolled back", which
// nobody would take for a cancellation.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return cancel.Err(ctx)
	}
	return err
}
