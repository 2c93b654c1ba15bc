package debug

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/stacks"
)

const (
	maxNested   = 1000 // nurseries in each other
	maxChildren = 1000 // of a node, after folding
	maxIDs      = 10   // of a folded entry
	maxFailures = 200  // in all
	maxScopes   = 100_000
)

// prefix is how the names of the functions of package nursery begin.
const prefix = stacks.Module + "/nursery."

// A builder makes the tree of a snapshot from a dump and the registry.
type builder struct {
	*Snapshot
	limits Thresholds
	live   bool // the snapshot is of this program
	now    int64
	wall   time.Time // zero: times are unknown
	dump   *stacks.Dump
	bubble string

	known   knowledge
	records map[uint64]*record // by the address of the nursery
	scopes  map[uint64]live.ScopeInfo
	foreign map[uint64]bool // the scopes of another bubble, as far as known

	nurseries map[uint64]*Nursery
	order     []*Nursery // as found
	inside    map[*Nursery]bool
	byID      map[string]*stacks.Goroutine
	owners    map[string]*Task // the tasks, by the numbers of their goroutines
	leaves    []*part          // the innermost parts of goroutines that do not wait for their own tasks
	joining   []*part          // the others
	parked    []parking
	orphans   []*Group         // goroutines outside with a label, whose beginner has returned
	scoped    map[uint64]*Task // tasks with a scope of their own, by its address
	begun     map[*live.Task]bool
	failures  int                // that the snapshot has
	queued    map[*Task]*Nursery // tasks that wait for their turn, and others may wait for
}

// A record is what the registry says of a nursery.
type record struct {
	*live.Nursery
	info live.NurseryInfo
}

// build makes the tree. The records were in the registry before and after the dump.
func (b *builder) build(records []*live.Nursery) {
	b.records = make(map[uint64]*record)
	b.scopes = make(map[uint64]live.ScopeInfo)
	b.foreign = make(map[uint64]bool)
	b.nurseries = make(map[uint64]*Nursery)
	b.inside = make(map[*Nursery]bool)
	b.byID = make(map[string]*stacks.Goroutine)
	b.owners = make(map[string]*Task)
	b.scoped = make(map[uint64]*Task)
	b.begun = make(map[*live.Task]bool)
	b.queued = make(map[*Task]*Nursery)
	for _, r := range records {
		b.records[uint64(live.Addr(r.Self))] = &record{r, live.DescribeNursery(r.Self)}
	}
	for _, r := range b.records {
		b.addScopes(r.info.Scope, r.Bubble != b.bubble)
	}
	for _, g := range b.dump.Goroutines {
		b.byID[g.ID] = g
	}
	var outside []*stacks.Goroutine
	for _, g := range b.dump.Goroutines {
		switch {
		case b.place(g):
		case g.NotBegun():
			b.Counts.NotBegun++
		default:
			outside = append(outside, g)
		}
	}
	for addr, r := range b.records { // which may have no goroutine in the dump
		b.addWaiting(b.nursery(addr), r)
	}
	for _, p := range b.parked {
		if t := b.scoped[p.addr]; t != nil {
			p.task.On = t.ID
		}
	}
	b.escapes(outside)
	for _, n := range b.order {
		if !b.inside[n] {
			b.Roots = append(b.Roots, n)
		}
		b.count(n)
		// A goroutine with a smaller number is probably older.
		slices.SortStableFunc(n.Tasks, func(x, y *Task) int {
			return cmp.Or(cmp.Compare(y.Age, x.Age), cmp.Compare(len(x.ID), len(y.ID)), strings.Compare(x.ID, y.ID))
		})
	}
	slices.SortFunc(b.Roots, oldest)
}

// oldest compares nurseries by their age.
func oldest(x, y *Nursery) int {
	return cmp.Or(cmp.Compare(y.Age, x.Age), strings.Compare(x.ID, y.ID))
}

// count adds what is known of a nursery by the registry to the totals.
func (b *builder) count(n *Nursery) {
	b.Counts.Nurseries++
	if n.Stats != nil {
		b.Counts.Queued += n.Stats.Queued
		if len(b.dump.Goroutines) == 0 {
			b.Counts.Tasks += n.Stats.Running
		}
	}
	if s := n.Scope; s != nil && s.Canceled != nil {
		b.Counts.Canceled++
	} else if s != nil && s.Stopping {
		b.Counts.Stopping++
	}
}

// addScopes describes the scopes below a scope, unless that has been done. They belong to
// another bubble if foreign is true.
func (b *builder) addScopes(scope context.Context, foreign bool) {
	if scope == nil {
		return
	}
	known := func(addr uintptr) bool { _, known := b.scopes[uint64(addr)]; return known }
	for _, info := range live.DescribeScopes(scope, maxScopes, known) {
		b.scopes[uint64(info.Addr)] = info
		if foreign {
			b.foreign[uint64(info.Addr)] = true
		}
	}
}

// nursery returns the node of the nursery with that address.
func (b *builder) nursery(addr uint64) *Nursery {
	if n := b.nurseries[addr]; n != nil {
		return n
	}
	n := &Nursery{ID: fmt.Sprintf("n%x", addr)}
	b.nurseries[addr] = n
	b.order = append(b.order, n)
	r := b.records[addr]
	if r == nil {
		n.Unregistered = b.live
		return n
	}
	i := r.info
	n.Name, n.Options, n.Panicking = i.Name, i.Options, i.Panicking
	n.Stats = &Stats{Running: i.Running, Queued: i.Queued, Finished: i.Finished, Failed: i.Failed}
	for _, err := range i.Failures[:min(len(i.Failures), maxFailures-b.failures)] {
		b.failures++
		n.Failures = append(n.Failures, fmt.Sprint(err)) // which survives a method Error that panics
	}
	switch {
	case !i.BodyDone:
		n.Phase = "open"
	case i.Members > 0:
		n.Phase = "waits for tasks"
	default:
		n.Phase = "waits for daemons"
	}
	if r.Bubble == b.bubble {
		n.Age, n.Opened = b.age(r.Opened)
	}
	if s, ok := b.scopes[uint64(live.Addr(i.Scope))]; ok {
		n.Scope = b.scope(s)
	}
	return n
}

// age returns how long ago at was, by live.Now, and the time.
func (b *builder) age(at int64) (time.Duration, *time.Time) {
	if b.wall.IsZero() || at == 0 {
		return 0, nil
	}
	d := time.Duration(b.now - at)
	t := b.wall.Add(-d)
	return d, &t
}

// scope returns the node of a scope.
func (b *builder) scope(s live.ScopeInfo) *Scope {
	n := &Scope{ID: fmt.Sprintf("s%x", s.Addr), Name: s.Name, Shielded: s.Shielded, Stopping: s.Stopping}
	if b.foreign[uint64(s.Addr)] {
		defer func(wall time.Time) { b.wall = wall }(b.wall)
		b.wall = time.Time{}
	}
	if !s.Deadline.IsZero() && !b.wall.IsZero() {
		n.Deadline, n.Left = &s.Deadline, s.Deadline.Sub(b.wall)
		n.Own = s.Deadline.Equal(s.OwnDeadline)
	}
	if !s.GraceDue.IsZero() && !b.wall.IsZero() && s.Canceled == nil {
		n.Grace = s.GraceDue.Sub(b.wall)
	}
	if c := s.Canceled; c != nil && !c.Closed {
		n.Canceled = &Canceled{Error: c.Err.Error(), Reason: c.Reason}
		n.Canceled.Ago, _ = b.age(c.At)
	}
	return n
}

// A part is what a goroutine does for a nursery.
type part struct {
	nursery *Nursery
	task    *Task
	host    int             // index of the frame that shows the nursery
	scope   *live.ScopeInfo // the innermost that is open in the part, or nil if unknown
	foreign bool            // the goroutine is in another bubble
}

// place puts a goroutine into the tree, and reports whether it works for a nursery.
func (b *builder) place(g *stacks.Goroutine) bool {
	if g.Bubble != b.bubble {
		// The clock of another bubble says nothing here.
		defer func(wall time.Time) { b.wall = wall }(b.wall)
		b.wall = time.Time{}
	}
	var p *part // the innermost so far
	for i := len(g.Frames) - 1; i >= 0; i-- {
		f := g.Frames[i]
		if p != nil && f.Function == stacks.Module+"/cancel.(*Scope).run" {
			p.scope = nil // unless it was in the registry
			if addr, ok := f.Arg(0); ok {
				if s, ok := b.known.scopes[uintptr(addr)]; ok {
					b.enter(p, s)
				}
			}
			continue
		}
		addr, ok := stacks.Nursery(f)
		if !ok {
			continue
		}
		if n := b.nursery(addr); p == nil || n != p.nursery { // the frames of a task may be two
			p = b.part(g, n, p, i)
			if r := b.records[addr]; r != nil {
				s := b.scopes[uint64(live.Addr(r.info.Scope))] // addScopes has described it
				p.scope = &s
			}
		}
		if t := b.option(f); t != nil {
			b.begun[t] = true
			p.task.Name, p.task.Daemon = t.Name, t.Daemon
			p.task.Age, _ = b.age(t.Accepted)
			if t.Scope != nil {
				b.enter(p, t.Scope)
				b.scoped[uint64(live.Addr(t.Scope))] = p.task
			}
		}
	}
	if p == nil {
		return false
	}
	if g.Elided {
		p.scope = nil // shields and nurseries may be in the frames that are left out
	}
	b.describe(p, g)
	if addr, ok := g.Parked(); ok && b.live {
		b.parked = append(b.parked, parking{p, addr})
		if words := live.Words(uintptr(addr), !p.foreign); words != "" {
			p.task.WaitsFor = words
		} else {
			p.task.On = fmt.Sprintf("o%x", addr)
		}
	}
	if b.dump.Joins(g) {
		b.joining = append(b.joining, p)
	} else {
		b.leaves = append(b.leaves, p)
	}
	return true
}

// part returns what the goroutine does for a nursery inside outer, which is nil if it does
// nothing else. The frame at shows the nursery.
func (b *builder) part(g *stacks.Goroutine, n *Nursery, outer *part, at int) *part {
	p := &part{nursery: n, task: &Task{}, host: at, foreign: g.Bubble != b.bubble}
	role := stacks.RoleOf(g.Frames[at])
	if role != stacks.RoleBody {
		p.task.Worker = role == stacks.RoleWorker
		n.Tasks = append(n.Tasks, p.task)
		b.Counts.Tasks++
		b.owners[g.ID] = p.task
		return p
	}
	n.Body, p.task.Age = p.task, n.Age
	for i := at + 1; i < len(g.Frames) && n.Place == nil; i++ {
		if f := &g.Frames[i]; b.dump.IsUser(f) {
			n.Place = placeOf(*f)
		}
	}
	if outer != nil {
		b.describe(outer, g)
		outer.task.At, outer.task.WaitsFor, outer.task.Stack = n.Place, "its nursery", nil
		outer.task.Nurseries = append(outer.task.Nurseries, n)
		b.inside[n] = true
	}
	return p
}

// addWaiting adds the named tasks to a nursery that have not run yet. Without stacks it adds
// all named tasks.
func (b *builder) addWaiting(n *Nursery, r *record) {
	if r.Bubble != b.bubble {
		defer func(wall time.Time) { b.wall = wall }(b.wall)
		b.wall = time.Time{}
	}
	stacks := len(b.dump.Goroutines) > 0
	for _, l := range r.Tasks() { // which have not returned since the dump
		addr := uint64(live.Addr(l.Self))
		if b.begun[l] || stacks && b.known.tasks[addr] != l {
			continue
		}
		t := &Task{ID: fmt.Sprintf("t%x", addr), Name: l.Name, Daemon: l.Daemon}
		t.Age, _ = b.age(l.Accepted)
		switch {
		case !stacks:
		case l.Queued:
			t.WaitsFor = "its turn"
		default:
			t.WaitsFor = "to begin"
		}
		if l.Name != "" {
			n.Tasks = append(n.Tasks, t)
		}
		if l.Queued && l.Scope != nil {
			b.scoped[uint64(live.Addr(l.Scope))] = t
			b.queued[t] = n
		}
	}
}

// enter notes that a part runs in a scope.
func (b *builder) enter(p *part, scope context.Context) {
	s := live.DescribeScope(scope)
	b.scopes[uint64(s.Addr)] = s
	if b.wall.IsZero() {
		b.foreign[uint64(s.Addr)] = true
	}
	p.task.Scopes = append(p.task.Scopes, b.scope(s))
	p.scope = &s
}

// option returns the record of the task that a frame calls, if it has options.
func (b *builder) option(f stacks.Frame) *live.Task {
	if f.Function != prefix+"(*Nursery).call" {
		return nil
	}
	addr, ok := f.Arg(2)
	if !ok {
		return nil
	}
	return b.known.tasks[addr]
}

// describe says what the goroutine does in a part.
func (b *builder) describe(p *part, g *stacks.Goroutine) {
	t := p.task
	t.ID = "g" + g.ID
	t.Label = labelOf(g)
	t.State, t.Blocked, t.WaitsFor = g.State, int(g.Blocked/time.Minute), b.dump.Waits(g)
	if f := b.dump.At(g); f.Function != "" {
		t.At = placeOf(f)
		t.Function = t.At.Function
	}
	for i := p.host - 1; i >= 0; i-- {
		if f := &g.Frames[i]; b.dump.IsUser(f) {
			t.Function = f.Short()
			break
		}
	}
	if i := p.host + 1; i < len(g.Frames) && g.Frames[i].Function == prefix+"(*Nursery).timed" {
		if at, ok := g.Frames[i].Arg(2); ok {
			t.Age, _ = b.age(int64(at))
		}
	}
	t.Stack = make([]Place, len(g.Frames))
	for i, f := range g.Frames {
		t.Stack[i] = *placeOf(f)
	}
}

// labelOf returns the label of a goroutine with the key grove, or "".
func labelOf(g *stacks.Goroutine) string {
	for _, l := range g.Labels {
		if l.Key == "grove" {
			return l.Value
		}
	}
	return ""
}

// profile adds a profile of the goroutines.
func (b *builder) profile(d *stacks.Dump, counts []int) {
	byKey := make(map[string]*Group)
	for i, g := range d.Goroutines {
		group := &Group{State: d.Waits(g), Label: labelOf(g)}
		if f := d.At(g); f.Function != "" {
			group.At = placeOf(f)
		}
		key := fmt.Sprint(group.State, group.At, group.Label)
		if old := byKey[key]; old != nil {
			group = old
		} else {
			byKey[key] = group
			b.Profile = append(b.Profile, group)
		}
		group.Count += counts[i]
	}
	slices.SortStableFunc(b.Profile, func(x, y *Group) int { return cmp.Compare(y.Count, x.Count) })
	b.Profile, b.MoreStacks = cut(b.Profile, maxChildren)
}

// placeOf returns the place of a frame.
func placeOf(f stacks.Frame) *Place {
	return &Place{Function: f.Short(), File: f.File, Line: f.Line}
}

// escapes attributes goroutines that work for no nursery to the tasks that began them.
func (b *builder) escapes(outside []*stacks.Goroutine) {
	groups := make(map[*Task]map[string]*Group)
	for _, g := range outside {
		owner := b.beganBy(g)
		byKey := groups[owner]
		if byKey == nil {
			byKey = make(map[string]*Group)
			groups[owner] = byKey
		}
		group := &Group{State: g.State, Label: labelOf(g)}
		if f := b.dump.At(g); f.Function != "" {
			group.At = placeOf(f)
		}
		if g.Creator.Function != "" {
			group.Creator = placeOf(g.Creator)
		}
		key := fmt.Sprint(group.State, group.At, group.Creator, group.Label)
		if old := byKey[key]; old != nil {
			group = old
		} else {
			byKey[key] = group
			switch {
			case owner != nil:
				owner.Escaped = append(owner.Escaped, group)
			default:
				b.Others = append(b.Others, group)
				if b.orphan(g) {
					b.orphans = append(b.orphans, group)
				}
			}
		}
		group.Count++
		if len(group.Goroutines) < maxIDs {
			group.Goroutines = append(group.Goroutines, g.ID)
		}
		if owner != nil {
			b.Counts.Escaped++
		} else {
			b.Counts.Outside++
		}
	}
	slices.SortStableFunc(b.Others, func(x, y *Group) int { return cmp.Compare(y.Count, x.Count) })
}

// beganBy returns the task that has begun a goroutine with a bare go statement, itself or
// by other such goroutines. It returns nil if there is none, or if the code of another
// module began the goroutine.
func (b *builder) beganBy(g *stacks.Goroutine) *Task {
	for g != nil && b.dump.IsUser(&g.Creator) && !ofOtherModule(g.Creator.File) {
		if t := b.owners[g.Parent]; t != nil {
			return t
		}
		g = b.byID[g.Parent]
	}
	return nil
}

// orphan reports whether a goroutine has the label of a task, and the goroutine that began it
// with a bare go statement has returned.
func (b *builder) orphan(g *stacks.Goroutine) bool {
	for g != nil && labelOf(g) != "" && b.dump.IsUser(&g.Creator) && !ofOtherModule(g.Creator.File) {
		parent := b.byID[g.Parent]
		if parent == nil {
			return true
		}
		g = parent
	}
	return false
}

// ofOtherModule reports whether a file is in the module cache or in a vendor directory.
func ofOtherModule(file string) bool {
	return strings.Contains(file, "@v") || strings.Contains(file, "/vendor/")
}

// cutDepth cuts off the nurseries that are too deep. Those of the list are in so many others.
func cutDepth(list []*Nursery, depth int) {
	for _, n := range list {
		for _, t := range append([]*Task{n.Body}, n.Tasks...) {
			switch {
			case t == nil || len(t.Nurseries) == 0:
			case depth == maxNested-1:
				t.Deeper = size(t.Nurseries)
				t.Nurseries = nil
			default:
				cutDepth(t.Nurseries, depth+1)
			}
		}
	}
}

// size returns how many nurseries a list has, with the nurseries below.
func size(list []*Nursery) (nurseries int) {
	for _, n := range list {
		nurseries++
		for _, t := range append([]*Task{n.Body}, n.Tasks...) {
			if t != nil {
				nurseries += t.Deeper + size(t.Nurseries)
			}
		}
	}
	return nurseries
}

// nurseryAddr returns the address of a nursery.
func nurseryAddr(n *Nursery) uint64 {
	addr, err := strconv.ParseUint(n.ID[1:], 16, 64)
	if err != nil {
		panic(err) // nursery made it
	}
	return addr
}
