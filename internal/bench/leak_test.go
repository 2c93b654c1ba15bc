package main

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Importing ants opens a pool, and its two goroutines never end.
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}
