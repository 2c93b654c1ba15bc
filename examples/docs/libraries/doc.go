// Package libraries has the tests of docs/libraries.md: how libraries report a
// cancellation, and what callers write.
package libraries
