package nursery

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/stacks"
)

// reportStragglers writes to standard error which tasks of the program have not returned
// at some moment, if there are any. It waits no longer than reportTime.
func reportStragglers(when string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// With standard error gone, there is nothing to be done about an error.
		_, _ = fmt.Fprint(os.Stderr, stragglers(namesInStacks(), stacks.All(), when))
	}()
	select {
	case <-done:
	case <-time.After(reportTime):
	}
}

// stragglers returns a table of the tasks and bodies in d that wait for nothing but their
// own work. Tasks that are alike share a line. The text is empty if there are none.
func stragglers(names map[uint64]named, d *stacks.Dump, when string) string {
	var rows []string // in the order of the dump
	count := make(map[string]int)
	total := 0
	for _, g := range d.Goroutines {
		name, ok := straggler(d, g, names)
		if !ok {
			continue
		}
		at := d.At(g)
		row := strings.Join([]string{name, at.Short(), at.Place(), d.Waits(g)}, "\t")
		if count[row] == 0 {
			rows = append(rows, row)
		}
		count[row]++
		total++
	}
	if total == 0 {
		return ""
	}
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "nursery: Main: %s: %s not returned:\n", when, tasks(total)) // writes to a strings.Builder cannot fail
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		times := "" // not a column of its own, which would leave spaces at the ends of other lines
		if n := count[row]; n > 1 {
			times = fmt.Sprintf("  ×%d", n)
		}
		_, _ = fmt.Fprintf(w, "    %s%s\n", row, times)
	}
	_ = w.Flush() // as above
	return b.String()
}

// tasks returns "1 task has" or "2 tasks have".
func tasks(n int) string {
	if n == 1 {
		return "1 task has"
	}
	return fmt.Sprintf("%d tasks have", n)
}

// straggler returns the name of a task, or of the body of a nursery. It reports false for
// other goroutines, and for goroutines that wait for their own tasks.
func straggler(d *stacks.Dump, g *stacks.Goroutine, names map[uint64]named) (name string, ok bool) {
	if d.Joins(g) {
		return "", false
	}
	for _, f := range g.Frames {
		role := stacks.RoleOf(f)
		if role == stacks.RoleNone {
			continue
		}
		info, _ := f.Arg(2) // of the method call alone
		n, _ := f.Arg(0)
		switch path := names[n].path; {
		case role == stacks.RoleBody:
			return cmp.Or(path, "a nursery") + ": body", true
		case names[info].path != "":
			return names[info].path, true
		default:
			return cmp.Or(path, "a task"), true
		}
	}
	return "", false
}

// A named is something with a path. It stays at its address while the named is in use, so
// that nothing newer can have an address that is in the dump.
type named struct {
	path string
	self any
}

// namesInStacks returns the paths of the nurseries and tasks that have names, by their
// addresses in stacks. It is called before the dump. Paths with characters that a terminal
// would act on are quoted.
func namesInStacks() map[uint64]named {
	names := make(map[uint64]named)
	for _, r := range live.Nurseries() {
		path := cancel.Path(r.Self.(*Nursery).scope)
		if path != "" {
			names[uint64(live.Addr(r.Self))] = named{stacks.Quote(path), r.Self}
		}
		for _, t := range r.Tasks() {
			if t.Name != "" {
				path := strings.TrimPrefix(path+"/"+t.Name, "/")
				names[uint64(live.Addr(t.Self))] = named{stacks.Quote(path), t.Self}
			}
		}
	}
	return names
}
