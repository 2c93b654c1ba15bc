package testutil_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// The tests in this file appear in doc comments. They cannot be examples, which have no
// *testing.T.

// fetchAll fetches three pages, each of which takes a second.
func fetchAll(ctx context.Context, connections *nursery.Limiter) error {
	return nursery.For(ctx, 3, func(ctx context.Context, _ int) error {
		if err := connections.Acquire(ctx); err != nil {
			return err
		}
		defer connections.Release()
		return cancel.Sleep(ctx, time.Second)
	}, nursery.Limit(3))
}

func TestHeartbeat(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		beats := 0
		_, err := cancel.MoveOnAfter(ctx, time.Hour, func(ctx context.Context) error {
			for {
				if err := cancel.Sleep(ctx, 25*time.Minute); err != nil {
					return err
				}
				beats++
			}
		})
		if err != nil || beats != 2 { // known at once: time is virtual
			t.Errorf("%d beats in an hour (%v), want 2", beats, err)
		}
	})
}

func TestTwoConnections(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		start := time.Now()
		if err := fetchAll(ctx, nursery.NewLimiter(2)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("3 pages by 2 connections took %v, want 2s", took)
		}
	})
}

func TestSendWaitsForReceiver(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			s, r := channel.New[string](0)
			n.Go(func(ctx context.Context) error { return s.Send(ctx, "news") })
			testutil.WaitAllBlocked() // now the task is in Send, for certain
			if waiting := s.Stats().BlockedSenders; waiting != 1 {
				t.Errorf("%d senders wait, want 1", waiting)
			}
			_, err := r.Receive(ctx)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestSecondTokenBlocks(t *testing.T) {
	testutil.WantBlock(t, func(t *testing.T, ctx context.Context) {
		token := nursery.NewLimiter(1)
		for range 2 {
			if err := token.Acquire(ctx); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSenderIsNotClosed(t *testing.T) {
	testutil.WantLeak(t, func(t *testing.T, ctx context.Context) {
		_, r := channel.New[string](0)
		go r.Receive(context.WithoutCancel(ctx))
	})
}

func TestConnectionsAreGivenBack(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		connections := nursery.NewLimiter(2)
		err := fetchAll(ctx, connections)
		if n := connections.Stats().Borrowed; n != 0 {
			t.Errorf("%d connections were not given back", n)
		}
		return err
	})
}

func TestEverywhereOption(t *testing.T) {
	fetch := func(t *testing.T, ctx context.Context) error { return fetchAll(ctx, nursery.NewLimiter(2)) }
	var opts []testutil.EverywhereOption
	if testing.Short() {
		opts = append(opts, testutil.Points(20), testutil.Repeats(1))
	}
	testutil.CancelEverywhere(t, fetch, opts...)
}

func TestPoints(t *testing.T) {
	compute := func(t *testing.T, ctx context.Context) error {
		for range 1000 {
			if err := cancel.Checkpoint(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	testutil.CancelEverywhere(t, compute, testutil.Points(20))
}

func TestRepeats(t *testing.T) {
	receive := func(t *testing.T, ctx context.Context) error {
		news := make(chan string, 1)
		news <- "news"
		select { // takes either if ctx is done
		case <-news:
			return nil
		case <-ctx.Done():
			return cancel.Err(ctx)
		}
	}
	testutil.CancelEverywhere(t, receive, testutil.Repeats(20))
}

func TestMayReturn(t *testing.T) {
	read := func(t *testing.T, ctx context.Context) error {
		conn, peer := net.Pipe()
		defer peer.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				if err := cancel.Sleep(ctx, time.Second); err != nil {
					return err
				}
				_, err := peer.Write([]byte("news"))
				return err
			})
			_, err := conn.Read(make([]byte, 4)) // knows nothing of ctx
			return err
		})
	}
	testutil.CancelEverywhere(t, read, testutil.MayReturn(io.ErrClosedPipe))
}

func TestWithin(t *testing.T) {
	save := func(t *testing.T, ctx context.Context) error {
		err := cancel.Sleep(ctx, time.Hour)
		return errors.Join(err, cancel.Shield(ctx, time.Minute, func(ctx context.Context) error {
			return cancel.Sleep(ctx, 5*time.Second) // cleans up
		}))
	}
	testutil.CancelEverywhere(t, save, testutil.Within(10*time.Second))
}
