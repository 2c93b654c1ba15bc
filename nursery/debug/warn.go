package debug

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Thresholds say when a snapshot warns.
type Thresholds struct {
	Unresponsive time.Duration // how long a canceled task may take to return
	Failing      time.Duration // how long the tasks of a nursery that has failed may take
	Late         time.Duration // how late the cancellation by a deadline may be
	Starved      time.Duration // how long no task of a nursery with a queue may return
	Swollen      int           // how many tasks a nursery without a limit may have
	Failures     int           // how many failures a nursery may have
}

// defaults are the thresholds unless an option sets others.
var defaults = Thresholds{
	Unresponsive: time.Second,
	Failing:      time.Second,
	Late:         time.Second,
	Starved:      10 * time.Second,
	Swollen:      10_000,
	Failures:     1000,
}

// codes lists the codes of warnings, the worst first.
var codes = []string{"cycle", "panicking", "unresponsive", "failing", "stopping", "late", "starved", "escaped", "swollen"}

// maxWarnings is how many warnings of a code a snapshot has.
const maxWarnings = 100

// warn adds the warnings.
func (b *builder) warn() {
	for _, n := range b.order {
		b.warnOf(n)
		for _, t := range n.Tasks {
			for _, g := range t.Escaped {
				text := fmt.Sprintf("began %s with a bare go statement (%s)", goroutines(g), g.State)
				name := cmp.Or(t.Name, t.Function)
				if t.Worker {
					name = "a worker" // perhaps for a task that has returned
				}
				place := cmp.Or(g.Creator, g.At)
				b.addAbout(at("", place), "escaped", t.ID, name, 0, text, place) // a task may have begun several
			}
		}
	}
	for _, g := range b.orphans {
		have := "have"
		if g.Count == 1 {
			have = "has"
		}
		text := fmt.Sprintf("%s %s outlived the code with a bare go statement that began it (%s)", goroutines(g), have, g.State)
		place := cmp.Or(g.Creator, g.At)
		b.addAbout(at("", place)+g.Label, "escaped", "", g.Label, 0, text, place)
	}
	for _, p := range b.leaves {
		if p.foreign || p.scope == nil || p.scope.Canceled == nil || p.scope.Canceled.Closed {
			continue
		}
		c := p.scope.Canceled
		if ago, _ := b.age(c.At); ago >= b.limits.Unresponsive {
			text := fmt.Sprintf("canceled %s ago (%s), and has not returned: %s", round(ago), c.Reason, p.task.WaitsFor)
			b.add("unresponsive", p.task.ID, cmp.Or(p.task.Name, p.task.Function), ago, text, p.task.At)
		}
	}
	b.warnOfCycles()
	slices.SortStableFunc(b.Warnings, func(x, y Warning) int {
		return cmp.Or(cmp.Compare(slices.Index(codes, x.Code), slices.Index(codes, y.Code)), cmp.Compare(y.Since, x.Since))
	})
}

// warnOf adds the warnings of a nursery.
func (b *builder) warnOf(n *Nursery) {
	if n.Stats == nil {
		return
	}
	name := cmp.Or(n.Name, "a nursery")
	left := n.Stats.Running
	body := n.Phase == "open" && b.records[nurseryAddr(n)].info.Members > 0
	var s Scope
	if n.Scope != nil {
		s = *n.Scope
	}
	switch canceled := s.Canceled; {
	case n.Panicking && (left > 0 || body):
		b.add("panicking", n.ID, name, 0, "a panic waits for "+panicWaits(left, body), n.Place)
	case n.Stats.Failed > 0 && canceled != nil && canceled.Ago >= b.limits.Failing && left > 0:
		b.add("failing", n.ID, name, canceled.Ago, fmt.Sprintf("%s, canceled %s ago, and %s not returned", plural(n.Stats.Failed, "failure"), round(canceled.Ago), have(left)), n.Place)
	}
	if s.Stopping && s.Canceled == nil && s.Grace > 0 && s.Grace <= b.limits.Unresponsive && left > 0 {
		b.add("stopping", n.ID, name, 0, fmt.Sprintf("the grace ends in %s, and %s not returned", round(s.Grace), have(left)), n.Place)
	}
	if s.Canceled == nil && s.Deadline != nil && s.Own && s.Left <= -b.limits.Late {
		b.add("late", n.ID, name, -s.Left, fmt.Sprintf("the deadline passed %s ago, and has not canceled the scope", round(-s.Left)), n.Place)
	}
	if r := b.records[nurseryAddr(n)]; r != nil {
		if r.info.Unlimited && left > b.limits.Swollen {
			b.add("swollen", n.ID, name, 0, fmt.Sprintf("%d tasks run, and there is no limit", left), n.Place)
		}
		if n.Stats.Failed > b.limits.Failures {
			b.addAbout("failures", "swollen", n.ID, name, 0, fmt.Sprintf("%d failures are recorded", n.Stats.Failed), n.Place)
		}
		idle := r.Idle(n.Stats.Finished, n.Stats.Queued, b.now)
		if idle >= int64(b.limits.Starved) && n.Stats.Queued > 0 && n.Opened != nil {
			d := time.Duration(idle)
			b.add("starved", n.ID, name, d, fmt.Sprintf("%s, and none has returned for %s", plural(n.Stats.Queued, "queued task"), round(d)), n.Place)
		}
	}
}

// add adds a warning.
func (b *builder) add(code, node, name string, since time.Duration, text string, at *Place) {
	b.addAbout("", code, node, name, since, text, at)
}

// addAbout adds a warning that is not the only one with its code and node.
func (b *builder) addAbout(about, code, node, name string, since time.Duration, text string, at *Place) {
	same := 0
	for _, w := range b.Warnings {
		if w.Code == code {
			same++
		}
	}
	if same == maxWarnings {
		b.MoreWarned++
	} else {
		b.Warnings = append(b.Warnings, Warning{Code: code, Node: node, Name: name, Since: since, Text: text, At: at, about: about})
	}
}

// panicWaits returns what a panic waits for: tasks, or the body if it runs, or both.
func panicWaits(tasks int, body bool) string {
	switch {
	case !body:
		return plural(tasks, "task")
	case tasks == 0:
		return "the body"
	}
	return plural(tasks, "task") + " and the body"
}

// goroutines returns "goroutine 7" or "3 goroutines".
func goroutines(g *Group) string {
	if g.Count == 1 {
		return "goroutine " + g.Goroutines[0]
	}
	return plural(g.Count, "goroutine")
}

// have returns "1 task has" or "2 tasks have".
func have(tasks int) string {
	if tasks == 1 {
		return "1 task has"
	}
	return plural(tasks, "task") + " have"
}

// plural returns the number and the noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// round returns a duration with about two digits.
func round(d time.Duration) string {
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
	case d >= time.Minute:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(time.Millisecond)
	default:
		d = d.Round(time.Microsecond)
	}
	return d.String()
}
