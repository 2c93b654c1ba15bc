// Package program tests a program as a whole: as a process that gets signals, prints,
// and ends with a status.
package program

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// child is set in the environment of a process that is to be the program.
const child = "GROVE_PROGRAM"

// Child makes a process that Start has started the program, whose func main it is
// given; that ends the process. In other processes it does nothing. TestMain calls it
// first.
func Child(main func()) {
	if os.Getenv(child) != "" {
		main()
		os.Exit(0)
	}
}

// A Program is one that runs. It is for one goroutine, but for Signal.
type Program struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// Start starts the program that is tested. It is killed at the end of the test if it
// has not ended, and after two minutes.
func Start(t testing.TB, args ...string) *Program {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(stop)
	p := &Program{t: t, cmd: exec.CommandContext(ctx, os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), child+"=1")
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// Line returns the next line on standard output that contains a text; it skips others,
// and fails the test if there is none.
func (p *Program) Line(text string) string {
	p.t.Helper()
	var skipped strings.Builder
	for {
		line, err := p.stdout.ReadString('\n')
		if strings.Contains(line, text) {
			return line
		}
		skipped.WriteString(line)
		if err != nil {
			p.t.Fatalf("the program printed no line with %q (%v), but\n%s%s", text, err, &skipped, p.errors())
		}
	}
}

// Signal sends signals, one after the other. Those of the same kind the system may make
// one of.
func (p *Program) Signal(signals ...os.Signal) {
	p.t.Helper()
	for _, s := range signals {
		if err := p.cmd.Process.Signal(s); err != nil {
			p.t.Fatal(err)
		}
	}
}

// Wait waits for the end of the program, which fails the test unless it is with this
// status. It returns the rest of standard output, and all of standard error.
func (p *Program) Wait(status int) (stdout, stderr string) {
	p.t.Helper()
	rest, err := io.ReadAll(p.stdout)
	if err != nil {
		p.t.Error(err)
	}
	err = p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("the program ended with status %d (%v), want %d; it printed\n%s%s", got, err, status, rest, &p.stderr)
	}
	return string(rest), p.stderr.String()
}

// errors ends the program and returns what it has written to standard error.
func (p *Program) errors() string {
	p.cmd.Process.Kill()
	p.cmd.Wait()
	return p.stderr.String()
}
