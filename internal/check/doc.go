// Package check holds tests that compare the library with sequential models, by
// means that the library itself does not depend on.
package check
