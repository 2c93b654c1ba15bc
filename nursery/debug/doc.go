// Package debug shows the task tree of a program: which tasks run, since when, what each
// waits for, which deadline passes next, and which task was canceled and has not returned.
//
// The tree has two sources. The stacks of all goroutines show every task and its nursery,
// in any program, at no cost before the snapshot. The registry of open nurseries knows
// names, ages, deadlines, cancellations and failures. It is off until [Enable] or
// nursery.Main switches it on.
//
//	defer debug.Enable()()
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		n.Go(work, nursery.Name("work"), nursery.Daemon())
//		<-working
//		return debug.Take().WriteText(&out)
//	}, nursery.Name("program"))
//
// [Take] returns a [Snapshot] of the program. [Parse] returns a Snapshot of a goroutine
// dump, such as the output of a program that received SIGQUIT. [Snapshot.WriteText] writes
// the tree as text, and encoding/json as JSON. [Watch] logs warnings, and [Metrics] counts.
//
// Commands and packages below this one show the same tree: grovetree draws the tree of a dump,
// and web serves it over HTTP. Package nursery/otel passes the figures of [Metrics] to
// OpenTelemetry.
//
// A program that is too large for [Take] has a tree of the registry, and a profile of its
// goroutines; see [MaxGoroutines]. [Under] takes a snapshot of a part of a program. With
// [Labels] crash dumps and CPU profiles have the names of tasks.
//
// # Warnings
//
// A warning states a fact, not a guess, but the fact may be intended. A task is
// unresponsive while it cleans up after its cancellation, and a time limit on one of its
// waits breaks a cycle. Times have thresholds, see [Thresholds].
//
//   - cycle: tasks wait for each other, by Task.Wait, Start, Shared.Do, at the end of a nursery or
//     for their turn under a limit
//   - panicking: a panic waits for the other tasks of its nursery, or for its body
//   - unresponsive: a task was canceled, and has not returned
//   - failing: a nursery has failed, and tasks have not returned
//   - stopping: a grace is about to end, and tasks have not returned
//   - late: a deadline has passed, and has not canceled its scope
//   - starved: tasks are queued, and none has returned since an earlier snapshot, so the first
//     snapshot never has it
//   - escaped: a task has begun a goroutine with a bare go statement, even if the task has
//     returned since, with the option [Labels]
//   - swollen: a nursery has very many tasks and no limit, or very many failures
//
// # Guarantees
//
// D1 While the registry is off, nurseries, tasks and scopes cost what they cost without
// this package.
//
// D2 A task is never shown in a nursery that it does not belong to. In a snapshot with
// stacks no task is missing that runs all the time while the snapshot is taken.
//
// D3 [Take] stops the program once, starts no goroutine, and waits for no task. Above a
// number of goroutines it takes a profile of the goroutines in place of their stacks, which
// stops the program for a moment alone.
//
// D4 Limits count what they leave out. They hold for the entries of a nursery, for warnings,
// for failures, and for nurseries inside each other.
//
// D5 In a synctest bubble times are virtual. Times of goroutines in bubbles other than the
// caller's are left out.
//
// D6 Equal tasks share an entry, with their number.
//
// D7 A task that waits for a channel, a limiter or a task shows which one. Tasks that wait
// for the same object can be recognized, and cycles can be found. While the registry is
// off, this costs each wait one atomic load.
//
// D8 Text escapes the characters that a terminal would act on.
//
// D9 Tasks that have not run yet are counted apart. If they have names, their nursery shows
// them, and whether they wait for their turn under a limit.
//
// D10 With the option [Labels] goroutines have the names of their nurseries and tasks as a
// label. Dumps have the label, and goroutines that a task has begun with a bare go statement
// inherit it.
//
// # Security
//
// A snapshot has the names of functions, tasks and scopes, file names, addresses, and the
// texts of errors. Treat it like net/http/pprof: do not serve it to the public.
package debug
