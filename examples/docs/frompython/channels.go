package frompython

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func memoryChannel(ctx context.Context) error {
	s, r := channel.New[int](16)
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return produce(ctx, s) })
		n.Go(func(ctx context.Context) error { return consume(ctx, r) })
		return nil
	})
}

func produce(ctx context.Context, s *channel.Sender[int]) error {
	defer s.Close()
	for i := range 3 {
		if err := s.Send(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func consume(ctx context.Context, r *channel.Receiver[int]) error {
	defer r.Close()
	for i, err := range r.All(ctx) {
		if err != nil {
			return err
		}
		fmt.Println("got", i)
	}
	return nil
}

func workers(ctx context.Context, jobs []string) error {
	return nursery.Each(ctx, slices.Values(jobs), save, nursery.Limit(3))
}

func ticks(ctx context.Context, count int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range count {
			if err := cancel.Sleep(ctx, time.Second); err != nil {
				yield(0, err)
				return
			}
			if !yield(i, nil) {
				return // the loop was left
			}
		}
	}
}

func asyncFor(ctx context.Context) error {
	for i, err := range ticks(ctx, 3) {
		if err != nil {
			return err
		}
		fmt.Println("tick", i)
	}
	return nil
}

func safeChannel(ctx context.Context) error {
	return channel.Generate(ctx, 0, pages, func(ctx context.Context, r *channel.Receiver[string]) error {
		page, err := r.Receive(ctx) // and no more: pages is canceled
		fmt.Println(page)
		return err
	})
}

func pages(ctx context.Context, yield func(string) error) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		for _, url := range []string{"a", "slow", "slower"} {
			n.Go(func(ctx context.Context) error {
				page, err := fetch(ctx, url)
				if err != nil {
					return err
				}
				return yield(page)
			})
		}
		return nil
	})
}

func selectLoop(ctx context.Context, r *channel.Receiver[string], every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-r.Ready():
			v, err := r.TryReceive()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			fmt.Println(v)
		case <-ticker.C:
			fmt.Println("still waiting")
		case <-ctx.Done():
			return cancel.Err(ctx)
		}
	}
}
