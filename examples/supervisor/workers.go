package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
)

const (
	openTakes    = 300 * time.Millisecond
	flushEvery   = 500 * time.Millisecond
	flushTakes   = 100 * time.Millisecond
	connectTakes = 200 * time.Millisecond
	readEvery    = 50 * time.Millisecond
)

// readings are on their way from the ingest to the store. They exist for the whole life of
// the program, so the end of a run loses none.
type readings struct {
	send   *channel.Sender[int64]
	recv   *channel.Receiver[int64]
	batch  []int64      // received and not stored yet; only the store uses it
	taken  atomic.Int64 // by the ingest
	stored atomic.Int64
}

func newReadings() *readings {
	r := new(readings)
	r.send, r.recv = channel.New[int64](16)
	return r
}

// ServeHTTP writes the numbers of readings.
func (r *readings) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	// The client may have gone.
	_, _ = fmt.Fprintf(w, "taken: %d, stored: %d\n", r.taken.Load(), r.stored.Load())
}

// store stores readings from time to time. When it is asked to stop, it stores them once
// more, because the ingest has ended by then.
func (r *readings) store(ctx context.Context, started func()) error {
	if err := cancel.Sleep(ctx, openTakes); err != nil {
		return err
	}
	started()
	asked := cancel.UntilStop(ctx)
	for last := false; !last; {
		_ = cancel.Sleep(asked, flushEvery) // a stop ends the wait, but not a flush
		last = asked.Err() != nil
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// flush stores the readings in the channel. It keeps readings that it could not store for
// the next time.
func (r *readings) flush(ctx context.Context) error {
	for {
		v, err := r.recv.TryReceive()
		if err == channel.ErrWouldBlock {
			break
		}
		if err != nil {
			return err
		}
		r.batch = append(r.batch, v)
	}
	if len(r.batch) == 0 {
		return nil
	}
	if err := cancel.Sleep(ctx, flushTakes); err != nil {
		return err
	}
	r.stored.Add(int64(len(r.batch)))
	r.batch = r.batch[:0]
	return nil
}

// ingest takes a reading from time to time, until it is asked to stop. It waits when the
// store does not keep up.
func (r *readings) ingest(ctx context.Context, started func()) error {
	if err := cancel.Sleep(ctx, connectTakes); err != nil {
		return err
	}
	started()
	for asked := cancel.UntilStop(ctx); cancel.Sleep(asked, readEvery) == nil; {
		if err := r.send.Send(asked, r.taken.Load()); err != nil {
			break
		}
		r.taken.Add(1)
	}
	return cancel.Err(ctx)
}

// A server is a task for [nursery.Start].
type server = func(ctx context.Context, started func(*url.URL)) error

// front makes a worker of a server.
func front(s server, log *slog.Logger) func(ctx context.Context, started func()) error {
	return func(ctx context.Context, started func()) error {
		return s(ctx, func(u *url.URL) {
			log.Info("serving", "worker", "front", "url", u)
			started()
		})
	}
}
