package errgroup_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/errgroup"
)

func Example() {
	index := func(context.Context) error { return errors.New("disk full") }
	upload := cancel.Forever
	g, ctx := errgroup.WithContext(context.Background())
	g.Go(func() error { return index(ctx) })
	g.Go(func() error { return upload(ctx) })
	if err := g.Wait(); err != nil {
		fmt.Println("failed:", err)
	}
	// Output: failed: disk full
}

// A panic of a task comes out of Wait, with the stack of the task.
func ExampleGroup() {
	defer func() {
		p := recover().(*nursery.PanicError)
		fmt.Println("panic:", p.Value)
		fmt.Println("the stack has the task:", strings.Contains(string(p.Stack), "ExampleGroup"))
	}()
	var g errgroup.Group
	g.Go(func() error { panic("bug") })
	_ = g.Wait() // panics
	// Output:
	// panic: bug
	// the stack has the task: true
}

// The context tells why it was canceled.
func ExampleWithContext() {
	errFull := errors.New("disk full")
	g, ctx := errgroup.WithContext(context.Background())
	g.Go(func() error { return errFull })
	g.Go(func() error {
		<-ctx.Done()
		fmt.Println("the error itself:", context.Cause(ctx) == errFull)
		if r, ok := cancel.ReasonOf(ctx); ok {
			file, _, _ := strings.Cut(r.Task, ":")
			fmt.Printf("a %s in %s failed\n", r.Source, file)
		}
		return ctx.Err()
	})
	fmt.Println(g.Wait())
	// Output:
	// the error itself: true
	// a task in example_test.go failed
	// disk full
}

// Err has all failures. The error of the third task says no more than that it was
// canceled.
func ExampleGroup_Err() {
	g, ctx := errgroup.WithContext(context.Background())
	g.Go(func() error { return errors.New("disk full") })
	g.Go(func() error {
		<-ctx.Done()
		return errors.New("404: gone")
	})
	g.Go(func() error {
		<-ctx.Done()
		return ctx.Err()
	})
	fmt.Println("Wait:", g.Wait())
	for err := range nursery.Leaves(g.Err()) {
		fmt.Println("Err:", err)
	}
	// Output:
	// Wait: disk full
	// Err: disk full
	// Err: 404: gone
}

// With a limit Go blocks, so that the loop does not run ahead of the tasks.
func ExampleGroup_SetLimit() {
	var g errgroup.Group
	g.SetLimit(1)
	for _, page := range []string{"a", "b", "c"} {
		g.Go(func() error {
			fmt.Println("fetch", page)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// fetch a
	// fetch b
	// fetch c
}

// TryGo starts nothing at the limit.
func ExampleGroup_TryGo() {
	var g errgroup.Group
	g.SetLimit(1)
	done := make(chan struct{})
	fmt.Println(g.TryGo(func() error { <-done; return nil }))
	fmt.Println(g.TryGo(func() error { return nil }))
	close(done)
	fmt.Println(g.Wait())
	// Output:
	// true
	// false
	// <nil>
}
