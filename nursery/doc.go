// Package nursery provides nurseries: blocks that own the goroutines started in
// them. A nursery's [Run] returns only when its body and every task have
// returned. Errors and panics go up, cancellation goes down.
//
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		for _, url := range urls {
//			n.Go(func(ctx context.Context) error { return fetch(ctx, url) }, nursery.Name(url))
//		}
//		return nil
//	})
//	fmt.Println("nothing runs any more:", err)
//
// If a call of fetch fails, the ctx of the others is canceled. When all have returned, Run
// returns the failures. No goroutine is left running, and no error is lost.
//
// # Concepts
//
// A task is a function that runs in a goroutine of its own and gets a context:
// the nursery's cancel scope (package cancel). The body is the function passed to
// Run. It runs in the caller's goroutine. The parameter ctx of body and tasks hides the
// outer ctx on purpose, because they should use their own.
//
// When a task or the body fails, the scope is canceled, with a [*TaskError] as
// the cause, and the others should return soon. An error that they return because of it
// is an echo of that cancellation (see [cancel.Scope.IsEcho]). Run drops echoes, so
// its result has the failures and nothing else.
//
// [Nursery.Go] starts a task that has no result. [Spawn] starts a task and returns a
// handle to its result, and [Start] waits until the task says that it is ready. A
// [Daemon] is a task that serves the others and ends with them. [Main] runs a nursery as
// a program, which stops gracefully at a signal.
//
// Some functions open a nursery and close it before they return. [Gather] and [Settle]
// collect results, [Race] and [First] wait for one of several tasks, [For], [Map] and
// [Each] call a function for many items, and a [Stream] is a sequence of results. A
// [Limiter] limits several nurseries together, and [Shared] lets callers that need the
// same value at the same time share its computation.
//
// Package [github.com/grove-go/grove/nursery/errgroup] has the API of
// golang.org/x/sync/errgroup, for programs that begin by changing an import.
//
// # Rules for users
//
//   - Watch ctx wherever you block, and return when it is done. A task that ignores ctx
//     holds up its nursery, because Run waits for it.
//   - Return the error of the call that gave up, wrapped or not, or [cancel.Err](ctx).
//   - Start a task in the nursery that it should not outlive, and pass the nursery to
//     the code that starts tasks in it.
//   - Use [errors.Is] and [errors.As] on the result, [Split] or [Leaves] to take
//     it apart, and %+v to log it.
//
// # Guarantees
//
// Tests and comments refer to these numbers.
//
// N1 Run returns only after the body and every task have returned, including tasks
// that tasks started, whatever failed, panicked or was canceled.
//
// N2 The first failure cancels the nursery's scope, with that failure as the
// cause. The body gets the same context as the tasks.
//
// N3 The result of a failed nursery is a [*GroupError], even for one failure. The
// message of a group with one failure is the message of the failure. Failures are in
// the order of time. The failure of a named task is a [*TaskError]. Nested nurseries give
// nested groups. Nothing is flattened, and groups of other types stay as they are.
//
// N4 Run drops echoes of the nursery's own cancellation, and its cause if a task
// returns the cause. If two tasks fail by themselves with the same sentinel error, both
// failures are in the result.
//
// N5 [Nursery.Cancel] ends a nursery early and does not fail it.
//
// N6 If an outer context was canceled, one [*cancel.Error] stands for all echoes of that
// cancellation. If all tasks return nil, so does Run.
//
// N7 A task may start tasks in any nursery that it was passed. An accepted task always
// runs. Misuse panics at the call: a nil task, a nil context, [Nursery.Go] after the end.
//
// N8 A panic in a task cancels the siblings. When all have returned, Run panics
// with a [*PanicError], which has the task's value and stack, and the other failures. It
// goes on unchanged through outer nurseries. A panic in the body also cancels the tasks,
// but goes on with its own value, because the code that recovers it knows the body.
// [PassPanics] lets panics of tasks do the same. If a value has no place for the other
// failures, they are written to standard error. With [RecoverPanics] a panic is a failure
// like any other. If the siblings do not return within [PanicGrace], the panic is written
// to standard error meanwhile.
//
// N9 [runtime.Goexit] in a task or in the body cancels the others, and then ends the
// goroutine that called Run. Panics take precedence over Goexit, and Goexit over errors.
//
// N10 A [Daemon] is canceled when the body and all other tasks have returned, and Run
// waits for it. Its echo is dropped. Any other error of a daemon is a failure.
//
// N11 [Limit] bounds how many tasks run at a time, first come, first served.
// Go never blocks. [For], [Map], [Each] and the streams begin no call after a cancellation.
// Without Limit they run as many calls at a time as there are processors. They take an item
// from a sequence only when its call can begin, or can wait for its token ([LimitBy]). The
// failure of a call is an [*ItemError].
//
// N12 With [KeepGoing] failures do not cancel, and all are in the result.
//
// N13 [Start] returns when the task calls started. Until then the task belongs to
// the caller of Start, and from then on to the nursery.
//
// N14 The failure of a [Task] is a failure of the nursery. [Task.Cancel] cancels the task
// alone. [Task.Wait] gives up when its ctx is done, and the task goes on.
//
// N15 Leaving the loop over a [Stream] or [StreamUnordered], in any way, cancels the
// running calls and waits for them. An error ends the stream. With [KeepGoing] it does
// not, and each item yields its own error.
//
// N16 [Race] and [First] cancel the tasks that have lost, wait for them, and drop their
// results.
//
// N17 [Main] stops gracefully at the first SIGINT or SIGTERM, cancels at the second,
// and exits at the third. Failures go to standard error as a tree, and the status is
// then 1.
//
// N18 A finished task leaves nothing in the nursery but its failure.
//
// N19 All this holds with a million tasks, on one processor, in a bubble of
// testing/synctest, and when many goroutines use a nursery at once.
//
// N20 The stack of a panic shows the user's frames alone.
//
// N21 A [Limiter] serves first come, first served. A call that was canceled before
// its turn gets no token, and the next in line is served. With [LimitBy] the tasks of
// nurseries hold tokens of one limiter. A task gives its token back while it waits for an
// inner nursery that uses the same limiter, or for another such task by [Task.Wait]. A
// failed task returns its token after the others have been canceled.
//
// N22 Callers of [Shared] with the same key share one computation. It is canceled when
// the last caller has given up. Its panic goes on in all callers.
//
// N23 A task with the option [Values], or begun by [Start], has the values of another
// context, and the cancellation, deadline and stop of its nursery.
//
// N24 Each goroutine that works for a nursery shows the nursery's address in its stack.
// Nothing else is recorded about a nursery without a name, unless the program looks at its
// tasks, by [Main] or by package nursery/debug.
//
// # Counterparts
//
//	Trio, anyio                     here
//	open_nursery, create_task_group Run
//	start_soon                      Nursery.Go
//	start, task_status.started(v)   Start, started(v)
//	nursery.cancel_scope            Nursery.Scope
//	CapacityLimiter                 Limiter, LimitBy
//	except*, ExceptionGroup.split   Split
//
//	asyncio                         here
//	TaskGroup                       Run
//	create_task, await task         Spawn, Task.Wait
//	gather                          Gather; with return_exceptions Settle
//	wait(FIRST_COMPLETED)           Race, First
//	as_completed                    StreamUnordered
//	Semaphore                       Limiter
//	run(main())                     Main
//
//	errgroup                        here
//	WithContext, Wait               Run
//	Go                              Nursery.Go
//	SetLimit                        Limit
//	singleflight.Group              Shared
package nursery
