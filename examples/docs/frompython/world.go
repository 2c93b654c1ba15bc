package frompython

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// run is func main of a program.
func run() {
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		return save(ctx, "a")
	})
}

// A job is what a worker does.
type job func(ctx context.Context) error

func work(ctx context.Context, jobs *channel.Receiver[job]) error {
	stop := cancel.UntilStop(ctx) // done at the first Ctrl-C
	for job, err := range jobs.All(stop) {
		if err != nil {
			return cancel.Err(ctx) // nil if merely asked to stop
		}
		if err := job(ctx); err != nil { // a job that runs is finished
			return err
		}
	}
	return nil
}

func toThread(ctx context.Context, file string) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error {
			b, err := os.ReadFile(file) // blocks this goroutine, and no other
			fmt.Printf("%x\n", sha256.Sum256(b))
			return err
		})
		return nil
	})
}

func runProcess(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second // and then Kill
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return cancel.Err(ctx) // err is "signal: interrupt"
	}
	fmt.Printf("%d lines\n", bytes.Count(out, []byte("\n")))
	return err
}

func hangups(ctx context.Context, started func(os.Signal), reload func() error) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	started(syscall.SIGHUP)
	for {
		select {
		case <-signals:
			if err := reload(); err != nil {
				return err
			}
		case <-ctx.Done():
			return cancel.Err(ctx)
		}
	}
}

func serve(ctx context.Context, l net.Listener) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer context.AfterFunc(ctx, func() { l.Close() })()
		for {
			c, err := l.Accept()
			if ctx.Err() != nil {
				return cancel.Err(ctx)
			}
			if err != nil {
				return err
			}
			n.Go(func(ctx context.Context) error { return echo(ctx, c) })
		}
	})
}

func echo(ctx context.Context, c net.Conn) error {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	defer c.Close()
	_, err := io.Copy(c, c)
	if ctx.Err() != nil {
		return cancel.Err(ctx)
	}
	return err
}
