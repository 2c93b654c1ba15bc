// Package remote runs the tasks of a nursery in other processes. A call of a remote function
// blocks until its task has ended on a worker, obeys its context, and returns the task's
// error tree.
//
//	Fetch := remote.Define[string, int]("crawl.fetch", remote.Idempotent()) // both sides share it
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		worker := remote.NewWorker(engine, remote.Slots(64)) // usually in other processes
//		Fetch.Handle(worker, fetch)
//		n.Go(worker.Run, nursery.Daemon())
//
//		client, err := remote.NewClient(n, engine)
//		if err != nil {
//			return err
//		}
//		sizes, err := nursery.Map(ctx, urls, Fetch.Bind(client, remote.Retry(2)), nursery.Limit(200))
//		fmt.Println(sizes)
//		return err
//	})
//
// Nurseries, Map, First and limits need nothing new: [Func.Call] is a function like any
// other. If the nursery is canceled, the tasks are canceled on their workers, with the cause, and
// Map returns when they have ended there.
//
// # The third outcome
//
// A local function returns a value or an error. A call of a remote function may also end
// without either: if the worker is not heard of any more, the task may have happened, in whole
// or in part, and there is no way to know. Call then returns a [*LostError], for which errors.Is(err,
// [ErrLost]) holds. What to do is the caller's decision. For a function that does no harm when
// it runs twice, [Retry] decides it.
//
// # Concepts
//
// The caller owns its task. The task waits in a queue until a worker takes it from there,
// asks the caller for it, and gets it: each task goes to one worker at a time. The queue may
// lose or repeat what it holds, because the caller looks after its tasks. When the caller dies,
// its tasks are canceled, and those that have not begun never do.
//
// A [Client] makes calls and a [Worker] runs functions. They never connect to each other:
// an [Engine] carries their messages. The two tell each other of every running task in each
// third of the lease. If a worker does not hear of a caller for the lease, it cancels the
// caller's tasks. If a caller does not hear of a worker for a third longer, the outcome is
// unknown.
//
// # Rules for users
//
//   - Obey ctx in handlers. A handler that does not may run on when the caller has given up
//     hope, and beside another attempt.
//   - Give calls a deadline. A call without one waits as long as no worker takes the task.
//   - Register errors that callers look for, with [RegisterError] and [RegisterErrorType].
//   - Keep arguments and results small. Pass a reference to what is large.
//   - Give storage that must refuse an old attempt the Attempt of [Info].
//
// # Guarantees
//
// Tests and comments refer to these numbers.
//
// R1 Call returns only when the task has ended on its worker, has never begun, or its worker
// has not been heard of, or has not named it, for the lease and the grace, a third of it. In the last case the error
// says so.
//
// R2 A cancellation with its cause and reason reaches the task by one message. If that is
// lost, it reaches the task within a third of the lease, and if the worker cannot be reached,
// the worker cancels the task by itself within the lease. The same holds for a stop.
//
// R3 The running tasks of a caller that dies are canceled within the lease, and its queued
// tasks never begin.
//
// R4 The deadline of a task is never later than the caller's. A deadline that moves does so on
// the worker within a third of the lease.
//
// R5 A task that is canceled by its caller gives the caller the error of its own context, so
// that the scope around absorbs it. Of nested timeouts the right one reports it.
//
// R6 Messages between caller and worker may be lost, repeated and reordered.
//
// R7 A task begins at most once. With [Idempotent] and [Retry](n) it begins at most n+1
// times, and no two attempts run at the same time, if handlers return within a third of the
// lease when they are canceled, and the clocks run at the same rate.
//
// R8 A result reaches its call at most once. The results of older attempts do not count.
//
// R9 Clients and workers leave nothing behind. A client that is canceled serves until its
// last call has returned.
//
// R10 A worker takes no more tasks from a queue than it has free slots. A full queue makes
// Call wait.
//
// R11 The queue may lose, repeat and reorder messages. No task is lost by that.
//
// R12 A worker that is asked to stop loses no task. A task that it gives up when its grace is
// over is an [*AbortedError].
//
// R13 Tasks begin in no particular order.
//
// R15 Nothing that a peer sends makes a client or worker panic, take more than the limits, or
// run what it was not given with [Func.Handle]. Orders and results need the token of the task.
//
// R16 Overload makes tasks late and not lost.
//
// R17 The error of a task keeps its tree. Types of this library and what is registered keep
// their identity, and all other errors their message. See [DecodeError].
package remote
