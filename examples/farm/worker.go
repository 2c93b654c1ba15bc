package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/nats"
)

// work runs tasks until the process is asked to stop, and then finishes those it has.
func work(ctx context.Context, o options) error {
	conn, err := o.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	engine, err := nats.New(conn, nats.Prefix("farm"))
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = o.slots
	defer transport.CloseIdleConnections()
	w := remote.NewWorker(engine, remote.Slots(o.slots), remote.WorkerName("pid-"+strconv.Itoa(os.Getpid())))
	Index.Handle(w, func(ctx context.Context, address string) (Page, error) {
		return index(ctx, &http.Client{Transport: transport}, address)
	})
	return w.Run(ctx)
}

// startWorkers keeps worker processes running until the rest of the nursery has ended. Then
// they are asked to stop.
func startWorkers(n *nursery.Nursery, o options, log io.Writer) {
	for i := range o.workers {
		n.Go(func(ctx context.Context) error {
			for ctx.Err() == nil {
				if err := runWorker(ctx, o, log); err != nil {
					return err
				}
			}
			return cancel.Err(ctx)
		}, nursery.Daemon(), nursery.Name(fmt.Sprint("worker ", i+1)))
	}
}

// runWorker runs a worker process. With -chaos it is killed after a while.
func runWorker(ctx context.Context, o options, log io.Writer) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, exe, "worker", "-creds", o.creds, "-slots", strconv.Itoa(o.slots))
	cmd.Env = append(os.Environ(), natsKey+"="+o.nats)
	cmd.Stderr = log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	if o.chaos {
		life := time.Duration(o.workers) * o.every // on average
		kill := time.AfterFunc(life/2+rand.N(life), func() {
			fmt.Fprintln(log, "kill -9", cmd.Process.Pid)
			_ = cmd.Process.Kill() // it may have ended
		})
		defer kill.Stop()
	}
	err = cmd.Wait()
	if exit := new(exec.ExitError); errors.As(err, &exit) && (o.chaos || ctx.Err() != nil) {
		return nil
	}
	return cancel.Because(ctx, err)
}
