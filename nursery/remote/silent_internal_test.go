package remote

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/test/kit"
)

// TestSilent checks that a worker does not remember callers for ever.
func TestSilent(t *testing.T) {
	kit.Bubble(t, "R9/callers that do not answer", func(t *testing.T, ctx context.Context) {
		s := &service{silent: make(map[string]time.Time)}
		for i := range 1000 {
			s.remember(fmt.Sprint(i), time.Now().Add(10*time.Second))
			time.Sleep(time.Second)
		}
		if n := len(s.silent); n > 11 {
			t.Errorf("the worker remembers %d callers, want those of the lease", n)
		}
	})
}
