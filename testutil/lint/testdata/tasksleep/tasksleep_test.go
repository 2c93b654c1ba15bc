package tasksleep

import (
	"context"
	"time"
)

func helper(ctx context.Context) { time.Sleep(time.Second) }
