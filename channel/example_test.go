package channel_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func ExampleNew() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		s, r := channel.New[string](2)
		n.Go(func(ctx context.Context) error {
			defer s.Close()
			for _, word := range []string{"to", "be", "or", "not"} {
				if err := s.Send(ctx, word); err != nil {
					return err
				}
			}
			return nil
		})
		defer r.Close()
		for word, err := range r.All(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(word)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// to
	// be
	// or
	// not
	// <nil>
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

// When nobody receives any more, the producer hears of it.
func ExampleReceiver_Close() {
	s, r := channel.New[int](0)
	r.Close()
	fmt.Println(s.Send(context.Background(), 1))
	// Output: channel: all receivers are closed
}

func ExampleReceiver_C() {
	s, r := channel.New[string](1)
	if err := s.TrySend("news"); err != nil {
		fmt.Println(err)
	}
	s.Close()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for c := r.C(); c != nil; {
		select {
		case v, ok := <-c:
			if !ok {
				fmt.Println("end of channel")
				c = nil
				break
			}
			fmt.Println(v)
		case <-timeout.C:
			fmt.Println("nothing for a minute")
			c = nil
		}
	}
	// Output:
	// news
	// end of channel
}

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

func ExampleUnbounded() {
	s, r := channel.Unbounded[int]()
	for i := range 1000 {
		if err := s.TrySend(i); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(r.Stats().Len)
	// Output: 1000
}

func ExampleGenerate() {
	squares := func(_ context.Context, yield func(int) error) error {
		defer fmt.Println("producer: done")
		for i := 0; ; i++ {
			if err := yield(i * i); err != nil {
				return err
			}
		}
	}
	err := channel.Generate(context.Background(), 0, squares, func(ctx context.Context, r *channel.Receiver[int]) error {
		for v, err := range r.All(ctx) {
			if err != nil {
				return err
			}
			if v > 10 {
				return nil
			}
			fmt.Println(v)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// 0
	// 1
	// 4
	// 9
	// producer: done
	// <nil>
}

func ExampleBroadcast() {
	ctx := context.Background()
	b := channel.NewBroadcast[string](2)
	patient, hasty := b.Subscribe(channel.DropOldest), b.Subscribe(channel.CutOff)
	for _, v := range []string{"one", "two", "three"} {
		if err := b.Publish(ctx, v); err != nil {
			fmt.Println(err)
		}
	}
	b.Close()
	for v, err := range patient.All(ctx) {
		fmt.Println(v, err)
	}
	fmt.Println("dropped", patient.Dropped())
	_, err := hasty.Receive(ctx)
	fmt.Println(err)
	// Output:
	// two <nil>
	// three <nil>
	// dropped 1
	// channel: subscriber has lagged behind, and was cut off
}

func ExampleWatch() {
	ctx := context.Background()
	config := channel.NewWatch("first")
	watcher := config.Watch()
	for _, v := range []string{"second", "third"} {
		if err := config.Set(v); err != nil {
			fmt.Println(err)
		}
	}
	v, err := watcher.Receive(ctx)
	fmt.Println(v, err)
	_, err = cancel.MoveOnAfter(ctx, time.Millisecond, func(ctx context.Context) error {
		_, err := watcher.Receive(ctx) // until it changes again
		return err
	})
	_, again := watcher.TryReceive()
	fmt.Println(err, errors.Is(again, channel.ErrWouldBlock))
	// Output:
	// third <nil>
	// <nil> true
}
