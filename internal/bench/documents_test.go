package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocuments compares the documents in the repository with the comparisons in the code.
// After a change of either, run the command again.
func TestDocuments(t *testing.T) {
	text, err := os.ReadFile("RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nMade by `go run ./internal/bench` with ") {
		t.Error("RESULTS.md was not made by the command without flags")
	}
	var want, got []string
	for _, c := range comparisons() {
		want = append(want, "## "+c.name)
		for _, who := range c.contestants {
			want = append(want, "| "+who.name)
		}
	}
	tables, _, _ := strings.Cut(string(text), "\n## Goals\n")
	for _, m := range regexp.MustCompile(`(?m)^(## .*|\| [^|]*[^ |])`).FindAllString(tables, -1) {
		if m = strings.ReplaceAll(m, "*", ""); m != "| contestant" && m != "| ---" {
			got = append(got, m)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("RESULTS.md has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	svg, err := os.ReadFile("results.svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range comparisons() {
		if !strings.Contains(string(svg), ">"+c.name+"</text>") {
			t.Errorf("results.svg has no %q", c.name)
		}
	}
}
