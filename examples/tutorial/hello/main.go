// Hello is the smallest program: two tasks, one of which fails.
//
//	go run ./examples/tutorial/hello
//
// It prints a tick a second until the other task fails, and then the error.
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
			defer fmt.Println("clock: stopped")
			for {
				fmt.Println("clock: tick")
				if err := cancel.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
		}, nursery.Name("clock"))
		n.Go(func(ctx context.Context) error {
			if err := cancel.Sleep(ctx, 2500*time.Millisecond); err != nil {
				return err
			}
			return errors.New("disk full")
		}, nursery.Name("writer"))
		return nil
	})
	fmt.Println("nothing runs any more:", err)
}
