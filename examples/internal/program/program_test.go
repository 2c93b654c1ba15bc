package program_test

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	program.Child(main)
	testutil.Main(m)
}

// main prints its arguments, waits for two signals, and ends with status 3.
func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	fmt.Println("ready")
	fmt.Println(os.Args[1:])
	fmt.Fprintln(os.Stderr, <-signals)
	fmt.Fprintln(os.Stderr, <-signals)
	fmt.Println("end")
	if len(os.Args) > 1 {
		os.Exit(3)
	}
}

func TestProgram(t *testing.T) {
	p := program.Start(t, "a", "b c")
	if l := p.Line("["); l != "[a b c]\n" {
		t.Errorf("Line() = %q, want the arguments", l)
	}
	p.Signal(os.Interrupt, syscall.SIGTERM)
	stdout, stderr := p.Wait(3)
	if stdout != "end\n" || !strings.Contains(stderr, "interrupt\n") || !strings.Contains(stderr, "terminated\n") {
		t.Errorf("Wait() = %q, %q, want the end and both signals", stdout, stderr)
	}
}

func TestStatus(t *testing.T) {
	p := program.Start(t)
	p.Line("ready")
	p.Signal(os.Interrupt, syscall.SIGTERM)
	p.Wait(0)
}

// TestFailures checks that faults of a program fail its test.
func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		fails func(p *program.Program)
		want  string
	}{
		"status":  {func(p *program.Program) { p.Line("ready"); p.Signal(os.Interrupt, syscall.SIGTERM); p.Wait(1) }, "status 3"},
		"no line": {func(p *program.Program) { p.Line("ready"); p.Signal(os.Interrupt, syscall.SIGTERM); p.Line("set") }, `no line with "set" (EOF), but` + "\n[x]\nend\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			func() {
				defer func() {
					if v := recover(); v != nil && v != r {
						panic(v)
					}
				}()
				c.fails(program.Start(r, "x"))
			}()
			if !strings.Contains(r.failure, c.want) {
				t.Errorf("failure %q, want one with %q", r.failure, c.want)
			}
		})
	}
}

// A recorder notes how a test fails. It panics with itself where the test would end.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Errorf(format string, args ...any) { r.failure += fmt.Sprintf(format, args...) }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); panic(r) }
