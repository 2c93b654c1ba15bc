//go:build !race

package cancel_test

// deep is how deep tests of C13 nest scopes.
const deep = 100_000
