// Package code recognizes the calls and variables of Grove, and of errgroup, in the
// syntax of a package.
package code
