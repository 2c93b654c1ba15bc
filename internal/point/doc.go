// Package point marks the steps of the library between which other goroutines may run, for
// package explore to try all orders. In a build without the tag explore the points have no
// code.
package point
