package recipes

import (
	"context"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A Broker calls back for each message, from goroutines of its own. Calls may still come
// after unsubscribe. It delivers a message again if the callback returns an error.
type Broker interface {
	Subscribe(callback func(message string) error) (unsubscribe func())
}

// Consume handles messages until it is asked to stop, and returns when all messages that
// it has accepted are handled.
func Consume(ctx context.Context, b Broker, handle func(ctx context.Context, message string) error) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		unsubscribe := b.Subscribe(func(message string) error {
			return n.TryGo(func(ctx context.Context) error { return handle(ctx, message) })
		})
		defer unsubscribe()
		<-cancel.UntilStop(ctx).Done()
		return cancel.Err(ctx)
	}, nursery.Limit(8))
}
