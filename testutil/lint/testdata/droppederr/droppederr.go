package droppederr

import (
	"context"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func task(ctx context.Context) error { return nil }

func count(ctx context.Context) (int, error) { return 0, nil }

func produce(ctx context.Context, yield func(int) error) error { return nil }

func consume(ctx context.Context, r *channel.Receiver[int]) error { return nil }

func dropped(ctx context.Context, s *channel.Sender[int], b *channel.Broadcast[int]) {
	nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return nil })        // want `the error of nursery.Run is dropped, and with it every failure inside; handle it, or assign it to _`
	nursery.For(ctx, 3, func(ctx context.Context, i int) error { return nil })                  // want `nursery.For is dropped`
	nursery.Map(ctx, []int{1}, func(ctx context.Context, i int) (int, error) { return i, nil }) // want `nursery.Map is dropped`
	(nursery.Gather(ctx, count))                                                                // want `nursery.Gather is dropped`
	nursery.Race[int](ctx, count, count)                                                        // want `nursery.Race is dropped`
	cancel.FailAfter(ctx, time.Second, task)                                                    // want `cancel.FailAfter is dropped`
	cancel.MoveOnAfter(ctx, time.Second, task)                                                  // want `cancel.MoveOnAfter is dropped`
	defer cancel.Shield(ctx, time.Second, task)                                                 // want `cancel.Shield is dropped`
	go cancel.New(ctx).Run(task)                                                                // want `Scope.Run is dropped`
	s.Send(ctx, 1)                                                                              // want `the error of Sender.Send is dropped, which says that the value was not sent`
	//grove:okay is another word
	channel.Generate(ctx, 1, produce, consume) // want `channel.Generate is dropped`
	b.Publish(ctx, 1)                          // want `Broadcast.Publish is dropped`
}

// What follows is right.

func handled(ctx context.Context, n *nursery.Nursery, s *channel.Sender[int]) (err error) {
	_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return nil })
	_, _ = nursery.Gather(ctx, count)
	_, err = cancel.MoveOnAfter(ctx, time.Second, task)
	fmt.Println(err)
	if err := cancel.FailAfter(ctx, time.Second, task); err != nil {
		return err
	}
	defer func() { err = cancel.Shield(ctx, time.Second, task) }()
	cancel.Sleep(ctx, time.Second)
	cancel.Forever(ctx)
	cancel.Checkpoint(ctx)
	nursery.Settle(ctx, count)
	nursery.Spawn(n, count)
	n.Go(task)
	s.TrySend(1)
	s.Close()
	nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { return nil }) //grove:ok the body returns nil
	return s.Send(ctx, 1)
}

type nurseryLike struct{}

func (nurseryLike) Run(ctx context.Context) error { return nil }

func another(ctx context.Context) {
	var nursery nurseryLike
	nursery.Run(ctx)
}
