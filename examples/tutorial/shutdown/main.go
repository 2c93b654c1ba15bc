// Shutdown is step 6 of the tutorial: a program that finishes its work when it is asked to
// stop.
//
//	go run ./examples/tutorial/shutdown
//
// Two bakers bake orders. At Ctrl-C the counter takes no more orders, and the bakers bake
// the orders that are left. A second Ctrl-C stops them at once, and so does the end of the
// grace.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func main() {
	nursery.Main(bakery, nursery.Name("bakery"), nursery.Grace(5*time.Second))
}

// bakery ends when the counter has closed and all orders are baked. Each baker has a
// receiver of its own, so no baker needs to know which is the last.
func bakery(ctx context.Context, n *nursery.Nursery) error {
	orders, toBake := channel.New[int](10)
	defer toBake.Close()
	n.Go(func(ctx context.Context) error { return counter(ctx, orders) }, nursery.Name("counter"))
	for _, name := range []string{"first baker", "second baker"} {
		own := toBake.Clone()
		n.Go(func(ctx context.Context) error { return bake(ctx, own) }, nursery.Name(name))
	}
	return nil
}

// counter takes an order every second until it is asked to stop. Then the context of
// UntilStop is done, but ctx is not, so the last order can still be sent.
func counter(ctx context.Context, orders *channel.Sender[int]) error {
	defer orders.Close()
	open := cancel.UntilStop(ctx)
	for order := 1; cancel.Sleep(open, time.Second) == nil; order++ {
		fmt.Println("ordered:", order)
		if err := orders.Send(ctx, order); err != nil {
			return err
		}
	}
	fmt.Println("closed")
	return cancel.Err(ctx)
}

// bake bakes orders until the channel ends. It closes its receiver.
func bake(ctx context.Context, orders *channel.Receiver[int]) error {
	defer orders.Close()
	for order, err := range orders.All(ctx) {
		if err != nil {
			return err
		}
		if err := cancel.Sleep(ctx, 2600*time.Millisecond); err != nil {
			fmt.Println("burnt:", order)
			return err
		}
		fmt.Println("baked:", order)
	}
	return nil
}
