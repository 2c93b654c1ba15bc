// Package asan stands in for internal/asan, which a test of package context
// imports and other modules cannot.
package asan

// Enabled reports whether the address sanitizer is on.
const Enabled = false
