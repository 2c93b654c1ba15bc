package main

import (
	"context"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
)

func everyMinute(ctx context.Context) error {
	for {
		if err := cancel.Sleep(ctx, time.Minute); err != nil {
			return err
		}
	}
}

func TestHourly(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		_, err := cancel.MoveOnAfter(ctx, time.Hour, everyMinute)
		if err != nil {
			t.Error(err)
		}
	})
}
