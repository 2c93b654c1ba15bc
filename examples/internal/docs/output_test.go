package docs

import (
	"fmt"
	"strings"
	"testing"
)

func TestOutput(t *testing.T) {
	const printed = "a\nat 127.0.0.1:80, 2000-01-01 00:00:03 UTC\n"
	for _, c := range []struct {
		name, document string
		want           string // in the message of the failure, or "" for none
	}{
		{"what it prints", "x\n```\n$ run it\na\nat 127.0.0.1:4711, 2026-11-21 14:30:12.274 UTC\n```\ny\n", ""},
		{"a line too many", "x\n```\n$ run it\na\nb\nat 127.0.0.1:1, 2026-11-21 14:30:12 UTC\n```\n", "doc.md shows for run it\na\nb\n"},
		{"nothing", "x\n```\n$ run it\n```\n", "shows"},
		{"another command", "x\n```\n$ run that\na\n```\n", `no block with the line "$ run it"`},
		{"a block that is not closed", "x\n```\n$ run it\na\n", "no block"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "doc.md", c.document)
			r := &recorder{TB: t}
			Output(r, "run it", printed, "doc.md")
			if (r.failure == "") != (c.want == "") || !strings.Contains(r.failure, c.want) {
				t.Errorf("failure %q, want one with %q", r.failure, c.want)
			}
		})
	}
	t.Run("the second document", func(t *testing.T) {
		t.Chdir(t.TempDir())
		write(t, "good.md", "x\n```\n$ run it\n"+printed+"```\n")
		write(t, "bad.md", "x\n")
		r := &recorder{TB: t}
		Output(r, "run it", printed, "good.md", "bad.md")
		if !strings.HasPrefix(r.failure, "bad.md") {
			t.Errorf("failure %q, want one of bad.md", r.failure)
		}
	})
}

func TestPrint(t *testing.T) {
	if got := Print(t, func() { fmt.Println("hello") }); got != "hello\n" {
		t.Errorf("Print() = %q, want what the program printed", got)
	}
}
