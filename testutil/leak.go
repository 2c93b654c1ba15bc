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

	"go.uber.org/goleak"
)

// Main runs the tests of a package, to be called from its TestMain, and exits
// with a failure if goroutines are left over when all have passed. It names
// those goroutines with their stacks.
//
//	func TestMain(m *testing.M) { testutil.Main(m) }
//
// It looks with goleak, and with the goroutine-leak profile of the runtime where there
// is one (in Go 1.26 with GOEXPERIMENT=goroutineleakprofile), which tells those that
// nothing can wake any more from those that merely still run. What [ExpectBlock] and
// [ExpectLeak] have left is not reported.
func Main(m *testing.M) {
	status := m.Run()
	if status == 0 {
		if report := leaks(); report != "" {
			fmt.Fprintf(os.Stderr, "testutil: Main: %s", report)
			status = 1
		}
	}
	os.Exit(status)
}

// VerifyNone fails the test if goroutines are left over besides those of package
// testing, and prints their stacks. It waits a moment for those that are about
// to end. It looks in the same way as [Main] does. Call it last of all:
//
//	defer testutil.VerifyNone(t)
//
// Goroutines of tests that run in parallel count too, so it is not for such
// tests: use [Bubble] there.
func VerifyNone(t testing.TB) {
	t.Helper()
	if report := leaks(); report != "" {
		t.Error(report)
	}
}

// leaks reports the goroutines that are left over, or returns "".
func leaks() string {
	var b strings.Builder
	if err := goleak.Find(); err != nil {
		if left := unexpected(err.Error(), found); left != "" {
			fmt.Fprintf(&b, "found unexpected goroutines:\n%s", left)
		}
	}
	if left := unexpected(leakProfile(), leaked); left != "" {
		fmt.Fprintf(&b, "leaked for certain, says the runtime:\n%s", left)
	}
	return b.String()
}

var (
	// How goleak begins what it has about a goroutine, in a list.
	found = regexp.MustCompile(`(?m)^[\[ ]Goroutine (\d+) in state `)
	// How the profile begins what it has about one that is leaked.
	leaked = regexp.MustCompile(`(?m)^goroutine (\d+) \[[^\]]*\(leaked\)[^\]]*\]:`)
)

// leakProfile returns the stacks of all goroutines, with those marked that the runtime
// knows to be leaked, or "" if this one does not know.
func leakProfile() string {
	p := pprof.Lookup("goroutineleak")
	if p == nil {
		return ""
	}
	var b bytes.Buffer // which cannot fail
	_ = p.WriteTo(&b, 2)
	return b.String()
}

// unexpected returns those entries of a report, which begin so, that were not left
// over on purpose.
func unexpected(report string, begin *regexp.Regexp) string {
	var b strings.Builder
	entries := begin.FindAllStringSubmatchIndex(report, -1)
	for i, e := range entries {
		end := len(report)
		if i+1 < len(entries) {
			end = entries[i+1][0]
		}
		entry := report[e[0]:end]
		if begin == leaked { // what follows may not be leaked
			entry, _, _ = strings.Cut(entry, "\n\n")
		}
		if !purpose.has(report[e[2]:e[3]]) {
			b.WriteString(strings.TrimSpace(strings.Trim(entry, "[] \n")) + "\n\n")
		}
	}
	return b.String()
}

// purpose knows the goroutines that were left over on purpose.
var purpose purposely

// purposely is a set of goroutines, by their ids, which are not used again.
type purposely struct {
	mu  sync.Mutex
	ids map[string]bool
}

// add adds the goroutines with these stacks.
func (p *purposely) add(stacks []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ids == nil {
		p.ids = make(map[string]bool)
	}
	for _, s := range stacks {
		p.ids[parse(s).id] = true
	}
}

func (p *purposely) has(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids[id]
}
