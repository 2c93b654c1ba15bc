// Package nursery provides nurseries: blocks that own the goroutines started in
// them. A nursery's [Run] returns only when its body and every task have
// returned; errors and panics go up, cancellation goes down.
//
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		for _, url := range urls {
//			n.Go(func(ctx context.Context) error { return fetch(ctx, url) }, nursery.Name(url))
//		}
//		return nil
//	})
//	fmt.Println("nothing runs any more:", err)
//
// If fetch fails for one of them, ctx is canceled for the others. When all have
// returned, Run returns what went wrong. Nothing is left running, and no error is lost.
//
// # Concepts
//
// A task is a function that runs in a goroutine of its own and gets a context:
// the nursery's cancel scope (package cancel). The body is the function given to
// Run; it runs in the caller's goroutine and counts as one more task. The
// parameter ctx of body and tasks hides the outer one on purpose: the context to
// use is always the one in sight.
//
// When a task or the body fails, the scope is canceled, with a [*TaskError] as
// the cause, and the others are to return soon. What they return because of it
// is an echo of that cancellation (see [cancel.Scope.IsEcho]) and is dropped, so
// the result holds what went wrong and nothing else.
//
// [Nursery.Go] starts a task of which only its failure is of interest. [Spawn] returns a
// handle to its result, and [Start] waits until it says that it is ready. A [Daemon] is
// a task that serves the others and ends with them. [Main] runs a nursery as a program,
// which stops gracefully at a signal.
//
// What is a nursery from beginning to end has a function of its own, which leaves
// nothing running either: [Gather] and [Settle] collect results, [Race] and [First]
// want one of several, [For], [Map] and [Each] go through many alike, and a [Stream] is
// a sequence of results. A [Limiter] is for nurseries that are to be limited together,
// and [Shared] for callers who want the same thing at the same time.
//
// # Rules for users
//
//   - Look at ctx wherever you block, and return when it is done: a task that does
//     not holds up its nursery, which waits for ever.
//   - Return the error that you got, wrapped or not. [cancel.Err] makes a good one
//     of ctx.
//   - Start tasks in the nursery whose end they should not outlive, and hand the
//     nursery to those who are to start tasks in it.
//   - Use [errors.Is] and [errors.As] on the result, [Split] or [Leaves] to take
//     it apart, and %+v to log it.
//
// # Guarantees
//
// The numbers are those that tests and comments name.
//
// N1 Run returns only after the body and every task have returned, also tasks
// that were started by tasks, whatever failed, panicked or was canceled.
//
// N2 The first failure cancels the nursery's scope, with that failure as the
// cause. The body gets the same context as the tasks.
//
// N3 The result of a failed nursery is a [*GroupError], also for one failure; its
// message is then that failure's. Failures stand in the order in which they
// happened, those of named tasks as a [*TaskError]. Nested nurseries give nested
// groups; nothing is flattened, and groups that others made are left alone.
//
// N4 Echoes of the nursery's own cancellation are dropped, and so is its cause when
// a sibling hands it back. A sibling that fails by itself with the same sentinel
// error is not taken for that.
//
// N5 [Nursery.Cancel] ends a nursery early and is no failure.
//
// N6 If something outside was canceled, one [*cancel.Error] stands for all the
// echoes of that. If all tasks return nil all the same, so does Run.
//
// N7 A task may start tasks in any nursery that it was handed. A task that was
// accepted always runs. What cannot be right panics at the call: a nil task, a
// nil context, [Nursery.Go] after the end.
//
// N8 A panic in a task cancels the siblings; when all have returned, Run panics
// with a [*PanicError], which has the task's value and stack. It rises through
// nurseries as it is, and the other failures with it. With [RecoverPanics] it is a
// failure like any other. If the siblings do not return within [PanicGrace], the
// panic is written to standard error meanwhile.
//
// N9 [runtime.Goexit] in a task cancels the siblings, and then ends the goroutine
// that called Run. A panic comes before a Goexit, a Goexit before errors. In the
// body either does the same as in a task.
//
// N10 A [Daemon] is canceled when the body and all other tasks have returned, and
// awaited. Its echo is dropped, its failure is a failure.
//
// N11 With [Limit] so many tasks run at a time at most, first come, first served.
// Go never blocks. [For], [Map], [Each] and the streams begin nothing new once
// canceled, and run as many at a time as there are processors if there is no Limit.
// A sequence is asked for the next item only when that can be begun.
//
// N12 With [KeepGoing] failures do not cancel, and all are in the result.
//
// N13 [Start] returns once the task calls started. Until then the task belongs to
// the caller of Start, and from then on to the nursery.
//
// N14 The failure of a [Task] is one of the nursery's. [Task.Cancel] cancels it
// alone. [Task.Wait] gives up when its ctx is done, and does not touch the task.
//
// N15 When the loop over a [Stream] or [StreamUnordered] is left, in whichever way,
// what is running is canceled and awaited first. An error ends the stream. With
// [KeepGoing] it does not, and each item yields its own.
//
// N16 [Race] and [First] cancel those who have lost, and await them. What they
// return is dropped.
//
// N17 [Main] stops gracefully at the first SIGINT or SIGTERM, cancels at the second,
// and exits at the third. Failures go to standard error as a tree; the status is
// then 1.
//
// N18 A finished task leaves nothing in the nursery but its failure.
//
// N19 All this holds with a million tasks, on one processor, in a bubble of
// testing/synctest, and when many goroutines use a nursery at once.
//
// N20 The stack of a panic shows the user's frames alone.
//
// N21 A [Limiter] serves first come, first served. A token that was handed over is
// neither snatched nor lost to a cancellation. With [Using] the tasks of nurseries
// hold one of the same; a task that opens a nursery inside, which uses it too, lends
// its token meanwhile, so that they do not wait for each other.
//
// N22 Those who want the same of a [Shared] share one computation. It is canceled when
// the last of them has given up, and its panic reaches all of them.
//
// # Counterparts
//
//	Trio, anyio                     here
//	open_nursery, create_task_group Run
//	start_soon                      Nursery.Go
//	start, task_status.started(v)   Start, started(v)
//	nursery.cancel_scope            Nursery.Scope
//	CapacityLimiter                 Limiter, Using
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
