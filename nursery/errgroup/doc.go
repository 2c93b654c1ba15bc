// Package errgroup is a drop-in replacement for golang.org/x/sync/errgroup that runs its
// tasks in nurseries. A program that uses errgroup begins with Grove by changing the import:
//
//	g, ctx := errgroup.WithContext(context.Background())
//	g.Go(func() error { return index(ctx) })
//	g.Go(func() error { return upload(ctx) })
//	if err := g.Wait(); err != nil {
//		fmt.Println("failed:", err)
//	}
//
// The program then gains four things. Wait panics if a task panics, with the stack of the
// task. [Group.Err] returns the errors of all tasks. The context tells which task failed.
// Leak checks find a Group that was never waited for.
//
// New code should use [nursery.Run]. It cannot be left without waiting, it passes the
// context to the tasks, and its result has all errors.
//
// # First error and all errors
//
// [Group.Wait] returns the error of the task itself, because programs compare it with ==.
// That error cannot hold the errors of other tasks. [Group.Err] returns a
// [*nursery.GroupError] with all errors, as [nursery.Run] does. Err is the only exported
// name that is not in x/sync/errgroup.
//
// [context.Cause] of the context also returns the error of the task itself. cancel.ReasonOf
// also tells which task failed. Tasks of a Group have no names, so the file and line of a
// task's function stand for its name. For a method, and for a function that the compiler
// makes, the name of the function does.
//
// # Guarantees
//
// Tests and comments refer to these numbers.
//
// E1 The tests of golang.org/x/sync/errgroup pass, in the version that go.mod requires.
//
// E2 Wait returns the first error that a task returned, unchanged, even if it says that the
// task was canceled. All calls of Wait return the same error.
//
// E3 After Wait, Err returns a [*nursery.GroupError] with all failures in the order of
// time, or nil if Wait returns nil. Each is a [*nursery.TaskError], or a
// [*nursery.PanicError]. The error that Wait returns is one of them. Errors that say no
// more than that the context of WithContext was canceled are left out, unless Wait returns
// them. Errors that are the cause, or wrap it, are kept.
//
// E4 A panic cancels the context. When all tasks have returned, every call of Wait panics
// with a [*nursery.PanicError], as Run does. If this takes longer than a few seconds,
// because tasks do not return or Wait is not called, the panic is written to standard error
// meanwhile. [nursery.PassPanics] of a nursery around the Group applies.
//
// E5 A call of [runtime.Goexit] in a task counts as a return of nil.
//
// E6 The first failure cancels the context of WithContext, with the error as the cause, and
// the place of the task in the reason. The return of Wait cancels the context with the cause
// [context.Canceled].
//
// E7 At the limit Go blocks and TryGo returns false. A task returns its token after its
// failure has canceled the context.
//
// E8 When Wait returns, every task has left the Group's nursery, including tasks that
// tasks started. Then nothing of the Group is left.
//
// E9 From the first call of Go until the next call of Wait, a goroutine of the Group stays,
// even if all tasks have returned. Leak checks find it.
//
// E10 Wait may be called by several goroutines. Go after Wait begins anew. A task that was
// started while Wait returned in another goroutine belongs to the next Wait.
//
// E11 Misuse panics at the call: a nil task, a nil context, SetLimit while tasks run.
//
// # Counterparts
//
//	here                  nursery
//	WithContext, Wait     Run
//	Group.Go              Nursery.Go, which passes the context and never blocks
//	Group.SetLimit        Limit
//	Group.TryGo           a Limiter
//	Group.Err             the result of Run
//	the zero Group        Run with KeepGoing
package errgroup
