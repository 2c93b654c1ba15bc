package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// faults are the errors and panics of workers. A fault that is not an error is a panic.
var faults = []any{
	errors.New("connection reset by peer"),
	errors.New("no space left on device"),
	"negative reading",
}

// faulty makes each run of a worker end with a fault after a while, sometimes before the
// worker is ready. random decides when, and with which fault.
func faulty(run func(ctx context.Context, started func()) error, random *rand.Rand) func(ctx context.Context, started func()) error {
	return func(ctx context.Context, started func()) error {
		after := time.Duration(random.IntN(10_000)) * time.Millisecond
		fault := faults[random.IntN(len(faults))]
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				if cancel.Sleep(cancel.UntilStop(ctx), after) != nil {
					return nil
				}
				if err, ok := fault.(error); ok {
					return err
				}
				panic(fault)
			}, nursery.Daemon())
			return run(ctx, started)
		})
	}
}
