// Package testutil helps to test concurrent programs: virtual time, leak checks,
// cancellation at each point, interleavings at will, and errors that are trees. It is
// for tests only.
//
// The tests of a package end in a leak check if it has this function:
//
//	func TestMain(m *testing.M) { testutil.Main(m) }
//
// In a [Bubble] an hour takes no time, and what waits for ever is reported as a
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
// A bubble holds the goroutines of one test, and has a clock of its own, which moves on
// when all of them are blocked (package [testing/synctest]). So a test of a timeout takes
// no time, and its outcome does not depend on how fast the machine is.
//
// Order in a test is made, not waited for: by a [Gate], which holds up who comes to it,
// by a [Sequencer], which gives blocks of several goroutines their turns, and by
// [WaitAllBlocked], which returns when nothing more is going to happen.
//
// What has to clean up has to do so wherever it is canceled. [CancelEverywhere] finds
// the places and tries them all. [AssertCheckpoint] and [AssertNoCheckpoint] look at one
// function: whether it heeds its context, or is free of that.
//
// [WantError] compares a tree of errors with what it should be, which an [ErrorMatcher]
// says, and shows where the two differ.
//
// # Rules for users
//
//   - Have a TestMain with [Main] in each package. In a test that leaves something
//     running on purpose, use [ExpectLeak] or [ExpectBlock].
//   - Never sleep to wait for something outside of a bubble.
//   - Make in the bubble what is used there: channels, timers, scopes. What is not
//     virtual, such as the network, does not belong in it; net.Pipe does.
//   - Take the *testing.T that the function is given, and not the outer one.
//
// # Guarantees
//
// T1 [Main] and [VerifyNone] report goroutines that are left over. [Bubble] runs
// a test in a synctest bubble, with virtual time, a root scope that ends with
// the test, and a leak check. Of a deadlock it reports who waits for what, and the
// other tests go on. Of a bubble that does not end in time it prints the same.
//
// T2 [CancelEverywhere] runs a function again and again, cancels it at each point at
// which it can notice, and reports if it hangs, leaves goroutines behind, panics, loses
// the reason, or finds fault itself.
//
// T3 The blocks of a [Sequencer] run in the order of their numbers, one at a time;
// if one gives up its turn, none runs after it. A [Gate] lets nobody through until
// it is opened, and then everybody. [WaitAllBlocked] returns when no other goroutine
// of the bubble can go on.
//
// T4 [AssertCheckpoint] fails the test unless a function that is called with a
// canceled context returns an echo of that cancellation, and [AssertNoCheckpoint]
// unless it returns nil.
//
// T5 [WantError] fails the test unless an error is as wanted: of a group, each error
// in it matches another one of those wanted, in any order, with none left over on
// either side. It finds an assignment if there is one, and otherwise shows what is
// missing, what is left over, and what comes nearest.
//
// T6 [ExpectBlock] and [ExpectLeak] state that something hangs. The leak checks forget
// what they leave.
//
// # Counterparts
//
//	Trio                         here
//	autojump_clock, MockClock    Bubble
//	wait_all_tasks_blocked       WaitAllBlocked
//	Sequencer, Event             Sequencer, Gate
//	assert_checkpoints           AssertCheckpoint
//	assert_no_checkpoints        AssertNoCheckpoint
//	RaisesGroup, Matcher         WantError, Group, Is, As
//
//	Go                           here
//	synctest.Test, synctest.Wait Bubble, WaitAllBlocked
//	goleak.VerifyTestMain        Main
//	goleak.VerifyNone            VerifyNone
package testutil
