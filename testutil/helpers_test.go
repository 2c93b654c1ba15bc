package testutil_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func nothing(context.Context) error { return nil }

// A printer is a testing.TB for examples. It prints what a test would report.
type printer struct{ testing.TB }

func (printer) Helper()                           {}
func (printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// Error prints only the first line, because stacks differ from run to run.
func (printer) Error(args ...any) {
	line, _, _ := strings.Cut(fmt.Sprint(args...), "\n")
	fmt.Println(line, "...")
}

// wantReport checks that r recorded one text that contains all of want, or nothing if
// want is empty.
func wantReport(t *testing.T, r *recorder, want ...string) {
	t.Helper()
	if len(want) == 0 && len(r.errors) > 0 || len(want) > 0 && len(r.errors) != 1 {
		t.Fatalf("reported %d times, want one text with %q:\n%s", len(r.errors), want, strings.Join(r.errors, "\n"))
	}
	for _, w := range want {
		if !strings.Contains(r.errors[0], w) {
			t.Errorf("the report has no %q:\n%s", w, r.errors[0])
		}
	}
}
