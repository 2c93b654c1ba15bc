package nursery_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// inChild is set in the environment of a child process, to the program to run.
const inChild = "GROVE_MAIN_CHILD"

// programs are what a child process may run by Main.
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
			<-cancel.UntilStop(ctx).Done()
			return cancel.Err(ctx)
		})
		say("ready")
		return nil
	},
	"stubborn": func(ctx context.Context, n *nursery.Nursery) error {
		say("ready")
		<-cancel.UntilStop(ctx).Done()
		say("asked")
		return cancel.Forever(ctx)
	},
	"deaf": func(ctx context.Context, n *nursery.Nursery) error {
		say("ready")
		<-cancel.UntilStop(ctx).Done()
		say("asked")
		<-ctx.Done()
		say("canceled")
		select {}
	},
}

func say(line string) { fmt.Println(line) }

func TestMainProgram(t *testing.T) {
	if name, ok := os.LookupEnv(inChild); ok {
		opts := []nursery.Option{nursery.Name("prog")}
		if name == "impatient" {
			name = "stubborn"
			opts = append(opts, nursery.Grace(0))
		} else {
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
		signals       map[string]os.Signal // to send when the program says so
		status        int
		out, errs     []string
	}{
		{"N17/nothing failed", "ok", nil, 0, []string{"returned"}, nil},
		{"N17/signals are as before when it has returned", "lingering", map[string]os.Signal{"returned": term}, -1, []string{"returned"}, nil},
		{"N17/a failure", "fail", nil, 1, nil, []string{"nursery \"prog\": 1 failure\n└── boom\n"}},
		{"N17/a panic", "panic", nil, 2, nil, []string{`panic: task "bad" panicked: v`, "nursery_test.explode"}},
		{"N17/SIGINT stops", "graceful", map[string]os.Signal{"ready": interrupt}, 0, []string{"returned"}, nil},
		{"N17/SIGTERM stops", "graceful", map[string]os.Signal{"ready": term}, 0, []string{"returned"}, nil},
		{"N17/the grace expires", "impatient", map[string]os.Signal{"ready": interrupt}, 1, nil, []string{"grace expired"}},
		{"N17/the second signal cancels", "stubborn", map[string]os.Signal{"ready": interrupt, "asked": interrupt}, 1, nil, []string{"second signal: interrupt"}},
		{"N17/the third exits", "deaf", map[string]os.Signal{"ready": term, "asked": interrupt, "canceled": term}, 130, []string{"canceled"}, nil},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute) // against a hang
			defer stop()
			c := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestMainProgram$")
			c.Env = append(os.Environ(), inChild+"="+test.program)
			var out, errs bytes.Buffer
			c.Stderr = &errs
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
				t.Errorf("status = %d, want %d; it printed:\n%s%s", got, test.status, &out, &errs)
			}
			if s := c.ProcessState.Sys().(syscall.WaitStatus); test.status == -1 && s.Signal() != syscall.SIGTERM {
				t.Errorf("it ended by %v, want %v", s.Signal(), syscall.SIGTERM)
			}
			for _, want := range test.out {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in its output:\n%s", want, &out)
				}
			}
			for _, want := range test.errs {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("no %q in its errors:\n%s", want, &errs)
				}
			}
		})
	}
}
