package recipes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/examples/internal/docs"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	program.Child(main)
	testutil.Main(m)
}

// TestDocument checks that the code in the document is the code of this package.
func TestDocument(t *testing.T) { docs.Blocks(t, "../../../docs/recipes.md", "*.go") }

var errFull = errors.New("disk full")

// mustBe fails the test unless err is want, or wraps it.
func mustBe(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// mustTake fails the test unless the time since start is want.
func mustTake(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("it took %v, want %v", got, want)
	}
}

// waits waits until ctx is done.
func waits(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
