package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// A program must not wait for its log: lines for which there is no room are dropped.
func ExampleSender() {
	logs, r := channel.New[string](2)
	defer r.Close()
	defer logs.Close()
	for _, line := range []string{"starting", "listening", "serving"} {
		if err := logs.TrySend(line); errors.Is(err, channel.ErrWouldBlock) {
			fmt.Printf("dropped %q, for %d lines wait\n", line, logs.Stats().Len)
		}
	}
	// Output: dropped "serving", for 2 lines wait
}

// Each producer has a sender of its own and closes it; nobody needs to know which
// one is the last.
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

// What reads a protocol asks for values where it needs them, and knows where they end.
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

// Each worker has a receiver of its own. If all have failed, the producer hears of it.
func ExampleReceiver_Clone() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		s, r := channel.New[int](0)
		for range 2 {
			r := r.Clone()
			n.Go(func(ctx context.Context) error {
				defer r.Close()
				_, err := r.Receive(ctx)
				return err // one value, and no more: out of order
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
	// channel: all receivers are closed
	// <nil>
}

// When nobody receives any more, the producer hears of it.
func ExampleReceiver_Close() {
	s, r := channel.New[int](0)
	r.Close()
	fmt.Println(s.Send(context.Background(), 1))
	// Output: channel: all receivers are closed
}

// On the way out, what is there already is dealt with, and nothing is waited for.
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

// Rows are written to a table many at a time, if there are many.
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

func ExampleReceiver_C() {
	show := func(ctx context.Context, r *channel.Receiver[string], ticker *time.Ticker) {
		for {
			select {
			case v, ok := <-r.C():
				if !ok {
					fmt.Println("end of channel")
					return
				}
				fmt.Println(v)
			case <-ticker.C:
				fmt.Println("nothing for an hour")
			case <-ctx.Done():
				return
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
	show(context.Background(), r, ticker)
	// Output:
	// news
	// end of channel
}
