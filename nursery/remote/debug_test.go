package remote_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
)

// TestSnapshot checks what a snapshot of the task tree shows of remote tasks.
func TestSnapshot(t *testing.T) {
	inWorld(t, "R1/a snapshot", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		defer debug.Enable()()
		w.worker("w1", remote.Slots(1))
		s := cancel.New(context.Background(), cancel.Name("req-17"))
		defer s.Close()
		err := nursery.Run(s, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
				return err
			}, nursery.Name("first"))
			time.Sleep(time.Second)
			n.Go(func(ctx context.Context) error {
				_, err := run.Call(ctx, w.client, job{Name: "b", Takes: time.Hour})
				return err
			}, nursery.Name("second"))
			time.Sleep(1500 * time.Millisecond)
			var b strings.Builder
			if err := debug.Take().WriteText(&b); err != nil {
				return err
			}
			for _, want := range []string{
				`run on worker "w1", for 2.5s, heard of 500ms ago  debug_test.go`,
				`run in the queue "default", for 1.5s`,
				"req-17/crawl/run",
			} {
				if !strings.Contains(b.String(), want) {
					t.Errorf("the snapshot lacks %q:\n%s", want, &b)
				}
			}
			n.Cancel(nil)
			return nil
		}, nursery.Name("crawl"))
		return err
	})
}
