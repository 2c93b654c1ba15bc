// Cleanup is step 4 of the tutorial: clean-up that takes time, in a canceled task.
//
//	go run ./examples/tutorial/cleanup
//
// Three calls end because a fourth task fails. The first has no shield and is cut off. The
// second says goodbye behind a shield. The third speaks for longer than its shield lasts.
// The program takes four seconds.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func main() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			<-ctx.Done() // the call goes on until it is canceled
			return goodbye(ctx, "line 1", time.Second)
		}, nursery.Name("line 1"))
		n.Go(func(ctx context.Context) error {
			<-ctx.Done()
			return cancel.Shield(ctx, 2*time.Second, func(ctx context.Context) error {
				return goodbye(ctx, "line 2", time.Second)
			})
		}, nursery.Name("line 2"))
		n.Go(func(ctx context.Context) error {
			<-ctx.Done()
			return cancel.Shield(ctx, 2*time.Second, func(ctx context.Context) error {
				return goodbye(ctx, "line 3", time.Hour)
			})
		}, nursery.Name("line 3"))
		n.Go(func(ctx context.Context) error {
			if err := cancel.Sleep(ctx, 2*time.Second); err != nil {
				return err
			}
			return errors.New("the exchange is on fire")
		}, nursery.Name("exchange"))
		return nil
	}, nursery.Name("calls"))
	fmt.Printf("%+v\n", err)
}

// goodbye takes its time.
func goodbye(ctx context.Context, name string, d time.Duration) error {
	if err := cancel.Sleep(ctx, d); err != nil {
		fmt.Printf("%s: cut off, %v\n", name, err)
		return err
	}
	fmt.Printf("%s: goodbye\n", name)
	return nil
}
