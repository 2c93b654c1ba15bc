package channel_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/channel"
)

// A Watch may be used in one bubble after the other.
func TestWatchBubbles(t *testing.T) {
	w := channel.NewWatch(1)
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), time.Hour)
			defer stop()
			a, b := w.Subscribe(), w.Subscribe()
			received := call(func() error {
				for {
					if _, err := b.Receive(ctx); err != nil {
						return err
					}
				}
			})
			_, err := a.Receive(ctx)
			wantErr(t, "Receive()", err, nil)
			_, err = a.Receive(ctx)
			for _, err := range []error{err, <-received} {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Receive() = %v, want the end of the context", err)
				}
			}
		})
	}
}
