package main

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
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
	errKeyUsed    = errors.New("another request had this Idempotency-Key")
)

const (
	connections = 8               // queries that run at a time; others wait for their turn
	txGrace     = 2 * time.Second // for a transaction that has begun
)

//go:embed schema.sql
var schema string

// A store is the catalogue, in a SQLite database. When its context is done, a query is
// interrupted, and returns the error of [cancel.Err].
type store struct {
	db      *sql.DB
	dir     string           // removed by close; "" for a given file
	writing *nursery.Limiter // one token, because SQLite has one writer at a time
}

// openStore opens the database in a file, and creates the file if it does not exist.
// Without a file it uses a temporary file.
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
		"_txlock": {"immediate"}, // a transaction asks for the write lock when it begins
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

// close closes the database, which must not be in use.
func (s *store) close() error { return errors.Join(s.db.Close(), s.removeDir()) }

func (s *store) removeDir() error {
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// books returns the books with text in the title or the author, and with ids above after,
// in the order of their ids.
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

// add adds a book. With a key other than "" it adds the book once; see [once].
func (s *store) add(ctx context.Context, key string, b NewBook) (Book, error) {
	book, _, err := once(ctx, s, key, fmt.Sprintf("add %+v", b), func(ctx context.Context, tx *sql.Tx) (Book, error) {
		done, err := tx.ExecContext(ctx, `INSERT INTO books (title, author, year, stock) VALUES (?, ?, ?, ?)`,
			b.Title, b.Author, b.Year, b.Stock)
		if err != nil {
			return Book{}, err
		}
		id, err := done.LastInsertId()
		return Book{id, b}, err
	})
	return book, err
}

// order takes copies of a book out of the stock and returns the order with its id, or
// errOutOfStock. With a key other than "" it does so once, and again reports a repetition;
// see [once].
func (s *store) order(ctx context.Context, key string, o Order) (_ Order, again bool, err error) {
	return once(ctx, s, key, fmt.Sprintf("order %d of %d", o.Quantity, o.Book), func(ctx context.Context, tx *sql.Tx) (Order, error) {
		done, err := tx.ExecContext(ctx, `UPDATE books SET stock = stock - ? WHERE id = ? AND stock >= ?`,
			o.Quantity, o.Book, o.Quantity)
		if err != nil {
			return o, err
		}
		if n, err := done.RowsAffected(); err != nil {
			return o, err
		} else if n == 0 {
			return o, errOutOfStock
		}
		done, err = tx.ExecContext(ctx, `INSERT INTO orders (book, quantity, cents) VALUES (?, ?, ?)`,
			o.Book, o.Quantity, o.Cents)
		if err != nil {
			return o, err
		}
		o.ID, err = done.LastInsertId()
		return o, err
	})
}

// once runs fn in a transaction, unless it has run with the same key before. In that case
// it returns the earlier result, and again is true. The key is written in the same
// transaction, so the database has both or neither. If a connection ends before the answer,
// the client does not know which, and sends the same key again, to this process or the
// next. If the request differs from the request with that key, the error is errKeyUsed.
//
// A request without a key, which is "", runs each time.
func once[T any](ctx context.Context, s *store, key, request string, fn func(ctx context.Context, tx *sql.Tx) (T, error)) (v T, again bool, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if key == "" {
			v, err = fn(ctx, tx)
			return err
		}
		var before, answer string
		row := tx.QueryRowContext(ctx, `SELECT request, answer FROM keys WHERE key = ?`, key)
		switch err := row.Scan(&before, &answer); {
		case err == nil && before != request:
			return errKeyUsed
		case err == nil:
			again = true
			return json.Unmarshal([]byte(answer), &v)
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		if v, err = fn(ctx, tx); err != nil {
			return err
		}
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO keys (key, request, answer) VALUES (?, ?, ?)`, key, request, string(b))
		return err
	})
	return v, again, err
}

// write runs fn in a transaction. Callers wait for their turn in the limiter, where ctx
// ends the wait, and not in SQLite, which retries without a look at ctx.
//
// ctx does not cut a transaction short, because after an interrupted commit it is unknown
// whether the transaction has taken place.
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
		defer tx.Rollback() // no effect after a commit; if it fails, package sql drops the connection
		if err := fn(ctx, tx); err != nil {
			return ended(ctx, err)
		}
		return ended(ctx, tx.Commit())
	})
}

// ended returns the error of ctx if ctx is done, in place of an error such as "interrupted"
// or "transaction has already been rolled back", which does not look like a cancellation.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return cancel.Err(ctx)
	}
	return err
}
