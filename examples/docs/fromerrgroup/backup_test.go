package fromerrgroup_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/grove-go/grove/nursery/errgroup"
)

// The lines of the tasks are in the document.
func Example_backup() {
	g, ctx := errgroup.WithContext(context.Background())
	g.Go(func() error {
		return errors.New("disk full")
	})
	g.Go(func() error {
		<-ctx.Done()
		return errors.New("404: gone") // as it cleans up
	})
	g.Go(func() error {
		<-ctx.Done()
		return ctx.Err()
	})
	fmt.Println("Wait:", g.Wait())
	fmt.Printf("Err: %+v\n", g.Err())
	// Output:
	// Wait: disk full
	// Err: 2 failures
	// ├── task "backup_test.go:14": disk full
	// └── task "backup_test.go:17": 404: gone
}
