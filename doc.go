// Package grove has no code. It is the landing page of a library for structured concurrency:
// goroutines that have an owner, and contexts that know why they were canceled.
//
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		n.Go(serve)
//		n.Go(refresh)
//		return nil
//	})
//
// Run returns when serve and refresh have returned. If one of them fails, the context of the
// other is canceled. If one panics, the panic goes on in the caller of Run. err has all
// failures.
//
// # Packages
//
//   - [github.com/grove-go/grove/nursery]: nurseries, which own tasks. Begin here.
//   - [github.com/grove-go/grove/cancel]: cancel scopes, which are contexts that can be
//     canceled, given a deadline that moves, shielded, and asked to stop gracefully.
//   - [github.com/grove-go/grove/channel]: memory channels, which can be canceled, cloned, and
//     closed from both ends.
//   - [github.com/grove-go/grove/testutil]: virtual time, leak checks, and cancellation at
//     every point of a function.
//   - [github.com/grove-go/grove/nursery/errgroup]: golang.org/x/sync/errgroup on nurseries,
//     for programs that begin by changing an import.
//   - [github.com/grove-go/grove/nursery/debug]: the tree of the tasks that run. Its command
//     grovetree draws the tree of a goroutine dump.
//   - [github.com/grove-go/grove/nursery/remote]: tasks that run in other processes.
//   - [github.com/grove-go/grove/nursery/otel]: metrics and spans of OpenTelemetry, in a module
//     of its own.
//   - [github.com/grove-go/grove/testutil/lint]: analyzers that find mistakes, in a module of
//     its own.
//
// # Documents
//
//   - docs/tutorial.md leads from one task to a tree in six steps.
//   - docs/from-errgroup.md and docs/from-python.md have code side by side.
//   - docs/recipes.md has code to copy.
//   - docs/seeing.md finds out why a program hangs.
//   - docs/remote.md says what holds for tasks on other machines.
//
// They are at https://github.com/grove-go/grove.
package grove
