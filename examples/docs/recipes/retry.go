package recipes

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/grove-go/grove/cancel"
)

// Retry calls op until it succeeds, up to attempts times. The pause after the first
// attempt is about as long as wait, and each pause is twice as long as the pause before,
// up to a minute. The wait must be positive.
func Retry(ctx context.Context, attempts int, wait time.Duration, op func(ctx context.Context) error) error {
	for attempt := 1; ; attempt++ {
		err := op(ctx)
		if err == nil || attempt >= attempts {
			return err
		}
		if cancel.Sleep(ctx, wait/2+rand.N(wait)) != nil {
			return cancel.Because(ctx, err)
		}
		wait = min(2*wait, time.Minute)
	}
}
