// Package cancel provides cancel scopes: contexts that can be canceled, given a
// deadline that moves, shielded from outer cancellation, and asked to stop
// gracefully.
//
// A [*Scope] is a [context.Context], so everything that takes a context can be
// run in one, and contexts derived from it behave as they do under any other. Often
// it is enough to run a function in one:
//
//	err := cancel.FailAfter(ctx, 10*time.Millisecond, func(ctx context.Context) error {
//		page, err := fetch(ctx, "http://example.com")
//		if err != nil {
//			return err
//		}
//		fmt.Println(page)
//		return nil
//	})
//	if errors.Is(err, context.DeadlineExceeded) {
//		fmt.Println("no answer in time")
//	}
//
// The timeout holds for all that the function calls and hands its ctx to, however deep
// inside, and is over when FailAfter returns. An error that fetch returns because of it
// comes out as a [*TimeoutError], any other as it is.
//
// # What there is
//
//   - [FailAfter] and [FailAt] run a function that it is an error to be late with,
//     [MoveOnAfter] and [MoveOnAt] one without which one can go on.
//   - [Shield] runs clean-up, for a limited time, also when all around is canceled.
//   - [New] makes a scope to cancel from elsewhere, or with a deadline to move, for
//     [Scope.Run], or until [Scope.Close].
//   - [Sleep] and [Forever] wait, [Checkpoint] only looks: each gives up when its context
//     is done.
//   - [UntilStop] listens for a graceful stop.
//   - [Err] and [ReasonOf] tell who canceled, and why.
//
// # Concepts
//
// A scope is canceled by [Scope.Cancel], by its deadline, or by the cancellation
// of what encloses it. That flows down to all that is derived from it. A shield
// keeps what comes from outside out: [Scope.SetShield], and [Shield] for
// clean-up.
//
// An error that says nothing more than that a scope was canceled is an echo of
// that. It has done its work when it arrives at the border of the scope, and is
// absorbed there: by [Scope.Run], [MoveOnAfter], [FailAfter], or the end of a
// nursery.
//
// A graceful stop is a request to finish ([Scope.Stop], [Scope.Shutdown]), which
// is heard by those who listen for it ([UntilStop]).
//
// # Rules for users
//
//   - Return [Err](ctx), or wrap it, when you give up because ctx is done.
//   - Do not drop an error because it might be a cancellation; return it. Whose
//     it is decides itself further up.
//   - Return Err(ctx) in place of what another library makes of a cancellation, if it
//     adds errors of its own, as one that retries does: that is no echo any more.
//   - Return nil when you give up because of a graceful stop: you were asked to
//     finish, and did.
//   - Close a scope that you made with [New], or Run it.
//   - The idiom "ctx, cancel := context.WithTimeout(...)" hides this package. In a
//     file that imports it use a scope, or call the function stop.
//
// # Guarantees
//
// The numbers are those that tests and comments name.
//
// C1 A *Scope is a context.Context for any number of goroutines. [New] panics if
// the parent is nil.
//
// C2 Err is exactly [context.Canceled] or [context.DeadlineExceeded], for a scope
// and for all that the standard library derives from it, also after its
// deadline was moved.
//
// C3 [context.Cause] returns the cause given to the first Cancel, for the scope
// and for all derived from it.
//
// C4 Cancellation is synchronous: when the Cancel that canceled a scope returns,
// Err is set in everything below it that is not shielded, scopes and contexts of
// the standard library in any mix; [Scope.Cancel] names two exceptions, which
// follow within one goroutine hop. The cancellation of a standard context shows
// in the Err of a scope derived from it at once, and further down after one
// goroutine hop at most.
//
// C5 The first cancellation wins, wherever it came from.
//
// C6 Deadline returns the effective one as of now: the earliest of the scope's own
// and those around it up to the nearest shield. [Scope.SetDeadline] moves it
// anywhere at any time; one in the past cancels before SetDeadline returns, and
// one that was moved away in time does not strike.
//
// C7 A shield keeps outer cancellation and deadlines out, and their causes. The
// scope's own Cancel and deadline work on. Lowering it lets in at once what waits
// outside. Values pass.
//
// C8 Close leaves nothing behind: no timer, no goroutine, no entry in the parent.
// What is derived from a closed scope is canceled with a cause that says so,
// [ErrClosed].
//
// C9 An error is an echo of a scope's cancellation if it is the scope's Err, the cause
// itself, or an [*Error] or [*TimeoutError] that stems from that, or if it wraps
// echoes and nothing else can be in it. No real error is ever dropped, whatever type
// holds it and whatever Is or Unwrap of that type say, unless it is there only as text.
// See [Scope.IsEcho].
//
// C10 [Scope.Run] absorbs the echo of its own scope's cancellation. If something
// around it is canceled as well, the echo is handed on to that. Of nested
// timeouts the one whose deadline came first reports it, the outer one on a tie.
//
// C11 A block that returns nil, or a real error, has that result, whatever deadline
// passed in the meantime.
//
// C12 [Scope.Stop] reaches every scope below, through shields. [Scope.Shutdown]
// cancels what has not ended after its grace; a second one can only shorten
// that. [UntilStop] may be called in a loop.
//
// C13 Everything may be called by everyone at any time: there is no deadlock, and
// no code of others runs under a lock of ours. Propagation does not recurse:
// 100,000 scopes inside each other work.
//
// C14 [ReasonOf] and the message of an [*Error] tell who canceled, and where. This
// costs nothing until it happens.
//
// C15 A scope is for one use: Run panics the second time.
//
// C16 A scope's String reads like that of the standard library's contexts, and is
// safe to call at any time.
//
// # Counterparts
//
//	Trio, anyio                        here
//	CancelScope()                      New, Scope.Run
//	move_on_after, move_on_at          MoveOnAfter, MoveOnAt
//	fail_after, fail_at                FailAfter, FailAt
//	CancelScope(shield=True)           Shield, Shielded, Scope.SetShield
//	scope.deadline = x                 Scope.SetDeadline
//	current_effective_deadline()       ctx.Deadline()
//	whether a scope has moved on       the first result of MoveOnAfter
//	sleep, sleep_until, sleep_forever  Sleep, SleepUntil, Forever
//	checkpoint()                       Checkpoint
//
//	asyncio                            here
//	timeout(d), wait_for(x, d)         FailAfter
//	timeout.reschedule(t)              Scope.SetDeadline
//	shield(x)                          none: it detaches; see Shield
//	task.cancel()                      a scope of the task's own
//
//	package context                    here
//	WithCancelCause, CancelCauseFunc   New, Scope.Cancel
//	WithTimeout, WithDeadline          FailAfter, FailAt; New with Timeout or Deadline
//	WithoutCancel                      Shield, Shielded
//	ctx.Err(), Cause                   Err, ReasonOf
package cancel
