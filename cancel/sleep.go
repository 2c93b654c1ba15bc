package cancel

import (
	"context"
	"runtime"
	"time"
)

// Sleep pauses for d. If ctx is done already, or before d has passed, Sleep returns the
// [*Error] that tells why. With a d of zero or less Sleep does not pause. It panics if ctx
// is nil.
func Sleep(ctx context.Context, d time.Duration) error {
	mustContext("Sleep", ctx)
	if err := Err(ctx); err != nil || d <= 0 {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select { // which takes either if both are ready
	case <-t.C:
	case <-bareDone(ctx):
	}
	return Err(ctx)
}

// SleepUntil is [Sleep] until the time t.
func SleepUntil(ctx context.Context, t time.Time) error {
	mustContext("SleepUntil", ctx)
	return Sleep(ctx, time.Until(t))
}

// Forever blocks until ctx is done, and then returns the [*Error] that tells
// why. With a ctx that is never done it never returns. It panics if ctx is nil.
func Forever(ctx context.Context) error {
	mustContext("Forever", ctx)
	<-bareDone(ctx)
	return Err(ctx)
}

// Checkpoint lets other goroutines run and returns nil, or the [*Error] that
// tells why ctx is done. It is for loops that compute for long without calling
// anything that looks at ctx. It panics if ctx is nil.
//
// This is Trio's checkpoint.
func Checkpoint(ctx context.Context) error {
	mustContext("Checkpoint", ctx)
	if err := Err(ctx); err != nil {
		return err
	}
	runtime.Gosched()
	return Err(ctx)
}
