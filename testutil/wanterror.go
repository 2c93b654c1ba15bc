package testutil

import "testing"

// An ErrorMatcher says what an error is to be like, for [WantError]. See [Is],
// [As], [Canceled] and [Echo] for single errors, [Task] and [Panic] for what a
// task makes of them, and [Group] and [Nursery] for several.
//
// What a matcher does not mention it does not look at: wrappers and the names of
// tasks and nurseries do not count unless they are asked for. What counts, except
// for As[error](nil) and [Echo], is what is a group, how many are in it, and what is
// a panic. So no error that the test does not know of goes unnoticed.
//
// An ErrorMatcher is safe for use by multiple goroutines simultaneously, and may be
// used any number of times.
type ErrorMatcher interface {
	// match returns nil if err, which is not nil, is as wanted.
	match(err error) *mismatch
	// tree returns what is wanted.
	tree() tree
}

// A mismatch says in what an error is not as wanted.
type mismatch struct {
	why tree
	// far is how far the error is from what is wanted: above 0 for what is almost
	// right, to 1 for what has nothing to do with it.
	far float64
}

func no(far float64, why string) *mismatch { return &mismatch{tree{text: why}, far} }

// WantError fails the test unless err is as want says. It then shows what is
// missing, what is left over, and for each one missing the error that comes nearest
// and why it is not it, followed by all that it got and wanted:
//
//	testutil.WantError(t, err, testutil.Group( // in any order
//		testutil.Is(os.ErrNotExist),
//		testutil.Task("fetch", testutil.Is(io.ErrUnexpectedEOF)),
//	))
//
// WantError panics if t or want is nil; that err is nil is a failure.
//
// This is Trio's RaisesGroup and Matcher.
func WantError(t testing.TB, err error, want ErrorMatcher) {
	mustTB("WantError", t)
	mustMatcher("WantError", want)
	t.Helper()
	if err == nil {
		t.Errorf("WantError: the error is nil, want:\n%v", want.tree())
		return
	}
	if m := want.match(err); m != nil {
		t.Errorf("WantError: the error is not as wanted:\n%v\ngot:\n%v\nwant:\n%v", m.why, errorTree(err), want.tree())
	}
}

// mustMatcher panics in the name of the function fn if a matcher is nil.
func mustMatcher(fn string, all ...ErrorMatcher) {
	for _, m := range all {
		if m == nil {
			panic("testutil: " + fn + ": nil matcher")
		}
	}
}

// mustTB panics in the name of the function fn if t is nil.
func mustTB(fn string, t testing.TB) {
	if t == nil {
		panic("testutil: " + fn + ": nil testing.TB")
	}
}
