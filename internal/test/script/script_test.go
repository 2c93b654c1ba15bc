package script_test

import (
	"fmt"
	"strings"
	"time"
)

// A script is a sequence of acts. The tasks that it starts have their own scripts, so one
// script describes a whole random program. It is run twice: against the library in a
// bubble (see player), and in a model of the rules (see model). Both record a trace, and
// the traces must be equal.
//
// No two acts or deadlines share an instant. All events at one instant therefore have one
// cause, and everything that follows without a wait is determined, except for the order
// in which siblings notice it.
type script []*act

// An act is one step of a script. It begins with a wait.
type act struct {
	id    int
	kind  actKind
	after int      // length of the wait, in ticks
	wait  waitKind // kind of wait
	gives giveKind // reaction to a cancellation during the wait

	up      int    // which nursery, scope or handle, counted from the innermost
	on      bool   // on or off, early or late, with or without
	ticks   int    // for deadlines
	swallow bool   // drop an error of the acts inside
	name    string // of a task; may be empty
	daemon  bool
	options options
	inside  script   // of a task, scope or body
	items   []script // of a flow
}

// A tick is the unit of waits. Within each tick, every act has its own instants.
const tick = time.Millisecond

// The instants of an act in each tick.
const (
	whenDue    = iota // the act runs
	whenPaused        // it continues after a pause
	whenOver          // it is over
	whenLate          // a deadline that it sets
	whens             // number of instants
)

// at returns an instant of the act, some ticks from now. Times are counted from the
// beginning of the program.
func (a *act) at(now time.Duration, ticks, which int) time.Duration {
	return (now/tick+time.Duration(ticks))*tick + time.Duration(a.id*whens+which)
}

// The options of a nursery or flow.
type options struct {
	limit      int // 0: none
	keep, safe bool
}

type actKind int

const (
	actNothing actKind = iota
	actFail
	actPanic
	actGoexit
	actCancel     // cancels a scope
	actDeadline   // sets the deadline of a scope
	actShield     // raises or lowers the shield of a scope
	actStop       // asks a scope to stop
	actScope      // runs the acts inside in a scope
	actNursery    // runs the acts inside in a nursery
	actGo         // starts a task
	actSpawn      // starts a task, with a handle
	actStart      // starts a task and waits until it is ready
	actReady      // reports that the task is ready
	actWait       // waits for the task of a handle
	actCancelTask // cancels the task of a handle
	actFor
	actMap
	actEach
	actStream
	actUnordered
)

var actNames = []string{"nothing", "fail", "panic", "goexit", "cancel", "deadline", "shield", "stop", "scope", "nursery", "go", "spawn", "start", "ready", "wait", "cancel task", "for", "map", "each", "stream", "unordered"}

type waitKind int

const (
	waitHeeding   waitKind = iota // ends when ctx is done
	waitDeaf                      // ignores ctx
	waitUntilStop                 // ends when ctx is done or asked to stop
	waitKinds
)

type giveKind int

const (
	giveErr     giveKind = iota // cancel.Err(ctx)
	giveWrapped                 // cancel.Err(ctx), wrapped
	giveBare                    // ctx.Err()
	giveCause                   // context.Cause(ctx)
	giveJoined                  // a failure and ctx.Err()
	giveFailure                 // a failure
	giveNothing                 // nothing; the script continues
	giveKinds
)

// A drawer draws a script from bytes. When they run out, it draws the acts that end
// soonest.
type drawer struct {
	data []byte
	ids  int
}

func drawScript(data []byte) script {
	d := &drawer{data: data}
	a := d.act(5)
	a.kind, a.wait, a.swallow = actNursery, waitDeaf, false
	a.options = d.options()
	a.inside = append(a.inside, d.script(5)...)
	return script{a}
}

// next returns a number below n.
func (d *drawer) next(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	v := d.data[0]
	d.data = d.data[1:]
	return int(v) % n
}

func (d *drawer) script(depth int) script {
	var s script
	for range 1 + d.next(5) {
		a := d.act(depth)
		s = append(s, a)
		if a.kind == actSpawn {
			// Usually use the handle.
			b := d.act(0)
			b.kind = []actKind{actWait, actCancelTask, actWait, actNothing}[d.next(4)]
			s = append(s, b)
		}
	}
	return s
}

func (d *drawer) options() options {
	v := d.next(64)
	return options{limit: max(0, v%8-4), keep: v>>3&3 == 0 && v > 0, safe: v>>5&1 == 1}
}

// kinds sets the frequency of each kind of act.
var kinds = []actKind{
	actNothing, actFail, actGo, actGo, actSpawn, actStart, actNursery, actNursery, actScope,
	actCancel, actDeadline, actShield, actStop, actWait, actCancelTask,
	actFor, actMap, actEach, actStream, actUnordered, actGo, actNothing, actNursery, actFail,
	actGo, actSpawn, actStart, actNothing, actDeadline, actShield, actNursery, actWait,
}

func (d *drawer) act(depth int) *act {
	d.ids++
	a := &act{id: d.ids, after: 1 + d.next(8)}
	a.kind = kinds[d.next(len(kinds))]
	how := d.next(256)
	a.gives = giveKind(how % int(giveKinds))
	a.wait = []waitKind{waitHeeding, waitHeeding, waitHeeding, waitDeaf, waitUntilStop}[how/8%5]
	if a.kind == actFail {
		// Most failures are errors.
		switch d.next(16) {
		case 1, 2, 3, 4:
			a.kind = actPanic
		case 5, 6:
			a.kind = actGoexit
		}
	}
	what := d.next(256)
	a.up, a.on, a.swallow = what%4, what>>2&1 == 1, what>>3&3 == 0 && what > 0
	a.ticks = what >> 3 % 16
	if depth == 0 && a.kind >= actScope && a.kind != actWait && a.kind != actCancelTask {
		a.kind = actNothing
	}
	switch a.kind {
	case actScope:
		a.inside = d.script(depth - 1)
	case actNursery:
		a.options, a.inside = d.options(), d.script(depth-1)
	case actGo, actSpawn, actStart:
		a.inside = d.script(depth - 1)
		a.daemon = what>>5&3 == 1
		if a.kind != actGo || what>>7 == 1 {
			a.name = "t"
		}
		if a.kind == actStart && d.next(4) > 0 {
			ready := d.act(0)
			ready.kind = actReady
			k := d.next(len(a.inside) + 1)
			a.inside = append(a.inside[:k:k], append(script{ready}, a.inside[k:]...)...)
		}
	case actFor, actMap, actEach, actStream, actUnordered:
		a.options = d.options()
		a.options.limit = max(1, a.options.limit)
		if a.kind == actStream || a.kind == actUnordered {
			a.options.keep = false // only the loop would see its errors
		}
		for range d.next(6) {
			a.items = append(a.items, d.script(min(1, depth-1)))
		}
	}
	return a
}

// String returns the script as a tree.
func (s script) String() string {
	var b strings.Builder
	s.write(&b, "\t")
	return b.String()
}

func (s script) write(b *strings.Builder, indent string) {
	for _, a := range s {
		fmt.Fprintf(b, "%s%d: %s after %d, wait %d, gives %d, up %d, on %v, ticks %d, swallow %v, daemon %v, name %q, %+v\n", indent,
			a.id, actNames[a.kind], a.after, a.wait, a.gives, a.up, a.on, a.ticks, a.swallow, a.daemon, a.name, a.options)
		a.inside.write(b, indent+"    ")
		for i, item := range a.items {
			fmt.Fprintf(b, "%s  item %d\n", indent, i)
			item.write(b, indent+"    ")
		}
	}
}
