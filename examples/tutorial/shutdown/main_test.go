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
	"github.com/grove-go/grove/channel"
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
	docs.Output(t, "go run ./examples/tutorial/shutdown", printed, "README.md", "../../../docs/tutorial.md")
}

// A baker that is canceled closes its own receiver, and the others bake on.
func TestBakersAreIndependent(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		orders, toBake := channel.New[int](2)
		canceled := cancel.New(ctx)
		defer canceled.Close()
		canceled.Cancel(nil)
		left := toBake.Clone()
		if err := bake(canceled, left); !canceled.IsEcho(err) {
			t.Errorf("bake() = %v, want that it was canceled", err)
		}
		for order := range 2 {
			if err := orders.Send(ctx, order); err != nil {
				t.Error(err)
			}
		}
		if err := orders.Close(); err != nil {
			t.Error(err)
		}
		printed := docs.Print(t, func() {
			if err := bake(ctx, toBake); err != nil {
				t.Error(err)
			}
		})
		if printed != "baked: 0\nbaked: 1\n" {
			t.Errorf("the other baker printed %q, want that both orders are baked", printed)
		}
		for _, r := range []*channel.Receiver[int]{left, toBake} {
			if _, err := r.TryReceive(); err != channel.ErrClosed {
				t.Errorf("TryReceive() = %v after the end of a baker, want that its receiver is closed", err)
			}
		}
	})
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
		if strings.Contains(rest, "baked") || !strings.Contains(errs, "context canceled: signal: ") {
			t.Errorf("it printed %q and %q, want nothing baked, and the reason", rest, errs)
		}
	})
}
