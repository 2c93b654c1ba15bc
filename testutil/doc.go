// Package testutil helps to test concurrent programs with virtual time, leak checks,
// cancellation at every point, chosen interleavings, and matchers for trees of errors. It
// is for tests only.
//
// With this function, the tests of a package end with a leak check:
//
//	func TestMain(m *testing.M) { testutil.Main(m) }
//
// In a [Bubble] an hour takes no time, and goroutines that wait forever are reported as a
// deadlock:
//
//	func TestHeartbeat(t *testing.T) {
//		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
//			beats := 0
//			_, err := cancel.MoveOnAfter(ctx, time.Hour, func(ctx context.Context) error {
//				for {
//					if err := cancel.Sleep(ctx, 25*time.Minute); err != nil {
//						return err
//					}
//					beats++
//				}
//			})
//			if err != nil || beats != 2 { // known at once: time is virtual
//				t.Errorf("%d beats in an hour (%v), want 2", beats, err)
//			}
//		})
//	}
//
// # Concepts
//
// A bubble contains the goroutines of one test and has its own clock, which advances when
// all of them are blocked (package [testing/synctest]). A test of a timeout therefore
// takes no time, and its outcome does not depend on the speed of the machine.
//
// Tests establish an order instead of sleeping: a [Gate] holds goroutines back until it
// is opened, a [Sequencer] runs blocks of several goroutines in turn, and
// [WaitAllBlocked] returns when nothing more can happen.
//
// [CancelEverywhere] checks that a function cleans up wherever it is canceled: it finds
// the points and tries them all. [WantCheckpoint] and [WantNoCheckpoint] check
// whether a single function responds to the cancellation of its context.
//
// [WantError] compares a tree of errors with a matcher of package errmatch, and shows the
// differences.
//
// # Rules for users
//
//   - Call [Main] in the TestMain of each package. In a test that leaves a goroutine
//     behind on purpose, use [WantLeak] or [WantBlock].
//   - Outside a bubble, never sleep to wait for something.
//   - Create the channels, timers and scopes that a bubble uses inside it. Do not use the
//     network in a bubble, because it is not virtual; use net.Pipe.
//   - Use the *testing.T passed to the function, not the outer one.
//
// # Guarantees
//
// T1 [Main] and [VerifyNone] report leftover goroutines. Main prints what all goroutines
// wait for if none has run for ten seconds. [Bubble] runs a test in a synctest bubble,
// with virtual time, a root scope that ends with the test, and a leak check. It reports a
// deadlock with what each goroutine waits for, and the other tests go on. It prints the
// same if a bubble is about to exceed the timeout of the tests.
//
// T2 [CancelEverywhere] runs a function repeatedly and cancels it at each point where it
// can notice. It reports a function that hangs, leaves goroutines behind, panics, loses
// the reason for the cancellation, or fails the test itself.
//
// T3 The blocks of a [Sequencer] run in the order of their numbers, one at a time; if a
// call of At gives up, no later block runs. A [Gate] blocks all callers of Wait until it
// is opened, and none after that. [WaitAllBlocked] returns when no other goroutine of the
// bubble can proceed.
//
// T4 [WantCheckpoint] fails the test unless a function called with a canceled context
// returns an echo of that cancellation. [WantNoCheckpoint] fails the test unless it
// returns nil.
//
// T5 [WantError] fails the test unless an error matches. A group matches if its errors
// and the matchers can be paired, in any order, with none left over on either side.
// WantError finds a pairing if one exists, and otherwise shows what is missing, what is
// left over, and the nearest errors.
//
// T6 [WantBlock] and [WantLeak] assert that goroutines hang. The leak checks ignore
// the goroutines that they leave behind.
//
// # Counterparts
//
//	Trio                         here
//	autojump_clock, MockClock    Bubble
//	wait_all_tasks_blocked       WaitAllBlocked
//	Sequencer, Event             Sequencer, Gate
//	assert_checkpoints           WantCheckpoint
//	assert_no_checkpoints        WantNoCheckpoint
//	RaisesGroup, Matcher         WantError, errmatch.Group, errmatch.Is
//
//	Go                           here
//	synctest.Test, synctest.Wait Bubble, WaitAllBlocked
//	goleak.VerifyTestMain        Main
//	goleak.VerifyNone            VerifyNone
package testutil
