package natsserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/nats"
	"github.com/grove-go/grove/nursery/remote/natsserver"
)

// The environment of a process of a drill: this test binary in another role.
const (
	roleKey = "GROVE_DRILL_ROLE" // "worker", "caller" or "server"
	urlKey  = "GROVE_DRILL_URL"
	nameKey = "GROVE_DRILL_NAME"
	dirKey  = "GROVE_DRILL_DIR"
)

// drillLease is the lease in drills, the shortest there is.
const drillLease = time.Second

// sleep takes some milliseconds. A worker tells of the beginning and end of each run on its
// standard output.
var sleep = remote.Define[sleepArg, string]("sleep", remote.Idempotent())

type sleepArg struct {
	Name  string
	Takes int
}

// play plays a role until it is killed or asked to stop.
func play(role string) {
	go func() { // the test holds the other end while it lives
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		if role == "node" {
			return playNode(ctx)
		}
		if role == "server" {
			url, err := natsserver.Start(n, natsserver.Dir(os.Getenv(dirKey)), natsserver.Token("drill"), natsserver.Port(portOf(os.Getenv(urlKey))))
			if err != nil {
				return err
			}
			fmt.Println("ready", url)
			<-cancel.UntilStop(ctx).Done()
			return nil
		}
		conn, err := nats.Connect(os.Getenv(urlKey))
		if err != nil {
			return err
		}
		defer conn.Close()
		e, err := nats.New(conn)
		if err != nil {
			return err
		}
		if role == "caller" {
			c, err := remote.NewClient(n, e, remote.Lease(drillLease))
			if err != nil {
				return err
			}
			fmt.Println("ready")
			return nursery.For(ctx, 50, func(ctx context.Context, i int) error {
				_, err := sleep.Call(ctx, c, sleepArg{fmt.Sprint("orphan", i), 3_600_000})
				return err
			}, nursery.Limit(50))
		}
		w := remote.NewWorker(e, remote.WorkerName(os.Getenv(nameKey)), remote.Slots(20))
		sleep.Handle(w, func(ctx context.Context, a sleepArg) (string, error) {
			info, _ := remote.Info(ctx)
			fmt.Println("begin", a.Name, info.Attempt)
			err := cancel.Sleep(ctx, time.Duration(a.Takes)*time.Millisecond)
			if errors.Is(context.Cause(ctx), remote.ErrCallerLost) {
				fmt.Println("orphaned", a.Name, info.Attempt)
			}
			fmt.Println("end", a.Name, info.Attempt)
			return info.Worker, err
		})
		fmt.Println("ready")
		return w.Run(ctx)
	})
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// portOf returns the port of a URL.
func portOf(url string) int {
	n, err := strconv.Atoi(url[strings.LastIndexByte(url, ':')+1:])
	if err != nil {
		panic(err)
	}
	return n
}

// A drill has the processes of a test, and what they have told.
type drill struct {
	t   *testing.T
	url string

	mu    sync.Mutex
	lines []string      // what workers told, with their names
	more  chan struct{} // closed at the next line
}

func newDrill(t *testing.T, url string) *drill {
	return &drill{t: t, url: url, more: make(chan struct{})}
}

// start starts a process and waits until it is ready.
func (d *drill) start(role, name string, env ...string) *exec.Cmd {
	d.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), roleKey+"="+role, urlKey+"="+d.url, nameKey+"="+name), env...) // the last one counts
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		d.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	ready := make(chan struct{})
	var joined sync.WaitGroup
	joined.Go(func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if strings.HasPrefix(s.Text(), "ready") {
				close(ready)
				continue
			}
			d.mu.Lock()
			d.lines = append(d.lines, name+" "+s.Text())
			close(d.more)
			d.more = make(chan struct{})
			d.mu.Unlock()
		}
	})
	d.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGCONT) // it may have ended
		_ = cmd.Process.Kill()
		joined.Wait()
		_ = cmd.Wait() // killed
	})
	select {
	case <-ready:
	case <-d.t.Context().Done():
	case <-time.After(time.Minute):
		d.t.Fatalf("%s %s is not ready", role, name)
	}
	return cmd
}

// signal sends a signal to a process.
func (d *drill) signal(cmd *exec.Cmd, s os.Signal) {
	d.t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		d.t.Error(err)
	}
}

// wait waits until there are n lines with that text.
func (d *drill) wait(text string, n int) {
	d.t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		d.mu.Lock()
		got, more := d.countLocked(text), d.more
		d.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-more:
		case <-limit:
			d.t.Fatalf("%d lines with %q, want %d", got, text, n)
		}
	}
}

func (d *drill) countLocked(text string) (n int) {
	for _, l := range d.lines {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// attempts returns how often each task began, and fails the test if an attempt began twice.
func (d *drill) attempts() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	began, tasks := make(map[string]int), make(map[string]int)
	for _, l := range d.lines {
		f := strings.Fields(l) // worker, event, task, attempt
		if f[1] != "begin" {
			continue
		}
		tasks[f[2]]++
		if began[f[2]+"/"+f[3]]++; began[f[2]+"/"+f[3]] > 1 {
			d.t.Errorf("R7: attempt %s of %s began twice", f[3], f[2])
		}
	}
	return tasks
}

// calls makes n calls at a time, and returns how many ended well, and how many are unknown.
func (d *drill) calls(n, takes int, then func(), opts ...remote.CallOption) (done, unknown, other int) {
	d.t.Helper()
	conn := connect(d.t, d.url)
	defer conn.Close()
	e, err := nats.New(conn)
	if err != nil {
		d.t.Fatal(err)
	}
	err = nursery.Run(d.t.Context(), func(ctx context.Context, nu *nursery.Nursery) error {
		c, err := remote.NewClient(nu, e, remote.Lease(drillLease))
		if err != nil {
			return err
		}
		nu.Go(func(context.Context) error { then(); return nil })
		var mu sync.Mutex
		return nursery.For(ctx, n, func(ctx context.Context, i int) error {
			_, err := sleep.Call(ctx, c, sleepArg{fmt.Sprint("task", i), takes}, opts...)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case errors.Is(err, remote.ErrLost):
				unknown++
			default:
				other++
				d.t.Errorf("Call() = %v", err)
			}
			return nil
		}, nursery.Limit(n))
	})
	if err != nil {
		d.t.Error(err)
	}
	return done, unknown, other
}

// TestDrillWorkerKilled kills a worker with kill -9 while it runs tasks.
func TestDrillWorkerKilled(t *testing.T) {
	for _, retries := range []int{0, 3} {
		t.Run(fmt.Sprint("R7/", retries, " retries"), func(t *testing.T) {
			withServer(t, func(_ context.Context, url string) {
				d := newDrill(t, url)
				first := d.start("worker", "w1")
				d.start("worker", "w2")
				var opts []remote.CallOption
				if retries > 0 {
					opts = append(opts, remote.Retry(retries))
				}
				done, unknown, _ := d.calls(60, 300, func() {
					d.wait("w1 begin", 10)
					d.signal(first, syscall.SIGKILL)
				}, opts...)
				tasks := d.attempts()
				t.Logf("%d done, %d unknown, %d tasks began", done, unknown, len(tasks))
				if done+unknown != 60 || (retries == 0) != (unknown > 0) {
					t.Errorf("%d done and %d unknown of 60 with %d retries", done, unknown, retries)
				}
				for name, n := range tasks {
					if n > retries+1 {
						t.Errorf("%s began %d times", name, n)
					}
				}
			})
		})
	}
}

// TestDrillCallerKilled kills a caller with kill -9.
func TestDrillCallerKilled(t *testing.T) {
	withServer(t, func(_ context.Context, url string) {
		d := newDrill(t, url)
		d.start("worker", "w1")
		caller := d.start("caller", "c1")
		d.wait("begin orphan", 20)
		d.signal(caller, syscall.SIGKILL)
		d.wait("orphaned", 20)
		d.wait("end orphan", 20)
		// Its queued tasks never begin, and do not hold up others.
		if done, _, _ := d.calls(20, 1, func() {}); done != 20 {
			t.Errorf("%d done, want 20", done)
		}
		if n := len(d.attempts()); n != 40 {
			t.Errorf("R3: %d tasks began, want 40", n)
		}
	})
}

// TestDrillDrain asks a worker to stop with SIGTERM while it runs tasks.
func TestDrillDrain(t *testing.T) {
	withServer(t, func(_ context.Context, url string) {
		d := newDrill(t, url)
		first := d.start("worker", "w1")
		d.start("worker", "w2")
		done, _, _ := d.calls(80, 200, func() {
			d.wait("w1 begin", 10)
			d.signal(first, syscall.SIGTERM)
		})
		tasks := d.attempts()
		if done != 80 || len(tasks) != 80 {
			t.Errorf("R12: %d done and %d begun, want 80", done, len(tasks))
		}
	})
}

// TestDrillFreeze stops a worker for longer than its lease, so that its tasks are retried,
// and lets it go on.
func TestDrillFreeze(t *testing.T) {
	withServer(t, func(_ context.Context, url string) {
		d := newDrill(t, url)
		first := d.start("worker", "w1")
		done, unknown, _ := d.calls(20, 1500, func() {
			d.wait("w1 begin", 20)
			d.signal(first, syscall.SIGSTOP)
			d.start("worker", "w2")
			d.wait("w2 begin", 20)
			d.signal(first, syscall.SIGCONT)
		}, remote.Retry(2))
		if done != 20 || unknown != 0 {
			t.Errorf("R8: %d done, %d unknown, want 20 done", done, unknown)
		}
		d.wait("w1 end", 20)
		d.attempts()
	})
}

// TestDrillServerKilled kills the server with kill -9 while tasks run and wait, and starts it
// again, with its files and without them.
func TestDrillServerKilled(t *testing.T) {
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprint("R11/files kept: ", kept), func(t *testing.T) {
			d := newDrill(t, fmt.Sprintf("nats://drill@127.0.0.1:%d", freePort(t)))
			dir := t.TempDir()
			server := d.start("server", "s", dirKey+"="+dir)
			setup := func() {
				conn := connect(t, d.url)
				defer conn.Close()
				if err := nats.Setup(t.Context(), conn); err != nil {
					t.Fatal(err)
				}
			}
			setup()
			d.start("worker", "w1")
			done, unknown, _ := d.calls(60, 200, func() {
				d.wait("w1 begin", 20)
				d.signal(server, syscall.SIGKILL)
				_, _ = server.Process.Wait()
				if !kept {
					dir = t.TempDir()
				}
				d.start("server", "s", dirKey+"="+dir)
				setup()
			}, remote.Retry(5))
			t.Logf("%d done, %d unknown", done, unknown)
			if done != 60 {
				t.Errorf("R11: %d done, want 60", done)
			}
			d.attempts()
		})
	}
}
