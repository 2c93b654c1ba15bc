package fromerrgroup_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/oklog/run"
	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
)

// A server can be asked to end, as http.Server can.
type server interface {
	Serve() error // returns nil at once when Shutdown is called
	Shutdown(ctx context.Context) error
}

func signalRun(s server) error {
	var g run.Group
	g.Add(run.SignalHandler(context.Background(), os.Interrupt, syscall.SIGTERM))
	g.Add(s.Serve, func(error) {
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		_ = s.Shutdown(ctx)
	})
	return g.Run()
}

func signalErrgroup(s server) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(s.Serve)
	g.Go(func() error {
		<-ctx.Done()
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		return s.Shutdown(ctx)
	})
	return g.Wait()
}

func signalGrove(s server) {
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { return s.Serve() })
		<-cancel.UntilStop(ctx).Done() // asked to stop, or canceled
		return s.Shutdown(ctx)         // which takes at most as long as the grace
	}, nursery.Grace(5*time.Second))
}

// A patient is a server whose Shutdown waits for a second signal.
type patient struct {
	before func() // the first signal may come
	closed chan struct{}
}

func (p *patient) Serve() error {
	p.before()
	fmt.Println("serving")
	<-p.closed
	return nil
}

func (p *patient) Shutdown(ctx context.Context) error {
	close(p.closed)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGALRM)
	fmt.Println("shutting down")
	defer fmt.Println("shut down")
	select {
	case <-end:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shutDown is a process with such a server.
func shutDown(with func(server) error) {
	fmt.Println("end:", with(&patient{func() {}, make(chan struct{})}))
}

// shutDownRun is such a process with run. Its actors begin in any order, so the server
// waits for the actor that handles signals. Only the stack of that actor shows that it is
// ready.
func shutDownRun() {
	before := func() {
		for stacks := make([]byte, 1<<16); ; time.Sleep(time.Millisecond) {
			for stack := range bytes.SplitSeq(stacks[:runtime.Stack(stacks, true)], []byte("\n\n")) {
				if bytes.Contains(stack, []byte("[select")) && bytes.Contains(stack, []byte("run.SignalHandler")) {
					return
				}
			}
		}
	}
	fmt.Println("end:", signalRun(&patient{before, make(chan struct{})}))
}

// shuttingDown starts a program and asks it to stop.
func shuttingDown(t *testing.T, name string) *program.Program {
	p := program.Start(t, name)
	p.Line("serving\n")
	p.Signal(os.Interrupt)
	p.Line("shutting down\n")
	return p
}

// If a program stops because it was asked to, run returns an error.
func TestStopIsAnError(t *testing.T) {
	for name, end := range map[string]string{
		"run":      "end: received signal interrupt\n",
		"errgroup": "end: <nil>\n",
		"Grove":    "end: <nil>\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := shuttingDown(t, "signal "+name)
			p.Signal(syscall.SIGALRM)
			printed, _ := p.Wait(0)
			mustContain(t, printed, "shut down\n", end)
		})
	}
}

// The second signal, while the program shuts down.
func TestSecondSignal(t *testing.T) {
	t.Run("run, which it ends at once", func(t *testing.T) {
		p := shuttingDown(t, "signal run")
		p.Signal(os.Interrupt)
		if printed, _ := p.Wait(-1); printed != "" {
			t.Errorf("it printed %q", printed)
		}
	})
	t.Run("errgroup, where it does nothing", func(t *testing.T) {
		p := shuttingDown(t, "signal errgroup")
		p.Signal(os.Interrupt, syscall.SIGALRM)
		printed, _ := p.Wait(0)
		mustContain(t, printed, "shut down\nend: <nil>\n")
	})
	t.Run("Grove, where it cancels", func(t *testing.T) {
		p := shuttingDown(t, "signal Grove")
		p.Signal(os.Interrupt)
		printed, errs := p.Wait(1)
		mustContain(t, printed, "shut down\n")
		mustContain(t, errs, "context canceled: signal: ")
	})
}

// Interrupt functions are called one after the other: a slow one holds up the next.
func TestInterruptsInTurn(t *testing.T) {
	inBubble(t, "run", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		var g run.Group
		for range 2 {
			ctx, stop := context.WithCancel(ctx)
			g.Add(func() error { return waits(ctx) }, func(error) {
				stop()
				time.Sleep(5 * time.Second) // waits for what is being answered
			})
		}
		g.Add(func() error { return errFull }, func(error) {})
		mustBe(t, g.Run(), errFull)
		mustTake(t, passed, 10*time.Second)
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range 2 {
				n.Go(func(ctx context.Context) error {
					defer time.Sleep(5 * time.Second)
					return waits(ctx)
				})
			}
			return errFull
		})
		mustBe(t, err, errFull)
		mustTake(t, passed, 5*time.Second)
	})
}
