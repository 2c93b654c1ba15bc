package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/docs"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	program.Child(main)
	testutil.Main(m)
}

// TestOutput asks the program to stop between the fourth order and the fifth.
func TestOutput(t *testing.T) {
	printed := docs.Print(t, func() {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					if err := cancel.Sleep(ctx, 4500*time.Millisecond); err != nil {
						return err
					}
					fmt.Println("^C")
					n.Scope().Stop()
					return nil
				})
				return bakery(ctx, n)
			})
			if err != nil {
				t.Error(err)
			}
		})
	})
	docs.Output(t, "go run ./examples/shutdown", printed, "README.md", "../../docs/tutorial.md")
}

func TestSignals(t *testing.T) {
	t.Run("the first one closes", func(t *testing.T) {
		p := program.Start(t)
		p.Line("ordered: 1\n")
		p.Signal(os.Interrupt)
		p.Line("closed\n")
		if rest, _ := p.Wait(0); !strings.Contains(rest, "baked: 1\n") {
			t.Errorf("after it had closed it printed %q, want that the first order was baked", rest)
		}
	})
	t.Run("the second one cuts off", func(t *testing.T) {
		p := program.Start(t)
		p.Line("ordered: 1\n")
		p.Signal(os.Interrupt, syscall.SIGTERM)
		rest, errs := p.Wait(1)
		if strings.Contains(rest, "baked") || !strings.Contains(errs, "second signal") {
			t.Errorf("it printed %q and %q, want nothing baked, and the reason", rest, errs)
		}
	})
}
