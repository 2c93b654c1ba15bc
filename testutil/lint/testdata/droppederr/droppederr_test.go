package droppederr

import (
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestDropped(t *testing.T) {
	cancel.FailAfter(t.Context(), time.Second, task)
}
