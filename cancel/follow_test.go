package cancel_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestFollow(t *testing.T) {
	boom := errors.New("boom")

	t.Run("C4/a context that is already done ends the scope at once", func(t *testing.T) {
		other := cancel.New(t.Context(), cancel.Name("other"))
		other.Cancel(boom)
		s := cancel.New(t.Context())
		if stop := s.Follow(other); stop() {
			t.Error("stop() = true, want false")
		}
		wantEnded(t, "scope", s, context.Canceled, boom)
		if cancel.Err(s) != cancel.Err(other) {
			t.Errorf("Err() = %v, want %v", cancel.Err(s), cancel.Err(other))
		}
	})
	bubble(t, "C4/a context that ends later ends the scope", func(t *testing.T, ctx context.Context) {
		for _, below := range []bool{false, true} {
			c, stopStd := context.WithTimeoutCause(ctx, time.Second, boom)
			defer stopStd()
			if below {
				c = cancel.New(c)
			}
			s := cancel.New(ctx, cancel.Shielded())
			stop := s.Follow(c)
			wantOpen(t, "scope", s)
			wantDeadline(t, s, 0)
			<-s.Done()
			wantEnded(t, "scope", s, context.DeadlineExceeded, boom)
			if stop() {
				t.Error("stop() = true, want false")
			}
		}
	})
	bubble(t, "C4/stop ends the following", func(t *testing.T, ctx context.Context) {
		other := cancel.New(ctx)
		s := cancel.New(ctx)
		if stop := s.Follow(other); !stop() {
			t.Error("stop() = false, want true")
		}
		other.Cancel(boom)
		synctest.Wait()
		wantOpen(t, "scope", s)
	})
}
