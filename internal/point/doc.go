// Package point marks the steps of the library at which another goroutine may come
// in between, for package explore to try them all. In a build without the tag
// explore there is nothing of it in the code.
package point
