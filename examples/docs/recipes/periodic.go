package recipes

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A Schedule returns when the next run is due, given when the last run was due and when
// it ended.
type Schedule func(due, ended time.Time) time.Time

// Pause is a [Schedule] with d between the end of a run and the next run.
func Pause(d time.Duration) Schedule {
	return func(_, ended time.Time) time.Time { return ended.Add(d) }
}

// SkipMissed is a [Schedule] of fixed times, d apart. It skips the times that passed
// during a run.
func SkipMissed(d time.Duration) Schedule {
	return func(due, ended time.Time) time.Time { return due.Add(ended.Sub(due).Truncate(d) + d) }
}

// CatchUp is a [Schedule] of fixed times, d apart. Late runs follow each other without a
// pause until none is missing.
func CatchUp(d time.Duration) Schedule {
	return func(due, _ time.Time) time.Time { return due.Add(d) }
}

// Repeat calls run at once, and then at the times of next, until run fails, or ctx is
// canceled or asked to stop. Runs do not overlap.
func Repeat(ctx context.Context, next Schedule, run func(ctx context.Context) error) error {
	for due := time.Now(); ; due = next(due, time.Now()) {
		if cancel.SleepUntil(cancel.UntilStop(ctx), due) != nil {
			return cancel.Err(ctx)
		}
		if err := run(ctx); err != nil {
			return err
		}
	}
}
