// Package cancel provides cancel scopes: contexts that can be canceled, given a
// deadline that moves, shielded from outer cancellation, and asked to stop
// gracefully.
//
// A [*Scope] is a [context.Context], so everything that takes a context can run
// in one, and contexts derived from it behave as they do below any other. Often
// it is enough to run a function in a scope:
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
// The timeout holds for everything that the function calls with its ctx, however deep
// inside, and is over when FailAfter returns. If fetch returns an error because of the
// timeout, FailAfter returns a [*TimeoutError]. Other errors come out as they are.
//
// # What there is
//
//   - [FailAfter] and [FailAt] run a function with a time limit and return an error if
//     it is exceeded. [MoveOnAfter] and [MoveOnAt] give up on the function instead and
//     let the caller carry on.
//   - [Shield] runs clean-up for a limited time, even when everything around it is
//     canceled.
//   - [New] makes a scope to cancel from elsewhere, or with a deadline to move, for
//     [Scope.Run], or until [Scope.Close].
//   - [Sleep] and [Forever] wait, and [Checkpoint] only looks. Each gives up when its
//     context is done.
//   - [UntilStop] listens for a graceful stop.
//   - [Inject] and [Extract] carry a scope's deadline to another process.
//   - [Err], [ReasonOf] and [Path] tell why a context was canceled, and where.
//   - [Because] and [EchoIf] are for errors of other libraries that a cancellation
//     caused.
//
// # Concepts
//
// A scope is canceled by [Scope.Cancel], by its deadline, or by the cancellation
// of a context that encloses it. The cancellation flows down to everything that
// is derived from the scope. A shield keeps cancellations out that come from
// outside: see [Scope.SetShield], and [Shield] for clean-up.
//
// An error that says nothing more than that a scope was canceled is an echo of
// the cancellation. An echo has done its work when it arrives at the border of
// the scope, and is absorbed there: by [Scope.Run], [MoveOnAfter], [FailAfter], or
// the end of a nursery.
//
// A graceful stop ([Scope.Stop], [Scope.Shutdown]) is a request to finish. Only
// code that waits on [UntilStop] notices it.
//
// # Rules for users
//
//   - Return [Err](ctx), or wrap it, when you give up because ctx is done.
//   - Return errors even if they may come from a cancellation. The scope that was
//     canceled recognizes its own.
//   - To fail, return an error. The cause that is given to [Scope.Cancel] says why the
//     scope gives up. The scope absorbs it as an echo.
//   - Return [Because](ctx, err) if a cancellation caused err and err does not unwrap
//     to the error of ctx. If a library makes such errors in many places, use
//     [EchoIf] once at the root of the program.
//   - When you give up because of a graceful stop, return Err(ctx), which is nil unless
//     ctx is done as well.
//   - Close a scope that you made with [New], or Run it.
//   - The idiom "ctx, cancel := context.WithTimeout(...)" hides this package. In a
//     file that imports it use a scope, or call the function stop.
//
// # Guarantees
//
// Tests and comments refer to these numbers.
//
// C1 A *Scope is a context.Context for any number of goroutines. [New] panics if
// the parent is nil.
//
// C2 Err is exactly [context.Canceled] or [context.DeadlineExceeded], for a scope
// and for every context that the standard library derives from it, even after the
// deadline was moved. If a foreign context above the scope ends with another
// error, that error is the cause.
//
// C3 [context.Cause] returns the cause given to the first Cancel, for the scope
// and for every context derived from it.
//
// C4 Cancellation is synchronous. When the Cancel that canceled a scope returns,
// every scope and every standard context below it that is not shielded is done,
// whatever stands in between, such as values or a context of another type that
// passes Done and Value on. None of them costs a goroutine. A goroutine that learns
// of the end of a scope before Cancel returns, from Err, Done, or a function that
// runs because of it, finds every scope below ended, except scopes below a foreign
// context. Two things may still be under way when Cancel returns: functions given
// to [Scope.OnDone], if another goroutine calls them, and contexts of other types
// that use a goroutine to follow their parent. A foreign context that encloses a
// scope, standard contexts among them, tells the scope by a goroutine. The end
// shows at once in the Err of the scopes directly below such a context, and after
// the goroutine has run in everything else.
//
// C5 The first cancellation that reaches a scope wins. A standard context above that
// is canceled reaches the scope at once, and a context of another type as C4 says.
//
// C6 Deadline returns the effective deadline as of now: the earliest of the scope's
// own and of those around it up to the nearest shield. [Scope.SetDeadline] moves
// the scope's own anywhere at any time. A deadline in the past cancels before
// SetDeadline returns. A deadline that moves away in time has no effect.
//
// C7 A shield keeps outer cancellations and deadlines out, and their causes. The
// scope's own Cancel and deadline still work. Lowering the shield lets a
// cancellation that waits outside in at once. Values pass.
//
// C8 Close leaves nothing behind: no timer, no goroutine, no entry in the parent.
// A context derived from a closed scope is canceled with a cause that says so,
// [ErrClosed]. An ended scope that is not closed leaves nothing behind either. In
// both cases the entry stays while something below is in use, such as a shielded
// scope.
//
// C9 An error is an echo of a scope's cancellation if nothing else can be in it, as
// far as that can be known without reading messages: it is, or wraps, the scope's
// Err, the cause itself, or an [*Error] or [*TimeoutError] that stems from that, or
// an error that [EchoIf] names. An error in which there is, or may be, something
// else is never dropped. What a timeout absorbs stays visible as the detail of its
// TimeoutError. See [Scope.IsEcho].
//
// C10 [Scope.Run] absorbs the echo of its own scope's cancellation. If a context
// around the scope is canceled as well, Run hands the echo on to that. Of nested
// timeouts, the one with the earliest deadline reports it, the outer one on a tie.
//
// C11 A block that returns nil, or a real error, has that result, whatever deadline
// passed in the meantime.
//
// C12 [Scope.Stop] reaches every scope below, through shields. [Scope.Shutdown]
// cancels the scope if it has not ended after the grace, which shields hold off. A
// second one can only shorten the grace. [UntilStop] may be called in a loop.
//
// C13 Everything may be called from everywhere at any time. There is no deadlock, and
// no code of another package runs under a lock of this one. Cancel, Close, Stop,
// Shutdown and the setting of a deadline call no method of a foreign context. New,
// Done, Err, OnDone and SetShield may call Done, Err and Value of one that has ended:
// call them under no lock that these methods take. Propagation does not
// recurse: 100,000 scopes inside each other work.
//
// C14 [ReasonOf] and the message of an [*Error] tell what canceled a context, and
// where. This costs nothing until it happens.
//
// C15 A scope is for one use: Run panics the second time.
//
// C16 A scope's String reads like the String of the standard library's contexts, and is
// safe to call at any time.
//
// C17 [Inject] and [Extract] carry the time that is left, the path and a stop to another
// process. Nothing that a peer sends extends the time of a request, or panics.
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
