package debug

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/stacks"
	_ "github.com/grove-go/grove/nursery" // describes nurseries and scopes for package live
)

// Enable switches on the registry of open nurseries, until disable is called. While it is
// on, a nursery has one allocation more, and snapshots know the names and ages of
// nurseries and tasks, their deadlines, and how they were canceled. Nurseries that were
// open before are known by their stacks alone. [nursery.Main] enables the registry for the
// program that it runs.
//
// Enable may be called any number of times. The registry is off when each disable has
// been called. Only the first call of a disable has an effect. The option is [Labels]. Enable
// panics if an option is nil.
//
// [nursery.Main]: https://pkg.go.dev/github.com/grove-go/grove/nursery#Main
func Enable(opts ...EnableOption) (disable func()) {
	var c enableConfig
	for _, o := range opts {
		if o == nil {
			panic("debug: Enable: nil option")
		}
		o.applyEnable(&c)
	}
	registry, labels := live.Enable(), func() {}
	if c.labels {
		labels = live.EnableLabels()
	}
	return func() {
		labels()
		registry()
	}
}

// An EnableOption configures [Enable]. See [Labels].
type EnableOption interface{ applyEnable(c *enableConfig) }

type enableOption func(c *enableConfig)

func (o enableOption) applyEnable(c *enableConfig) { o(c) }

type enableConfig struct{ labels bool }

// Labels gives the goroutines of bodies and tasks a label of package [runtime/pprof] with the
// key grove. Its value is the names of the nurseries and tasks around, the outermost first,
// separated by slashes, as in "service/accept/workers". Nurseries and tasks without a name
// are left out. The default is no label.
//
// CPU profiles distinguish tasks by their label. Dumps of goroutines have labels from Go 1.27
// on, and in Go 1.26 with GODEBUG=tracebacklabels=1, so that [Parse] shows names. A goroutine
// that a task has begun with a bare go statement inherits the label, and snapshots show where
// it comes from even when the task has returned.
//
// Labels of the context remain. Labels that a goroutine has without a context are lost, as
// with [pprof.Do]. The context of a task with a name is derived from the task's scope.
//
// [pprof.Do]: https://pkg.go.dev/runtime/pprof#Do
func Labels() EnableOption { return enableOption(func(c *enableConfig) { c.labels = true }) }

// A TakeOption configures [Take]. See [NoStacks], [Unfolded], [Under], [MaxGoroutines] and
// [WithThresholds]. Take panics if passed a nil TakeOption.
type TakeOption interface{ apply(c *takeConfig) }

type takeOption func(c *takeConfig)

func (o takeOption) apply(c *takeConfig) { o(c) }

type takeConfig struct {
	unfolded   bool
	noStacks   bool
	under      *cancel.Scope // or nil: everything
	goroutines int
	limits     Thresholds
}

// NoStacks makes a snapshot of the registry alone. It does not stop the program. The
// default is a snapshot with the stacks of all goroutines.
func NoStacks() TakeOption { return takeOption(func(c *takeConfig) { c.noStacks = true }) }

// Unfolded makes a snapshot with an entry for each task. The default is one entry for all
// tasks of a nursery that are alike. It also lifts the limit on the entries of a nursery.
func Unfolded() TakeOption { return takeOption(func(c *takeConfig) { c.unfolded = true }) }

// Under makes a snapshot of a part of the program: of the nurseries that are below the
// innermost scope of ctx, and the nursery whose scope that is. Other nurseries, their tasks,
// warnings and deadlines are left out, and goroutines that work for no nursery. The counts are
// of that part. The default is the whole program. If Under is repeated, the last one counts.
//
// A nursery that was open before the registry was on is left out; see [Enable]. Under panics
// if ctx is nil or has no scope.
func Under(ctx context.Context) TakeOption {
	if ctx == nil {
		panic("debug: Under: nil context")
	}
	scope := cancel.FromContext(ctx)
	if scope == nil {
		panic("debug: Under: the context has no scope")
	}
	return takeOption(func(c *takeConfig) { c.under = scope })
}

// MaxGoroutines sets the number of goroutines above which a snapshot has no stacks, because
// the program stands still while they are collected. It has a profile instead, in which
// goroutines with the same stack and label share an entry. The default is 20,000.
//
// MaxGoroutines panics if n is negative.
func MaxGoroutines(n int) TakeOption {
	if n < 0 {
		panic(fmt.Sprintf("debug: MaxGoroutines: n must not be negative, got %d", n))
	}
	return takeOption(func(c *takeConfig) { c.goroutines = n })
}

// WithThresholds sets when a snapshot warns. Fields that are zero stand for the defaults,
// which are a second for Unresponsive, Failing and Late, 10 seconds for Starved, 10,000 for
// Swollen, and 1,000 for Failures.
//
// WithThresholds panics if a field is negative.
func WithThresholds(t Thresholds) TakeOption {
	if t.Unresponsive < 0 || t.Failing < 0 || t.Late < 0 || t.Starved < 0 || t.Swollen < 0 || t.Failures < 0 {
		panic(fmt.Sprintf("debug: WithThresholds: thresholds must not be negative, got %+v", t))
	}
	return takeOption(func(c *takeConfig) {
		set(&c.limits.Unresponsive, t.Unresponsive)
		set(&c.limits.Failing, t.Failing)
		set(&c.limits.Late, t.Late)
		set(&c.limits.Starved, t.Starved)
		set(&c.limits.Swollen, t.Swollen)
		set(&c.limits.Failures, t.Failures)
	})
}

// set sets a threshold unless the value is zero.
func set[T comparable](threshold *T, value T) {
	var zero T
	if value != zero {
		*threshold = value
	}
}

// Take returns a snapshot of the program. It stops the program once, to collect the stacks,
// and then takes locks of nurseries and scopes, one at a time and for a moment. It starts no
// goroutine and waits for no task, so it works while everything else is stuck. It may be
// called by several goroutines at once.
//
// Tasks that start or return in the meantime may be missing. A task is never shown in a
// nursery that it does not belong to.
//
// Take calls the methods Error of failures and of causes.
func Take(opts ...TakeOption) *Snapshot {
	c := takeConfig{goroutines: 20_000, limits: defaults}
	for _, o := range opts {
		if o == nil {
			panic("debug: Take: nil option")
		}
		o.apply(&c)
	}
	start := time.Now()
	s := newSnapshot(filepath.Base(os.Args[0]))
	s.Time, s.PID, s.Go, s.Goroutines = &start, os.Getpid(), runtime.Version(), runtime.NumGoroutine()
	b := &builder{Snapshot: s, limits: c.limits, live: true, now: live.Now(), wall: start, dump: new(stacks.Dump), bubble: stacks.Bubble()}
	s.Bubble = b.bubble
	switch {
	case c.noStacks:
		s.Stacks = "not asked for"
		b.build(live.Nurseries())
	case s.Goroutines > c.goroutines:
		s.Stacks = "left out, because there are " + strconv.Itoa(s.Goroutines) + " goroutines"
		b.build(live.Nurseries())
		b.profile(stacks.Profile())
	default:
		b.known = know()
		var text string
		text, s.Stopped = stacks.Text()
		b.dump = stacks.Parse(text)
		s.Goroutines = len(b.dump.Goroutines)
		b.build(b.known.still())
	}
	if c.under != nil {
		b.keepBelow(c.under)
	}
	b.finish(c.unfolded)
	s.Took = time.Since(start)
	return s
}

// A knowledge is what the registry says before a dump. What it refers to stays where it is,
// so nothing newer can have an address that is in the dump.
type knowledge struct {
	records []*live.Nursery
	tasks   map[uint64]*live.Task       // by the address in the stack
	scopes  map[uintptr]context.Context // the scopes that functions run in
}

// know returns what the registry says.
func know() knowledge {
	k := knowledge{records: live.Nurseries(), tasks: make(map[uint64]*live.Task), scopes: live.Scopes()}
	for _, r := range k.records {
		for _, t := range r.Tasks() {
			k.tasks[uint64(live.Addr(t.Self))] = t
		}
	}
	return k
}

// still returns the records that are in the registry still.
func (k knowledge) still() (both []*live.Nursery) {
	now := make(map[*live.Nursery]bool)
	for _, r := range live.Nurseries() {
		now[r] = true
	}
	for _, r := range k.records {
		if now[r] {
			both = append(both, r)
		}
	}
	return both
}

func init() {
	stacks.Know = func() any { return know() }
	stacks.Tree = treeOf
}

// treeOf is [stacks.Tree].
func treeOf(d *stacks.Dump) string {
	b := &builder{Snapshot: newSnapshot(""), limits: defaults, now: live.Now(), wall: time.Now(), dump: d, bubble: stacks.Bubble()}
	b.known, b.live = d.Known.(knowledge) // else it is the dump of another program
	shown := make(map[uint64]bool)
	for _, g := range d.Goroutines {
		for _, f := range g.Frames {
			if addr, ok := stacks.Nursery(f); ok {
				shown[addr] = true
			}
		}
	}
	b.build(slices.DeleteFunc(b.known.still(), func(r *live.Nursery) bool { return !shown[uint64(live.Addr(r.Self))] }))
	b.finish(false)
	return b.treeText()
}

// newSnapshot returns a snapshot with nothing in it. Its lists are not nil, for JSON.
func newSnapshot(program string) *Snapshot {
	return &Snapshot{
		Version: Version, Program: program, Stacks: "all",
		Warnings: []Warning{}, Deadlines: []Deadline{}, Roots: []*Nursery{}, Others: []*Group{},
	}
}

// finish adds what depends on the whole tree.
func (b *builder) finish(unfolded bool) {
	b.listDeadlines()
	b.warn()
	if !unfolded {
		b.fold()
	}
	cutDepth(b.Roots, 0)
}

// Parse returns a snapshot of a goroutine dump: what a Go program prints when it panics or
// receives SIGQUIT, when its tests time out, or as /debug/pprof/goroutine?debug=2. The
// program need not have imported this package. A dump tells which tasks run, their
// nurseries, and what each waits for, but no names, ages or cancellations. Text around the
// stacks is ignored.
//
// Parse returns the error of reading. A text without stacks gives a snapshot without
// goroutines.
func Parse(dump io.Reader) (*Snapshot, error) {
	var text strings.Builder
	if _, err := io.Copy(&text, dump); err != nil {
		return nil, fmt.Errorf("debug: Parse: %w", err)
	}
	s := newSnapshot("dump")
	b := &builder{Snapshot: s, limits: defaults, dump: stacks.Parse(text.String())}
	s.Goroutines = len(b.dump.Goroutines)
	b.build(nil)
	b.finish(false)
	return s, nil
}
