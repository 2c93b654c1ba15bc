package remotetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/nursery/remote"
)

// TestEngine tests what package remote needs of an engine. The function engine returns
// engines of the same network, which two hosts could have. The test takes some seconds of
// real time, or none in a bubble.
func TestEngine(t *testing.T, engine func() remote.Engine) {
	a, b := engine(), engine()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	t.Run("a message is delivered until it is acknowledged", func(t *testing.T) {
		source := pull(t, b, "acks")
		enqueue(t, ctx, a, "acks", "1", 0, "hello")
		d := next(t, ctx, source)
		if string(d.Data()) != "hello" || d.Times() != 1 {
			t.Errorf("the message is %q, delivered %d times", d.Data(), d.Times())
		}
		if err := d.Nak(0); err != nil {
			t.Fatal(err)
		}
		d = next(t, ctx, source)
		if string(d.Data()) != "hello" || d.Times() != 2 {
			t.Errorf("after Nak the message is %q, delivered %d times", d.Data(), d.Times())
		}
		if err := d.Ack(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("Queued", func(t *testing.T) {
		receipt := enqueue(t, ctx, a, "there", "1", 0, "hello")
		if there, err := b.Queued(ctx, "there", receipt); !there || err != nil {
			t.Errorf("Queued() = %v, %v, want true", there, err)
		}
		d := next(t, ctx, pull(t, b, "there"))
		if there, err := a.Queued(ctx, "there", receipt); !there || err != nil {
			t.Errorf("Queued() = %v, %v before Ack, want true", there, err)
		}
		if err := d.Ack(); err != nil {
			t.Fatal(err)
		}
		for { // Ack does not wait
			there, err := a.Queued(ctx, "there", receipt)
			if err != nil {
				t.Fatal(err)
			}
			if !there {
				break
			}
		}
	})
	t.Run("a message has its time", func(t *testing.T) {
		receipt := enqueue(t, ctx, a, "short", "1", time.Second, "hello")
		for {
			there, err := a.Queued(ctx, "short", receipt)
			if err != nil {
				t.Fatal(err)
			}
			if !there {
				return
			}
			wait(t, ctx, 100*time.Millisecond)
		}
	})
	t.Run("a source takes what is there, and no more than it is asked for", func(t *testing.T) {
		for i := range 10 {
			enqueue(t, ctx, a, "most", fmt.Sprint(i), 0, fmt.Sprint(i))
		}
		source := pull(t, b, "most")
		var got []string
		for len(got) < 10 && ctx.Err() == nil {
			n := 0
			err := source.Next(ctx, 3, func(d remote.Delivery) {
				n++
				got = append(got, string(d.Data()))
				if err := d.Ack(); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if n > 3 {
				t.Errorf("%d messages, want at most 3", n)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("Next returns soon when its context is done", func(t *testing.T) {
		source := pull(t, b, "idle")
		ctx, stop := context.WithTimeout(ctx, 10*time.Millisecond)
		defer stop()
		for ctx.Err() == nil {
			if err := source.Next(ctx, 5, func(remote.Delivery) { t.Error("a message") }); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("a request is answered", func(t *testing.T) {
		unlisten, err := b.Listen("x.echo", func(msg []byte, reply func([]byte)) { reply(append(msg, '!')) })
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if got, err := ask(ctx, a, "x.echo", fmt.Sprint(i)); got != fmt.Sprint(i, "!") || err != nil {
					t.Errorf("Request() = %q, %v", got, err)
				}
			})
		}
		wg.Wait()
		unlisten()
		for { // the end of the listener may not be known everywhere yet
			try, stop := context.WithTimeout(ctx, 100*time.Millisecond)
			_, err := a.Request(try, "x.echo", []byte("hello"))
			stop()
			if errors.Is(err, remote.ErrNobody) {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("Request() = %v when nobody listens, want ErrNobody", err)
			}
		}
	})
	t.Run("a request gives up", func(t *testing.T) {
		unlisten, err := b.Listen("x.deaf", func([]byte, func([]byte)) {})
		if err != nil {
			t.Fatal(err)
		}
		defer unlisten()
		ctx, stop := context.WithTimeout(ctx, 10*time.Millisecond)
		defer stop()
		if _, err := a.Request(ctx, "x.deaf", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Request() = %v, want the timeout", err)
		}
	})
	t.Run("what is published arrives, one at a time", func(t *testing.T) {
		arrived := make(chan string, 10)
		var busy sync.Mutex
		unlisten, err := b.Listen("x.news", func(msg []byte, reply func([]byte)) {
			if !busy.TryLock() {
				t.Error("two messages at a time")
			}
			defer busy.Unlock()
			reply(msg) // does nothing
			arrived <- string(msg)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer unlisten()
		// The listener may not be known everywhere yet.
		if _, err := ask(ctx, a, "x.news", "first"); err != nil {
			t.Fatal(err)
		}
		if err := a.Publish("x.news", []byte("second")); err != nil {
			t.Fatal(err)
		}
		for got := ""; got != "second"; {
			select {
			case got = <-arrived:
			case <-ctx.Done():
				t.Fatal("the message does not arrive")
			}
		}
	})
}

// ask makes a request, again while there is no listener yet.
func ask(ctx context.Context, e remote.Engine, addr, msg string) (string, error) {
	for {
		got, err := e.Request(ctx, addr, []byte(msg))
		if !errors.Is(err, remote.ErrNobody) || ctx.Err() != nil {
			return string(got), err
		}
	}
}

func pull(t *testing.T, e remote.Engine, queue string) remote.Source {
	t.Helper()
	s, err := e.Pull(queue)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func enqueue(t *testing.T, ctx context.Context, e remote.Engine, queue, id string, ttl time.Duration, msg string) string {
	t.Helper()
	receipt, err := e.Enqueue(ctx, queue, queue+id, ttl, []byte(msg))
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// next returns the next message.
func next(t *testing.T, ctx context.Context, s remote.Source) (got remote.Delivery) {
	t.Helper()
	for got == nil && ctx.Err() == nil {
		if err := s.Next(ctx, 1, func(d remote.Delivery) { got = d }); err != nil {
			t.Fatal(err)
		}
	}
	if got == nil {
		t.Fatal("no message")
	}
	return got
}

func wait(t *testing.T, ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
}
