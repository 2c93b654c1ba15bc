// Package testutil helps to test concurrent programs: leak checks, and virtual
// time with a root scope. It is for tests only.
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
package testutil
