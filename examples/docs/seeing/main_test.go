package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/grove-go/grove/examples/internal/docs"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	program.Child(main)
	testutil.Main(m)
}

const document = "../../../docs/seeing.md"

// levelers replace what differs from run to run.
var levelers = []struct{ from, to string }{
	{`seeing\.test|127\.0\.0\.1:\d+`, "program"},
	{`\bseeing\.`, "main."}, // the test is built as another package than the program
	{`main_test\.go:\d+`, "main_test.go:131"},
	{`\(pid \d+, go[\d.]+\)`, "(pid 4711, go1.26.8)"},
	{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "2026-11-30T12:00:00Z"},
	{`\bg\d+\b`, "g20"},
	{`\bo[0-9a-f]{6,}\b`, "oc0001"},
	{`\b(open )?\d+(\.\d+)?(ms|s|µs)\b`, "${1}12s"},
	{`\d+ queued`, "28 queued"},
	{`\d+ done`, "10 done"},
	{`\d+ tasks`, "6 tasks"},
	{`\d+ goroutines, \d+`, "12 goroutines, 4"},
	{`(?m)^  (\d+  .*|…)\n`, ""}, // goroutines outside
}

func level(text string) string {
	for _, l := range levelers {
		text = regexp.MustCompile(l.from).ReplaceAllString(text, l.to)
	}
	// Without ages tasks are in the order of their goroutines' numbers, which need not be
	// the order of their start.
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "│├└─ ")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// shows fails the test unless the document has a block that begins with the command and
// goes on with the text.
func shows(t *testing.T, command, text string) {
	t.Helper()
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(data), "\n```\n$ "+command+"\n")
	block, _, _ := strings.Cut(rest, "```\n")
	if got, want := level(block), level(text); !found || got != want {
		t.Errorf("docs/seeing.md shows for %s\n%s\nIt prints\n%s", command, got, want)
	}
}

// hang starts the program and waits until it hangs. It returns the last answer of the page.
func hang(t *testing.T) (p *program.Program, tree string) {
	t.Helper()
	p = program.Start(t, "-debug", "127.0.0.1:0")
	_, url, _ := strings.Cut(strings.TrimSpace(p.Line("tasks: ")), "tasks: ")
	stuck := regexp.MustCompile(`save .*sync\.Mutex\.Lock`)
	for !stuck.MatchString(tree) || strings.Contains(tree, "─ body") || !strings.Contains(tree, "report") {
		answer, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		tree = string(text)
	}
	http.DefaultClient.CloseIdleConnections()
	return p, tree
}

func TestCode(t *testing.T) { docs.Blocks(t, document, "*.go") }

func TestCurl(t *testing.T) {
	p, tree := hang(t)
	shows(t, "curl http://127.0.0.1:6061/debug/tasks/", tree)
	p.Signal(syscall.SIGQUIT)
	p.Wait(2)
}

func TestQuit(t *testing.T) {
	p, _ := hang(t)
	p.Signal(syscall.SIGQUIT)
	_, dump := p.Wait(2)
	s, err := debug.Parse(strings.NewReader(dump))
	if err != nil {
		t.Fatal(err)
	}
	s.Program = "dump.txt"
	var text strings.Builder
	if err := s.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	shows(t, "go run github.com/grove-go/grove/nursery/debug/grovetree dump.txt", text.String())
}

func TestTerminate(t *testing.T) {
	p, _ := hang(t)
	p.Signal(syscall.SIGTERM)
	_, text := p.Wait(1)
	report, _, _ := strings.Cut(text, "\nnursery \"mirror\"")
	shows(t, "kill -TERM 4711", report)
}

// hangs is set in the environment of a process that is to run TestMirror.
const hangs = "GROVE_SEEING_HANGS"

func TestMirror(t *testing.T) {
	if os.Getenv(hangs) == "" {
		return // TestTimeout runs it
	}
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		if err := nursery.Run(ctx, newMirror().run, nursery.Name("mirror")); err != nil {
			t.Error(err)
		}
	})
}

func TestTimeout(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run", "^TestMirror$", "-test.timeout", "4s")
	cmd.Env = append(os.Environ(), hangs+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("the test passed, and printed\n%s", out)
	}
	report, _, _ := strings.Cut(string(out), "\n\ngoroutine")
	shows(t, "GROVE_SEEING_HANGS=1 go test -run TestMirror -timeout 4s ./examples/docs/seeing", report)
}
