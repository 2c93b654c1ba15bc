package errgroup_test

import (
	"context"
	"strconv"
	"testing"

	xsync "golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/nursery/errgroup"
)

// A grouper is a Group of this package or of golang.org/x/sync.
type grouper interface {
	Go(task func() error)
	SetLimit(n int)
	Wait() error
}

// impls are the two implementations to compare.
var impls = []struct {
	name        string
	zero        func() grouper
	withContext func(ctx context.Context) (grouper, context.Context)
}{
	{"grove", func() grouper { return new(errgroup.Group) }, func(ctx context.Context) (grouper, context.Context) {
		return errgroup.WithContext(ctx)
	}},
	{"xsync", func() grouper { return new(xsync.Group) }, func(ctx context.Context) (grouper, context.Context) {
		return xsync.WithContext(ctx)
	}},
}

// BenchmarkGroup measures a Group with so many tasks that do nothing, from its beginning
// to the return of Wait. Compare with benchstat -col /impl.
func BenchmarkGroup(b *testing.B) {
	task := func() error { return nil }
	for _, form := range []string{"zero", "WithContext", "SetLimit"} {
		for _, tasks := range []int{1, 10, 1000} {
			for _, impl := range impls {
				b.Run("form="+form+"/tasks="+strconv.Itoa(tasks)+"/impl="+impl.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						var g grouper
						if form == "WithContext" {
							g, _ = impl.withContext(b.Context())
						} else {
							g = impl.zero()
						}
						if form == "SetLimit" {
							g.SetLimit(8)
						}
						for range tasks {
							g.Go(task)
						}
						if err := g.Wait(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
