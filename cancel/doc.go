// Package cancel provides cancel scopes: contexts that can be canceled, given a deadline
// that moves, shielded from outer cancellation, and asked to stop gracefully.
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
// The timeout holds for all calls that get the ctx of the function, and is over when
// FailAfter returns. If fetch fails because of the timeout, FailAfter returns a
// [*TimeoutError]. It returns other errors as they are.
//
// # Concepts
//
// A [*Scope] is a [context.Context]. Functions that take a context can run in a scope, and
// contexts derived from a scope behave as usual.
//
// A scope is canceled by [Scope.Cancel], by its deadline, or by the cancellation of an
// enclosing context. Cancellation flows down to all contexts derived from the scope. A shield
// keeps outer cancellation out: see [Scope.SetShield], and [Shield] for clean-up.
//
// An echo is an error that says nothing more than that a scope was canceled. The border of
// the scope absorbs it: [Scope.Run], [MoveOnAfter], [FailAfter], or the end of a nursery.
//
// A graceful stop ([Scope.Stop], [Scope.Shutdown]) is a request to finish. Only code that
// waits on [UntilStop] notices it.
//
// # Functions
//
//   - [FailAfter] and [FailAt] run a function with a time limit, and return an error if the
//     limit is exceeded. [MoveOnAfter] and [MoveOnAt] give up on the function instead and
//     let the caller carry on.
//   - [Shield] runs clean-up for a limited time, even if the context is canceled.
//   - [New] makes a scope for code that cancels it from elsewhere or moves its deadline.
//   - [Sleep] and [Forever] wait until their context is done. [Checkpoint] checks a context
//     without waiting.
//   - [Inject] and [Extract] carry a scope's deadline to another process.
//   - [Err], [ReasonOf] and [Path] say why a context was canceled, and where.
//   - [Because] and [EchoIf] handle errors of other libraries that a cancellation caused.
//
// # Rules for users
//
//   - Return [Err](ctx), or wrap it, when you give up because ctx is done.
//   - Return errors even if they may come from a cancellation. The scope that was
//     canceled recognizes its own.
//   - To fail, return an error. The cause that is passed to [Scope.Cancel] says why the
//     scope gives up, and the scope absorbs it as an echo.
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
// Tests and comments refer to these numbers. A foreign context is a context that is not a
// scope and ends by itself, including the contexts of package context.
//
// C1 A *Scope is a context.Context for any number of goroutines. [New] panics if
// the parent is nil.
//
// C2 Err is exactly [context.Canceled] or [context.DeadlineExceeded], for a scope
// and for every context that the standard library derives from it, even after the
// deadline was moved. If a foreign context above the scope ends with another
// error, that error is the cause.
//
// C3 [context.Cause] of a scope, and of every context derived from it, returns the cause
// that was passed to the first Cancel.
//
// C4 Cancellation is synchronous. When the Cancel that canceled a scope returns, every
// scope and every standard context below it is done, unless a shield keeps the
// cancellation out. Contexts in between may have other types, if they pass Done and Value
// on. No scope or standard context costs a goroutine.
//
// A goroutine may learn of the end of a scope before Cancel returns: from Err, from Done,
// or in a function that runs because of the end. All scopes below have then ended, except
// scopes below a foreign context. Two things may be unfinished when Cancel returns:
// functions of [Scope.OnDone], if another goroutine calls them, and contexts of other types
// that use a goroutine to follow their parent.
//
// A foreign context that encloses a scope tells the scope of its end by a goroutine. The Err
// of scopes directly below the foreign context shows the end at once. Everything else shows
// it after the goroutine has run.
//
// C5 The first cancellation that reaches a scope wins. The cancellation of a standard
// context above reaches the scope at once. The cancellation of a context of another type
// reaches it as C4 says.
//
// C6 Deadline returns the effective deadline at the time of the call: the earliest of the
// scope's own deadline and the deadlines of enclosing contexts, up to the nearest shield.
// [Scope.SetDeadline] moves the scope's own deadline, earlier or later, at any time. A
// deadline in the past cancels the scope before SetDeadline returns. A deadline that is
// moved away before it passes has no effect.
//
// C7 A shield keeps outer cancellations and deadlines out, and their causes. The
// scope's own Cancel and deadline still work. If an outer context has been canceled,
// lowering the shield cancels the scope at once. Values pass through a shield.
//
// C8 Close leaves nothing behind: no timer, no goroutine, no entry in the parent.
// A context derived from a closed scope is canceled with the cause [ErrClosed]. A scope
// that has ended without Close leaves nothing behind either. In both cases the entry in
// the parent stays while a context below the scope is in use, such as a shielded scope.
//
// C9 An error is an echo of a scope's cancellation if it is, or wraps, one of these: the
// scope's Err, the cause, an [*Error] or [*TimeoutError] that stems from the cancellation,
// or an error that [EchoIf] names. The text of messages does not count. An error that
// holds something else, or may hold it, is not an echo, and is never dropped. An error that
// a timeout absorbs stays visible as the detail of the TimeoutError. See [Scope.IsEcho].
//
// C10 [Scope.Run] absorbs the echo of its own scope's cancellation. If an enclosing context
// is canceled as well, Run passes the echo on to it. Of nested timeouts, the timeout with
// the earliest deadline reports it. On a tie, the outer timeout does.
//
// C11 If a function returns nil, or an error that is not an echo, that is the result, even
// if a deadline has passed in the meantime.
//
// C12 [Scope.Stop] reaches every scope below, even through shields. [Scope.Shutdown] also
// cancels the scope if it has not ended after the grace. Shields keep that cancellation
// out. A second Shutdown can only shorten the grace. [UntilStop] may be called in a loop.
//
// C13 Any goroutine may call any function or method at any time. Calls do not deadlock, and
// no code of another package runs under a lock of this package. Cancel, Close, Stop,
// Shutdown and calls that set a deadline call no method of a foreign context. New, Done,
// Err, OnDone and SetShield may call Done, Err and Value of a foreign context that has
// ended. Do not call them under a lock that these methods take. Propagation does not
// recurse, so 100,000 nested scopes work.
//
// C14 [ReasonOf] and the message of an [*Error] say what canceled a context, and where.
// Scopes that are not canceled pay nothing for this.
//
// C15 A scope is for one use. The second call of Run panics.
//
// C16 A scope's String reads like the String of the standard library's contexts, and is
// safe to call at any time.
//
// C17 [Inject] and [Extract] carry the time that is left, the path and a stop to another
// process. No value from a peer extends the time of a request, or makes Extract panic.
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
