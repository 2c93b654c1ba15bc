// Package plain imports nothing of Grove.
package plain

import (
	"context"
	"time"
)

func parameter(ctx context.Context) { time.Sleep(time.Second) }
