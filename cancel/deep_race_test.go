//go:build race

package cancel_test

// deep is how deep tests of C13 nest scopes. The race detector makes each level ten
// times as expensive.
const deep = 10_000
