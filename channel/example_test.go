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

// Who asks for something sends along where the answer is to go. With room for one, nobody
// who answers has to wait for those who have asked.
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

// What watches over a program sees that nobody takes from a channel.
func ExampleStats() {
	jobs, r := channel.New[string](2)
	defer r.Close()
	if err := jobs.TrySend("print"); err != nil {
		fmt.Println(err)
	}
	if s := jobs.Stats(); s.Len > 0 && s.BlockedReceivers == 0 {
		fmt.Printf("%d of %d places are taken, and none of %d receivers waits\n", s.Len, s.Cap, s.Receivers)
	}
	// Output: 1 of 2 places are taken, and none of 1 receivers waits
}

// A walk through a graph, whose own findings come back to it: with a bound it could wait
// for itself.
func ExampleUnbounded() {
	links := map[string][]string{"/": {"/a", "/b"}, "/a": {"/b", "/c"}}
	todo, found := channel.Unbounded[string]()
	seen := map[string]bool{}
	visit := func(page string) {
		if !seen[page] {
			seen[page] = true
			if err := todo.TrySend(page); err != nil { // never for want of room
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

// The loop may be left at any time: the producer, here one without end, goes with it.
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
