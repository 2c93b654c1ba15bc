package testutil

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"

	"github.com/grove-go/grove/internal/stacks"
	"go.uber.org/goleak"
)

// Main runs the tests of a package and exits. Call it from TestMain. If all tests pass
// but goroutines are left over, Main prints their stacks and exits with a failure.
//
//	func TestMain(m *testing.M) { testutil.Main(m) }
//
// Main uses goleak, and the goroutine-leak profile of the runtime if it exists (in Go
// 1.26 with GOEXPERIMENT=goroutineleakprofile). The profile distinguishes goroutines that
// nothing can wake from goroutines that still run. Goroutines left behind by
// [WantBlock] and [WantLeak] are not reported.
//
// If no goroutine of the process has run for ten seconds, Main prints what each one waits
// for, with the stacks, and the tests go on. It prints nothing while a goroutine sleeps,
// or is in a system call, such as a wait for another process.
func Main(m *testing.M) {
	stop := watchStuck(quiet, func(report string) {
		fmt.Fprintf(os.Stderr, "testutil: Main: no goroutine has run for %v; a test may be stuck:\n\n%s\n\n", quiet, report)
	})
	status := m.Run()
	stop()
	if status == 0 {
		if report := leaks(); report != "" {
			fmt.Fprintf(os.Stderr, "testutil: Main: %s", report)
			status = 1
		}
	}
	os.Exit(status)
}

// VerifyNone fails the test if goroutines are left over besides those of package testing,
// and prints their stacks. It waits a moment for goroutines that are about to end. It
// checks as [Main] does. Run it after everything else in the test:
//
//	defer testutil.VerifyNone(t)
//
// VerifyNone counts the goroutines of parallel tests too, so use [Bubble] in such tests
// instead.
func VerifyNone(t testing.TB) {
	t.Helper()
	if report := leaks(); report != "" {
		t.Error(report)
	}
}

// leaks returns a report of the goroutines that are left over, or "".
func leaks() string {
	var b strings.Builder
	if err := goleak.Find(); err != nil {
		if left := unexpected(err.Error(), found); left != "" {
			fmt.Fprintf(&b, "found unexpected goroutines:\n%s", left)
		}
	}
	if left := unexpected(leakProfile(), leaked); left != "" {
		fmt.Fprintf(&b, "the runtime reports as leaked:\n%s", left)
	}
	return b.String()
}

var (
	// found matches the beginning of an entry of goleak's report.
	found = regexp.MustCompile(`(?m)^[\[ ]Goroutine (\d+) in state `)
	// leaked matches the beginning of an entry of the profile that is marked as leaked.
	leaked = regexp.MustCompile(`(?m)^goroutine (\d+) \[[^\]]*\(leaked\)[^\]]*\]:`)
)

// leakProfile returns the stacks of all goroutines and marks the ones that the runtime
// found leaked. It returns "" if the runtime does not support the profile.
func leakProfile() string {
	p := pprof.Lookup("goroutineleak")
	if p == nil {
		return ""
	}
	var b bytes.Buffer // writes to it cannot fail
	_ = p.WriteTo(&b, 2)
	return b.String()
}

// unexpected returns the entries of a report that were not left over on purpose. The
// regular expression begin matches the beginning of an entry.
func unexpected(report string, begin *regexp.Regexp) string {
	var b strings.Builder
	entries := begin.FindAllStringSubmatchIndex(report, -1)
	for i, e := range entries {
		end := len(report)
		if i+1 < len(entries) {
			end = entries[i+1][0]
		}
		entry := report[e[0]:end]
		if begin == leaked { // further stacks may not be leaked
			entry, _, _ = strings.Cut(entry, "\n\n")
		}
		if !purpose.has(report[e[2]:e[3]]) {
			b.WriteString(strings.TrimSpace(strings.Trim(entry, "[] \n")) + "\n\n")
		}
	}
	return b.String()
}

// purpose holds the goroutines that were left over on purpose.
var purpose purposely

// purposely is a set of goroutines, identified by their ids, which the runtime does not
// reuse.
type purposely struct {
	mu  sync.Mutex
	ids map[string]bool
}

// add adds the goroutines of d.
func (p *purposely) add(d *stacks.Dump) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ids == nil {
		p.ids = make(map[string]bool)
	}
	for _, g := range d.Goroutines {
		p.ids[g.ID] = true
	}
}

func (p *purposely) has(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids[id]
}
