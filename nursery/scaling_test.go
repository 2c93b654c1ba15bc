package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// BenchmarkScaling measures operations that must take time in proportion to the size of a
// tree of errors. The second of each pair should take twice as long as the first.
func BenchmarkScaling(b *testing.B) {
	for _, work := range []struct {
		name string
		size int
		do   func(b *testing.B, n int)
	}{
		{"nested nurseries, canceled from outside", 1000, func(b *testing.B, n int) { nestedFailures(b, n, "") }},
		{"nested nurseries with names, canceled from outside", 1000, func(b *testing.B, n int) { nestedFailures(b, n, "x") }},
		{"nested nurseries, a failure rises", 1000, func(b *testing.B, n int) {
			if err := rising(n); !errors.Is(err, errBoom) {
				b.Fatal("the failure is missing")
			}
		}},
		{"panics", 20_000, func(b *testing.B, n int) {
			if p, ok := recovered(func() { _ = panicking(n) }).(*nursery.PanicError); !ok || len(p.Others) != n-1 {
				b.Fatal("some panics are missing")
			}
		}},
		{"panics recovered", 20_000, func(b *testing.B, n int) {
			if err := panicking(n, nursery.RecoverPanics()); len(err.(*nursery.GroupError).Unwrap()) != n {
				b.Fatal("some panics are missing")
			}
		}},
	} {
		for _, n := range []int{work.size, 2 * work.size} {
			b.Run(fmt.Sprintf("%s/n=%d", work.name, n), func(b *testing.B) {
				for b.Loop() {
					work.do(b, n)
				}
			})
		}
	}
	for _, work := range []struct {
		name string
		size int
		err  func(n int) error
		do   func(b *testing.B, err error)
	}{
		{"Error of nested groups", 400, nestedGroups, func(_ *testing.B, err error) { _ = err.Error() }},
		{"%+v of nested groups", 400, nestedGroups, func(_ *testing.B, err error) { _ = fmt.Sprintf("%+v", err) }},
		{"Split of a group in wrappers", 2000, func(n int) error {
			err := errors.Join(errBoom, context.Canceled)
			for range n {
				err = &wrapper{inner: err}
			}
			return err
		}, func(b *testing.B, err error) {
			m, r := nursery.Split(err, func(err error) bool { return err == errBoom })
			if m == nil || r == nil {
				b.Fatal("not split")
			}
		}},
	} {
		for _, n := range []int{work.size, 2 * work.size} {
			b.Run(fmt.Sprintf("%s/n=%d", work.name, n), func(b *testing.B) {
				err := work.err(n)
				for b.Loop() {
					work.do(b, err)
				}
			})
		}
	}
}

// nestedFailures opens n nested nurseries, each with a task that fails when it is
// canceled, and cancels them all from outside.
func nestedFailures(b *testing.B, n int, name string) {
	var opts []nursery.TaskOption
	if name != "" {
		opts = append(opts, nursery.Name(name))
	}
	root := cancel.New(context.Background())
	defer root.Close()
	var open func(ctx context.Context, n int) error
	open = func(ctx context.Context, n int) error {
		if n == 0 {
			root.Cancel(nil)
			return cancel.Err(ctx)
		}
		return nursery.Run(ctx, func(_ context.Context, nur *nursery.Nursery) error {
			nur.Go(func(ctx context.Context) error { return open(ctx, n-1) }, opts...)
			nur.Go(func(ctx context.Context) error { <-ctx.Done(); return errBoom }, opts...)
			return nil
		})
	}
	err := open(root, n)
	failures := 0
	for leaf := range nursery.Leaves(err) {
		if leaf == errBoom {
			failures++
		}
	}
	if failures != n {
		b.Fatalf("%d failures, want %d", failures, n)
	}
}

// rising opens n nested nurseries, and the innermost task fails.
func rising(n int) error {
	var open func(ctx context.Context, n int) error
	open = func(ctx context.Context, n int) error {
		if n == 0 {
			return errBoom
		}
		return nursery.Run(ctx, func(_ context.Context, nur *nursery.Nursery) error {
			nur.Go(func(ctx context.Context) error { return open(ctx, n-1) })
			return nil
		})
	}
	return open(context.Background(), n)
}

// panicking runs n tasks that panic.
func panicking(n int, opts ...nursery.Option) error {
	return nursery.Run(context.Background(), func(_ context.Context, nur *nursery.Nursery) error {
		for range n {
			nur.Go(func(context.Context) error { panic("p") })
		}
		return nil
	}, opts...)
}

// nestedGroups returns n nested groups of two failures each.
func nestedGroups(n int) error {
	err := error(errBoom)
	for range n {
		inner := err
		err = nursery.Run(context.Background(), func(_ context.Context, nur *nursery.Nursery) error {
			nur.Go(func(context.Context) error { return inner })
			return errBoom
		}, nursery.KeepGoing())
	}
	return err
}
