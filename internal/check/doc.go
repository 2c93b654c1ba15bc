// Package check has the tests that compare the library with sequential models. It has a
// module of its own for their dependencies.
package check
