package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Output fails the test unless each document shows what a program prints: the line
// "$ command" in a block, and what follows it up to the end of the block. Ports and
// times of the day, which no two runs have in common, may differ.
func Output(t testing.TB, command, printed string, documents ...string) {
	t.Helper()
	for _, d := range documents {
		shown, found := after(read(t, d), command)
		if !found {
			t.Errorf("%s has no block with the line %q", filepath.Base(d), "$ "+command)
			continue
		}
		if level(shown) != level(printed) {
			t.Errorf("%s shows for %s\n%s\nIt prints\n%s", filepath.Base(d), command, shown, printed)
		}
	}
}

// after returns the rest of the block after the line of the command.
func after(document, command string) (output string, found bool) {
	_, rest, found := strings.Cut(document, "\n```\n$ "+command+"\n")
	output, _, closed := strings.Cut(rest, "```\n")
	return output, found && closed
}

var varies = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? UTC|127\.0\.0\.1:\d+`)

// level replaces text that differs between two runs.
func level(output string) string { return varies.ReplaceAllString(output, "…") }

// Print returns what a program prints to standard output.
func Print(t testing.TB, program func()) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = f
	defer func() { os.Stdout = stdout }() // even if program panics, or ends the test
	program()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return read(t, name)
}
