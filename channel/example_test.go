package channel_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func Example() {
	ctx := context.Background()
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s, r := channel.New[string](16)
		n.Go(func(ctx context.Context) error {
			defer s.Close()
			for line := range strings.Lines("to be\nor not\nto be\n") {
				if err := s.Send(ctx, line); err != nil {
					return err
				}
			}
			return nil
		})
		defer r.Close()
		for line, err := range r.All(ctx) {
			if err != nil {
				return err
			}
			fmt.Print(line)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// to be
	// or not
	// to be
	// <nil>
}

// A question carries the sender for its answer. With a capacity of 1, answering never
// blocks, even if the goroutine that asked has given up.
func ExampleNew() {
	type question struct {
		text   string
		answer *channel.Sender[string]
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		ask, inbox := channel.New[question](0)
		n.Go(func(ctx context.Context) error {
			defer inbox.Close()
			q, err := inbox.Receive(ctx)
			if err != nil {
				return err
			}
			defer q.answer.Close()
			return q.answer.Send(ctx, strings.ToUpper(q.text))
		})
		defer ask.Close()
		s, answer := channel.New[string](1)
		defer answer.Close()
		if err := ask.Send(ctx, question{"how are you?", s}); err != nil {
			return err
		}
		text, err := answer.Receive(ctx)
		fmt.Println(text)
		return err
	})
	fmt.Println(err)
	// Output:
	// HOW ARE YOU?
	// <nil>
}

// Stats shows a monitor that values are waiting but no receiver is.
func ExampleStats() {
	jobs, r := channel.New[string](2)
	defer r.Close()
	if err := jobs.TrySend("print"); err != nil {
		fmt.Println(err)
	}
	if s := jobs.Stats(); s.Len > 0 && s.BlockedReceivers == 0 {
		fmt.Printf("%d of %d slots used, %d of %d receivers waiting\n", s.Len, s.Cap, s.BlockedReceivers, s.Receivers)
	}
	// Output: 1 of 2 slots used, 0 of 1 receivers waiting
}

// A graph walk sends the links that it finds to itself. With a bounded channel it could
// deadlock.
func ExampleUnbounded() {
	links := map[string][]string{"/": {"/a", "/b"}, "/a": {"/b", "/c"}}
	todo, found := channel.Unbounded[string]()
	seen := map[string]bool{}
	visit := func(page string) {
		if !seen[page] {
			seen[page] = true
			if err := todo.TrySend(page); err != nil { // never because the channel is full
				fmt.Println(err)
			}
		}
	}
	visit("/")
	for page, err := found.TryReceive(); err == nil; page, err = found.TryReceive() {
		fmt.Println(page)
		for _, link := range links[page] {
			visit(link)
		}
	}
	// Output:
	// /
	// /a
	// /b
	// /c
}

// The consumer may leave the loop at any time. That ends the producer, even an infinite
// one.
func ExampleGenerate() {
	squares := func(_ context.Context, yield func(int) error) error {
		defer fmt.Println("producer: done")
		for i := 0; ; i++ {
			if err := yield(i * i); err != nil {
				return err
			}
		}
	}
	ctx := context.Background()
	err := channel.Generate(ctx, 0, squares, func(ctx context.Context, r *channel.Receiver[int]) error {
		for v, err := range r.All(ctx) {
			if err != nil || v > 10 {
				return err
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
