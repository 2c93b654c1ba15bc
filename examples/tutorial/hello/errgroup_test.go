package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// withErrgroup is main as it is written with errgroup, for comparison.
func withErrgroup() {
	g, ctx := errgroup.WithContext(context.Background())
	g.Go(func() error {
		defer fmt.Println("clock: stopped")
		for {
			fmt.Println("clock: tick")
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	g.Go(func() error {
		select {
		case <-time.After(2500 * time.Millisecond):
			return errors.New("disk full")
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	err := g.Wait()
	fmt.Println("nothing runs any more:", err)
}
