// Timeouts is step 3 of the tutorial: three ways to wait no longer than one wants.
//
//	go run ./examples/tutorial/timeouts
//
// It prints what a reader of news does who has not much time: it takes what comes
// within a second, insists on what it needs, and listens to a ticker until that has
// been silent for too long. It takes seven seconds.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func main() {
	ctx := context.Background()
	optional(ctx)
	required(ctx)
	if err := listen(ctx); err != nil {
		fmt.Println("ticker:", err)
	}
}

// optional waits a second for the weather, and goes on without it.
func optional(ctx context.Context) {
	weather := "unknown"
	moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
		if err := cancel.Sleep(ctx, 3*time.Second); err != nil { // a slow server
			return err
		}
		weather = "fine"
		return nil
	})
	fmt.Printf("weather: %s (moved on: %t, error: %v)\n", weather, moved, err)
}

// required waits two seconds for the headlines, and fails without them.
func required(ctx context.Context) {
	err := cancel.FailAfter(ctx, 2*time.Second, func(ctx context.Context) error {
		return cancel.Sleep(ctx, 3*time.Second)
	})
	fmt.Println("headlines:", err, "- a timeout:", errors.Is(err, context.DeadlineExceeded))
}

// listen prints what a ticker sends until it has been silent for two seconds: the
// deadline of the scope moves on with each message.
func listen(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		out, in := channel.New[string](0)
		n.Go(func(ctx context.Context) error { return ticker(ctx, out) }, nursery.Daemon())
		moved, err := cancel.MoveOnAfter(ctx, 2*time.Second, func(ctx context.Context) error {
			for message, err := range in.All(ctx) {
				if err != nil {
					return err
				}
				fmt.Println("ticker:", message)
				cancel.FromContext(ctx).SetTimeout(2 * time.Second)
			}
			return nil
		})
		if moved {
			fmt.Println("ticker: silent for too long")
		}
		return err
	})
}

// ticker sends three messages, and then has nothing to say for an hour.
func ticker(ctx context.Context, out *channel.Sender[string]) error {
	defer out.Close()
	for _, pause := range []time.Duration{0, time.Second, time.Second, time.Hour} {
		if err := cancel.Sleep(ctx, pause); err != nil {
			return err
		}
		if err := out.Send(ctx, fmt.Sprintf("news after %v", pause)); err != nil {
			return err
		}
	}
	return nil
}
