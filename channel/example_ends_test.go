package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// TrySend drops lines for which there is no room, so that the program does not wait for
// its log.
func ExampleSender() {
	logs, r := channel.New[string](2)
	defer r.Close()
	defer logs.Close()
	for _, line := range []string{"starting", "listening", "serving"} {
		if err := logs.TrySend(line); errors.Is(err, channel.ErrWouldBlock) {
			fmt.Printf("dropped %q: %d lines are waiting\n", line, logs.Stats().Len)
		}
	}
	// Output: dropped "serving": 2 lines are waiting
}

// Each producer closes its own sender. The channel ends when the last one is closed.
func ExampleSender_Clone() {
	sum := 0
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		s, r := channel.New[int](0)
		for i := range 3 {
			s := s.Clone()
			n.Go(func(ctx context.Context) error {
				defer s.Close()
				return s.Send(ctx, i)
			})
		}
		s.Close()
		defer r.Close()
		for v, err := range r.All(ctx) {
			if err != nil {
				return err
			}
			sum += v
		}
		return nil
	})
	fmt.Println(sum, err)
	// Output: 3 <nil>
}

// A parser receives values where it needs them. The error is io.EOF at the end.
func ExampleReceiver() {
	s, r := channel.New[string](3)
	defer r.Close()
	for _, word := range []string{"Subject:", "hello"} {
		if err := s.TrySend(word); err != nil {
			fmt.Println(err)
		}
	}
	s.Close()
	ctx := context.Background()
	header, err := r.Receive(ctx)
	fmt.Println(header, err)
	value, err := r.Receive(ctx)
	fmt.Println(value, err)
	_, err = r.Receive(ctx)
	fmt.Println(err == io.EOF)
	// Output:
	// Subject: <nil>
	// hello <nil>
	// true
}

func ExampleReceiver_All() {
	count := func(ctx context.Context, r *channel.Receiver[string]) error {
		defer r.Close()
		words := 0
		for line, err := range r.All(ctx) {
			if err != nil {
				return err
			}
			words += len(strings.Fields(line))
		}
		fmt.Println(words, "words")
		return nil
	}
	s, r := channel.New[string](2)
	for line := range strings.Lines("to be\nor not to be\n") {
		if err := s.TrySend(line); err != nil {
			fmt.Println(err)
		}
	}
	s.Close()
	fmt.Println(count(context.Background(), r))
	// Output:
	// 6 words
	// <nil>
}

// Each worker has its own receiver. When all workers have failed, Send returns ErrBroken
// to the producer.
func ExampleReceiver_Clone() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		s, r := channel.New[int](0)
		for range 2 {
			r := r.Clone()
			n.Go(func(ctx context.Context) error {
				defer r.Close()
				_, err := r.Receive(ctx)
				return err // the worker fails after one value
			})
		}
		r.Close()
		defer s.Close()
		for i := 0; ; i++ {
			if err := s.Send(ctx, i); err != nil {
				fmt.Println(err)
				return nil
			}
		}
	})
	fmt.Println(err)
	// Output:
	// channel: no receiver takes values any more
	// <nil>
}

// Send returns ErrBroken after the last receiver is closed.
func ExampleReceiver_Close() {
	s, r := channel.New[int](0)
	r.Close()
	fmt.Println(s.Send(context.Background(), 1))
	// Output: channel: no receiver takes values any more
}

// TryReceive handles the jobs that are left at shutdown without waiting for more.
func ExampleReceiver_TryReceive() {
	s, r := channel.New[string](8)
	defer s.Close()
	defer r.Close()
	for _, job := range []string{"save", "print"} {
		if err := s.TrySend(job); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(r.Stats().Len, "jobs left")
	for {
		job, err := r.TryReceive()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(job)
	}
	// Output:
	// 2 jobs left
	// save
	// print
	// channel: operation would block
}

// Rows are written to a table in batches if several are waiting.
func ExampleReceiver_ReceiveBatch() {
	s, r := channel.New[int](10)
	for i := range 5 {
		if err := s.TrySend(i); err != nil {
			fmt.Println(err)
		}
	}
	rows := make([]int, 3)
	for range 2 {
		n, err := r.ReceiveBatch(context.Background(), rows)
		fmt.Println(rows[:n], err)
	}
	// Output:
	// [0 1 2] <nil>
	// [3 4] <nil>
}

func ExampleReceiver_Ready() {
	show := func(ctx context.Context, r *channel.Receiver[string], ticker *time.Ticker) error {
		for {
			select {
			case <-r.Ready():
				v, err := r.TryReceive()
				if err == channel.ErrWouldBlock {
					continue // another receiver was faster
				}
				if err != nil {
					return err
				}
				fmt.Println(v)
			case <-ticker.C:
				fmt.Println("nothing for an hour")
			case <-ctx.Done():
				return cancel.Err(ctx)
			}
		}
	}
	s, r := channel.New[string](1)
	if err := s.TrySend("news"); err != nil {
		fmt.Println(err)
	}
	s.Close()
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	fmt.Println(show(context.Background(), r, ticker))
	// Output:
	// news
	// EOF
}

// A conn is a connection for the example of Refuse.
type conn int

func (c conn) Close() { fmt.Println("closed", int(c)) }

// A server that shuts down closes the connections that were accepted but not served.
func ExampleReceiver_Refuse() {
	accepted, r := channel.New[conn](10)
	for i := range 2 {
		if err := accepted.TrySend(conn(i)); err != nil {
			fmt.Println(err)
		}
	}
	closeAll := func() {
		r.Refuse()
		for {
			conn, err := r.TryReceive()
			if err != nil {
				break
			}
			conn.Close()
		}
	}
	closeAll()
	fmt.Println(accepted.TrySend(conn(2)))
	// Output:
	// closed 0
	// closed 1
	// channel: no receiver takes values any more
}
