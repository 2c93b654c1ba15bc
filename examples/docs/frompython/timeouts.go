package frompython

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
)

func failAfter(ctx context.Context, url string) (string, error) {
	var page string
	err := cancel.FailAfter(ctx, 2*time.Second, func(ctx context.Context) (err error) {
		page, err = fetch(ctx, url)
		return err
	})
	if _, ok := errors.AsType[*cancel.TimeoutError](err); ok {
		fmt.Println("too slow")
	}
	return page, err
}

func moveOnAfter(ctx context.Context, url string) (string, error) {
	var page string
	moved, err := cancel.MoveOnAfter(ctx, 2*time.Second, func(ctx context.Context) (err error) {
		page, err = fetch(ctx, url)
		return err
	})
	if moved {
		page = "from the cache"
	}
	return page, err
}

func reschedule(ctx context.Context, messages <-chan string) error {
	idle := cancel.New(ctx, cancel.Timeout(time.Minute))
	return idle.Run(func(ctx context.Context) error {
		for {
			select {
			case <-messages:
				idle.SetTimeout(time.Minute)
			case <-ctx.Done():
				return cancel.Err(ctx)
			}
		}
	})
}

func shield(ctx context.Context, c *conn) (err error) {
	defer func() {
		err = errors.Join(err, cancel.Shield(ctx, 5*time.Second, c.sayGoodbye))
	}()
	return c.talk(ctx)
}

func cleanUp(ctx context.Context) error {
	defer fmt.Println("cleaned up")
	_, err := fetch(ctx, "slow")
	return err
}

func computes(ctx context.Context, rows [][]float64) (sum float64, err error) {
	for _, row := range rows {
		if err := cancel.Checkpoint(ctx); err != nil {
			return 0, err
		}
		for _, x := range row {
			sum += x
		}
	}
	return sum, nil
}

// A conn is a connection that should be closed with a goodbye.
type conn struct{ closed bool }

func (c *conn) talk(ctx context.Context) error { return cancel.Forever(ctx) }

func (c *conn) sayGoodbye(ctx context.Context) error {
	c.closed = ctx.Err() == nil
	return cancel.Err(ctx)
}
