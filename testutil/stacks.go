package testutil

import (
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// ownStack returns the stack of the calling goroutine, as text.
func ownStack() string {
	buf := make([]byte, 1<<16)
	return string(buf[:runtime.Stack(buf, false)])
}

// withoutProbe returns the stack of a goroutine that looked at a probe, without what
// the probe did.
func withoutProbe(stack string) string {
	header, frames, _ := strings.Cut(stack, "\n")
	for {
		function, rest, _ := strings.Cut(frames, "\n")
		if !strings.Contains(function, "testutil.(*probe).") && !strings.Contains(function, "testutil.ownStack") {
			return header + "\n" + frames
		}
		_, frames, _ = strings.Cut(rest, "\n") // its place
	}
}

// allStacks returns the stacks of all goroutines, one text each.
func allStacks() []string {
	for buf := make([]byte, 1<<18); ; buf = make([]byte, 2*len(buf)) {
		if n := runtime.Stack(buf, true); n < len(buf) {
			return strings.Split(string(buf[:n]), "\n\n")
		}
	}
}

// bubbleID finds the number of the bubble in the header of a goroutine. Addresses may
// stand before the bracket (GOTRACEBACK=system), and labels after the number: behind
// the bracket in Go 1.27, in it before that.
var bubbleID = regexp.MustCompile(`^goroutine \d+[^\[\n]*\[[^\]\n"]*, synctest bubble (\d+)(?:\]| labels:)`)

// bubbleOf returns the number of the bubble that a goroutine with this stack is in, or
// "" if it is in none.
func bubbleOf(stack string) string {
	header, _, _ := strings.Cut(stack, "\n")
	if !strings.Contains(header, "synctest bubble ") { // most are in none
		return ""
	}
	if m := bubbleID.FindStringSubmatch(header); m != nil {
		return m[1]
	}
	return ""
}

// bubble returns the number of the bubble that the caller is in, or "".
func bubble() string {
	var header [256]byte // the rest of the stack would cost much more
	return bubbleOf(string(header[:runtime.Stack(header[:], false)]))
}

// service are functions of goroutines in a bubble that belong to package synctest, or
// watch over it.
var service = []string{"internal/synctest.Run(", "testing/synctest.testingSynctestTest(", "testutil.(*run).watch("}

// stacksIn returns the stacks of the goroutines in a bubble.
func stacksIn(bubble string) []string {
	return slices.DeleteFunc(allStacks(), func(s string) bool { return bubbleOf(s) != bubble })
}

// withoutService returns the stacks without those of service.
func withoutService(stacks []string) []string {
	return slices.DeleteFunc(slices.Clone(stacks), func(s string) bool {
		return slices.ContainsFunc(service, func(f string) bool { return strings.Contains(s, f) })
	})
}

// outline returns what is in the stacks that is the same when the same comes about
// another time: arguments are left out.
func outline(stacks []string) string {
	var b strings.Builder
	for _, s := range stacks {
		for l := range strings.Lines(s) {
			switch {
			case strings.HasPrefix(l, "goroutine "), strings.HasPrefix(l, "\t"):
				b.WriteString(l)
			default:
				b.WriteString(l[:max(0, strings.LastIndexByte(l, '('))])
			}
		}
	}
	return b.String()
}
