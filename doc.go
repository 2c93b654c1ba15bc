// Package grove is structured concurrency for Go. It has no code of its own. Its packages
// are
//
//   - [github.com/grove-go/grove/nursery]: a nursery owns its tasks. nursery.Run returns only
//     when its body and every task have returned. Errors and panics go up, cancellation
//     goes down.
//   - [github.com/grove-go/grove/nursery/errgroup]: golang.org/x/sync/errgroup on nurseries,
//     for programs that begin by changing an import.
//   - [github.com/grove-go/grove/cancel]: a cancel scope is a context.Context that can be
//     canceled, given a deadline that moves, shielded, and asked to stop gracefully.
//   - [github.com/grove-go/grove/channel]: memory channels, which can be canceled, cloned, and
//     closed from both ends.
//   - [github.com/grove-go/grove/testutil]: leak checks, virtual time, and cancellation injected
//     at every point.
//
// A program runs its tasks in nurseries:
//
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		n.Go(serve)
//		n.Go(refresh)
//		return nil
//	})
//
// If serve fails, the context of refresh is canceled, and Run returns when both have
// returned, with all that went wrong.
//
// The repository has a tutorial, a guide for users of errgroup, a guide for users of
// asyncio, Trio, Curio and anyio, and programs to read.
package grove
