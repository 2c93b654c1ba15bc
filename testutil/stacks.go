package testutil

import (
	"fmt"
	"strings"

	"github.com/grove-go/grove/internal/stacks"
)

// withoutProbe returns the stack of a goroutine that called a probe, without the frames
// of the probe.
func withoutProbe(stack string) string {
	header, frames, _ := strings.Cut(stack, "\n")
	for {
		function, rest, _ := strings.Cut(frames, "\n")
		if !strings.Contains(function, "testutil.(*probe).") && !strings.Contains(function, "internal/stacks.") {
			return header + "\n" + frames
		}
		_, frames, _ = strings.Cut(rest, "\n") // its file and line
	}
}

// service lists functions of goroutines in a bubble that belong to package synctest or to
// CancelEverywhere.
var service = []string{"internal/synctest.Run", "testing/synctest.testingSynctestTest", stacks.Module + "/testutil.(*run).watch"}

// inside returns the goroutines in a bubble.
func inside(bubble string) *stacks.Dump {
	return stacks.All().Only(func(g *stacks.Goroutine) bool { return g.Bubble == bubble })
}

// withoutService returns the goroutines without the service goroutines.
func withoutService(d *stacks.Dump) *stacks.Dump {
	return d.Only(func(g *stacks.Goroutine) bool {
		for _, s := range service {
			if _, found := g.Find(s); found {
				return false
			}
		}
		return true
	})
}

// outline returns what is the same in two looks at goroutines that have not run in
// between.
func outline(d *stacks.Dump) string {
	var b strings.Builder
	for _, g := range d.Goroutines {
		fmt.Fprintln(&b, g.ID, g.State)
		for _, f := range g.Frames {
			fmt.Fprintln(&b, f.Function, f.File, f.Line)
		}
	}
	return b.String()
}
