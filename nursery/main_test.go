package nursery_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// inChild is the environment variable that selects the program for a child process.
const inChild = "GROVE_MAIN_CHILD"

// programs are run by Main in a child process.
var programs = map[string]func(ctx context.Context, n *nursery.Nursery) error{
	"ok":        func(context.Context, *nursery.Nursery) error { return nil },
	"lingering": func(context.Context, *nursery.Nursery) error { return nil },
	"fail":      func(context.Context, *nursery.Nursery) error { return errBoom },
	"panic": func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { explode("v"); return nil }, nursery.Name("bad"))
		return nil
	},
	"graceful": func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			stop := cancel.UntilStop(ctx)
			<-stop.Done()
			say("stopped by " + context.Cause(stop).Error())
			return cancel.Err(ctx)
		})
		say("ready")
		return nil
	},
	"impatient": func(ctx context.Context, n *nursery.Nursery) error {
		say("ready")
		<-cancel.UntilStop(ctx).Done()
		return cancel.Sleep(ctx, 9*time.Second) // longer than its grace, shorter than the default
	},
	"stubborn": func(ctx context.Context, n *nursery.Nursery) error {
		say("ready")
		<-cancel.UntilStop(ctx).Done()
		say("asked")
		return cancel.Forever(ctx)
	},
	"locked": func(ctx context.Context, n *nursery.Nursery) error {
		n.Scope().OnDone(func() { select {} })
		say("ready")
		<-cancel.UntilStop(ctx).Done()
		say("asked")
		<-ctx.Done()
		say("canceled")
		select {}
	},
	"held": func(ctx context.Context, n *nursery.Nursery) error {
		var running sync.WaitGroup
		running.Add(5)
		hold := func(context.Context) error { running.Done(); select {} }
		n.Go(hold, nursery.Name("poller"))
		n.Go(hold, nursery.Name("evil\x1b[2J\tname\nline\x9b"))
		n.Go(func(ctx context.Context) error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				for range 3 {
					n.Go(hold)
				}
				return nil
			}, nursery.Name("pool"))
		})
		running.Wait()
		say("ready")
		<-ctx.Done()
		say("canceled")
		say("again")
		select {}
	},
	"hooked": func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(cancel.Forever, nursery.Daemon())
		n.Scope().OnDone(func() {
			signals := make(chan os.Signal, 3)
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
			for _, line := range []string{"ready", "asked", "canceled"} {
				say(line)
				<-signals
			}
			select {}
		})
		return nil
	},
	"muted": deaf,
	"deaf":  deaf,
}

func deaf(ctx context.Context, n *nursery.Nursery) error {
	say("ready")
	<-cancel.UntilStop(ctx).Done()
	say("asked")
	<-ctx.Done()
	say("canceled")
	select {}
}

func say(line string) { fmt.Println(line) }

// fullPipe returns the end for writing of a pipe that takes nothing more.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), w.Close()); err != nil {
			t.Error(err)
		}
	})
	for err == nil {
		if err = w.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err == nil {
			_, err = w.Write(make([]byte, 512))
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return w
}

// TestCutOff tests when Main cancels even if its report hangs.
func TestCutOff(t *testing.T) {
	for grace, want := range map[time.Duration]time.Duration{0: 0, 1: time.Second + 1, math.MaxInt64: math.MaxInt64} {
		if got := nursery.CutOff(grace); got != want {
			t.Errorf("after a grace of %v: %v, want %v", grace, got, want)
		}
	}
}

func TestMainProgram(t *testing.T) {
	if name, ok := os.LookupEnv(inChild); ok {
		opts := []nursery.MainOption{nursery.Name("prog")}
		switch name {
		case "impatient":
			opts = append(opts, nursery.Grace(0))
		case "held", "hooked":
			opts = append(opts, nursery.Grace(10*time.Millisecond))
		default:
			opts = append(opts, nursery.Grace(time.Hour))
		}
		nursery.Main(programs[name], opts...)
		say("returned")
		if name == "lingering" {
			select {}
		}
		os.Exit(0)
	}
	interrupt, term := os.Signal(os.Interrupt), os.Signal(syscall.SIGTERM)
	tests := []struct {
		rule, program string
		signals       map[string]os.Signal // signals to send, by the output that triggers them
		status        int
		out, errs     []string
	}{
		{"N17/nothing failed", "ok", nil, 0, []string{"returned"}, nil},
		{"N17/signals are restored after Main has returned", "lingering", map[string]os.Signal{"returned": term}, -1, []string{"returned"}, nil},
		{"N17/a failure", "fail", nil, 1, nil, []string{"nursery \"prog\": 1 failure\n└── boom\n"}},
		{"N17/a panic", "panic", nil, 2, nil, []string{`panic: task "bad" panicked: v`, "nursery_test.explode"}},
		{"N17/SIGINT stops", "graceful", map[string]os.Signal{"ready": interrupt}, 0, []string{"returned", "stopped by signal: interrupt"}, nil},
		{"N17/SIGTERM stops", "graceful", map[string]os.Signal{"ready": term}, 0, []string{"returned"}, nil},
		{"N17/the grace expires", "impatient", map[string]os.Signal{"ready": interrupt}, 1, nil, []string{"grace expired"}},
		{"N17/the second signal cancels", "stubborn", map[string]os.Signal{"ready": interrupt, "asked": interrupt}, 1, nil, []string{"signal: interrupt"}},
		{"N17/the third exits", "deaf", map[string]os.Signal{"ready": term, "asked": interrupt, "canceled": term}, 130, []string{"canceled"}, nil},
		{"N17/tasks that have not returned are listed", "held", map[string]os.Signal{"ready": term, "canceled": interrupt, "again": term}, 130, nil, []string{
			"nursery: Main: end of the grace of 10ms: 6 tasks have not returned:\n",
			`\n    prog/poller +nursery_test\.init\.func[0-9.]+ +main_test\.go:\d+ +select \(no cases\) *\n`,
			`\n    "prog/evil\\x1b\[2J\\tname\\nline\\x9b" +nursery_test`,
			`\n    prog/pool +nursery_test\.init\.func[0-9.]+ +main_test\.go:\d+ +select \(no cases\) +×3\n`,
			`\n    prog: body +nursery_test\.init\.func[0-9.]+ +main_test\.go:\d+ +\S`,
			"nursery: Main: second signal: (interrupt|terminated): 6 tasks have not returned:\n",
			"nursery: Main: third signal: (interrupt|terminated): 6 tasks have not returned:\n",
		}},
		{"N17/a body that ends in a function of OnDone is listed", "hooked", map[string]os.Signal{"ready": term, "asked": interrupt, "canceled": term}, 130, nil, []string{
			`(?s)second signal: interrupt: .* not returned:\n.*third signal: terminated: .* not returned:\n.*    prog: body +nursery_test\.\S+ +main_test\.go:\d+ +\S`,
		}},
		{"N17/the third exits when nothing reads standard error", "muted", map[string]os.Signal{"ready": term, "asked": interrupt, "canceled": term}, 130, []string{"canceled"}, nil},
		{"N17/the third exits when a function of OnDone blocks", "locked", map[string]os.Signal{"ready": term, "asked": interrupt, "canceled": term}, 130, []string{"canceled"}, nil},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute) // in case the child hangs
			defer stop()
			c := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestMainProgram$")
			c.Env = append(os.Environ(), inChild+"="+test.program)
			var out, errs bytes.Buffer
			c.Stderr = &errs
			if test.program == "muted" {
				c.Stderr = fullPipe(t)
			}
			stdout, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(io.TeeReader(stdout, &out))
			for lines.Scan() {
				if s, ok := test.signals[lines.Text()]; ok {
					if err := c.Process.Signal(s); err != nil {
						t.Error(err)
					}
				}
			}
			if err, exit := c.Wait(), new(exec.ExitError); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if got := c.ProcessState.ExitCode(); got != test.status {
				t.Errorf("status = %d, want %d; output:\n%s%s", got, test.status, &out, &errs)
			}
			if s := c.ProcessState.Sys().(syscall.WaitStatus); test.status == -1 && s.Signal() != syscall.SIGTERM {
				t.Errorf("terminated by %v, want %v", s.Signal(), syscall.SIGTERM)
			}
			for _, want := range test.out {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in the output:\n%s", want, &out)
				}
			}
			for _, want := range test.errs {
				if !regexp.MustCompile(want).MatchString(errs.String()) {
					t.Errorf("no match of %q on standard error:\n%s", want, &errs)
				}
			}
		})
	}
}
