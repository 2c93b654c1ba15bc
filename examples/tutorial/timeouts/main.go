// Timeouts is step 3 of the tutorial: three ways to limit a wait.
//
//	go run ./examples/tutorial/timeouts
//
// It gives up on the weather after a second, fails without the headlines after two, and
// listens to a ticker until the ticker has been silent for two seconds. It takes seven
// seconds.
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

// listen prints the messages of a ticker until the ticker has been silent for two seconds.
// Each message moves the deadline of the scope.
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

// ticker sends three messages, and then is silent for an hour.
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
