// Package errmatch describes trees of errors for tests. testutil.WantError compares an
// error with a description and shows where the two differ; see there.
//
//	testutil.WantError(t, err, errmatch.Group( // in any order
//		errmatch.Is(os.ErrNotExist),
//		errmatch.Task("fetch", errmatch.Is(io.ErrUnexpectedEOF)),
//	))
//
// This is Trio's RaisesGroup and Matcher.
package errmatch

import (
	"fmt"
)

// A Matcher describes an error. Use [Is], [As], [Canceled] and
// [Echo] for single errors, [Task] and [Panic] for the failures of tasks, and [Group] and
// [Nursery] for groups.
//
// A matcher ignores wrappers and the names of tasks and nurseries that it does not mention.
// It does not ignore groups, the number of errors in a group, or panics, so it notices
// unexpected errors. As[error](nil) and [Echo] are the exceptions.
//
// A Matcher is safe for use by multiple goroutines simultaneously, and may be used any
// number of times.
type Matcher interface {
	// match returns nil if err, which is not nil, matches.
	match(err error) *mismatch
	// tree returns a description of the matcher.
	tree() tree
}

// A mismatch says why an error does not match.
type mismatch struct {
	why tree
	// far is the distance of the error from the matcher: just above 0 for an error that
	// almost matches, 1 for an error that has nothing in common with it.
	far float64
}

func no(far float64, why string) *mismatch { return &mismatch{tree{text: why}, far} }

// Check returns "" if err matches want. Otherwise it returns a report, which shows what is
// missing and what is left over, and for each missing error the nearest one and why it does
// not match, followed by the complete error and matcher. A nil err does not match. Check
// panics if want is nil.
func Check(err error, want Matcher) (report string) {
	mustMatcher("Check", want)
	if err == nil {
		return fmt.Sprintf("the error is nil, want:\n%v", want.tree())
	}
	if m := want.match(err); m != nil {
		return fmt.Sprintf("the error does not match:\n%v\ngot:\n%v\nwant:\n%v", m.why, errorTree(err), want.tree())
	}
	return ""
}

// Tree returns err as a tree with one line for each error, without the stacks of panics.
func Tree(err error) string { return errorTree(err).String() }

// mustMatcher panics in the name of fn if a matcher is nil.
func mustMatcher(fn string, all ...Matcher) {
	for _, m := range all {
		if m == nil {
			panic("errmatch: " + fn + ": nil matcher")
		}
	}
}
