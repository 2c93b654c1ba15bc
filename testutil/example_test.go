package testutil_test

import (
	"context"
	"fmt"

	"github.com/grove-go/grove/testutil"
)

// VerifyNone reports a goroutine that the function under test left running.
func ExampleVerifyNone() {
	t := printer{} // in a test, its *testing.T
	quit := make(chan struct{})
	defer close(quit)
	watch := func(context.Context) { go func() { <-quit }() }
	func() { // the test
		defer testutil.VerifyNone(t)
		watch(context.Background())
		fmt.Println("the test is done")
	}()
	// Output:
	// the test is done
	// found unexpected goroutines: ...
}
