package testutil_test

import (
	"context"
	"fmt"

	"github.com/grove-go/grove/testutil"
)

// A function that is to leave nothing behind has forgotten a goroutine.
func ExampleVerifyNone() {
	t := printer{} // in a test, its *testing.T
	quit := make(chan struct{})
	defer close(quit)
	watch := func(context.Context) { go func() { <-quit }() }
	func() { // the test
		defer testutil.VerifyNone(t)
		watch(context.Background())
		fmt.Println("the test is through")
	}()
	// Output:
	// the test is through
	// found unexpected goroutines: ...
}
