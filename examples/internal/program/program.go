// Package program tests whole programs: as a process that gets signals, prints, and ends
// with a status.
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

// child is set in the environment of a process that runs the program.
const child = "GROVE_PROGRAM"

// Child runs the program and ends the process, if the process was made by Start. Its
// argument is the program's func main. Otherwise it does nothing. TestMain calls it first.
func Child(main func()) {
	if os.Getenv(child) != "" {
		main()
		os.Exit(0)
	}
}

// A Program is a program that runs. Only Signal may be called by several goroutines.
type Program struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// Start starts the tested program. The program is killed at the end of the test, and after
// two minutes.
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

// Line returns the next line on standard output with the given text. It skips other lines,
// and fails the test at the end of the output.
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

// Signal sends signals, one after the other. The system may merge signals of the same kind.
func (p *Program) Signal(signals ...os.Signal) {
	p.t.Helper()
	for _, s := range signals {
		if err := p.cmd.Process.Signal(s); err != nil {
			p.t.Fatal(err)
		}
	}
}

// Wait waits for the end of the program, and fails the test if it ends with another status.
// It returns the rest of standard output, and all of standard error.
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

// errors ends the program and returns its standard error.
func (p *Program) errors() string {
	p.cmd.Process.Kill()
	p.cmd.Wait()
	return p.stderr.String()
}
