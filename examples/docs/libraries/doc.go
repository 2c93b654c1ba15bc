// Package libraries has the tests of docs/libraries.md: what a cancellation looks like in
// libraries that programs use, and what to write there.
package libraries
