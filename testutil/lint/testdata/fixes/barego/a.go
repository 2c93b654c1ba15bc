package barego

import (
	"context"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func work(ctx context.Context) {}

func literal(n *nursery.Nursery, ctx context.Context) {
	go func() { // want `use n.Go`
		work(ctx)
	}()
	go func() { work(ctx) }() // want `use n.Go`
	go func() {               // want `use n.Go`
		for {
			work(ctx)
		}
	}()
}

func returns(n *nursery.Nursery, ctx context.Context) {
	go func() { // want `use n.Go`
		if ctx.Err() != nil {
			return
		}
		work(ctx)
	}()
}

func without(n *nursery.Nursery, ctx *cancel.Scope) {
	go work(ctx) // want `use n.Go`
	go func() {  // want `use n.Go`
		ctx.Stop()
	}()
	go func(i int) { // want `use n.Go`
		work(ctx)
	}(1)
	go func() { // want `use n.Go`
		if ctx.Err() != nil {
			return
		}
		work(ctx)
	}()
}
