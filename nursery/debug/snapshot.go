package debug

import "time"

// Version is the version of the JSON form of a [Snapshot]. Within a version no field
// changes its meaning, and fields may be added.
const Version = 1

// A Snapshot is the task tree of a program at one moment. Nothing changes it after [Take] or
// [Parse] has returned it, so several goroutines may read it. Its JSON form is described by
// docs/tasks.schema.json. Durations are in nanoseconds. Nurseries are at most 1,000 deep in
// each other, so that decoders such as encoding/json accept the JSON form.
type Snapshot struct {
	Version    int           `json:"version"`                 // Version
	Time       *time.Time    `json:"time,omitempty"`          // nil if unknown, as in a dump
	Program    string        `json:"program"`                 // name of the executable, or what the dump came from
	PID        int           `json:"pid,omitempty"`           // process
	Go         string        `json:"go,omitempty"`            // version of Go
	Bubble     string        `json:"bubble,omitempty"`        // number of the synctest bubble of the caller of Take
	Goroutines int           `json:"goroutines"`              // number of goroutines in the program
	Took       time.Duration `json:"took_ns"`                 // how long the snapshot took
	Stopped    time.Duration `json:"stopped_ns"`              // how long the part took that stops the program
	Stacks     string        `json:"stacks"`                  // "all", or why there are none
	Counts     Counts        `json:"counts"`                  // totals, including what limits cut off
	Warnings   []Warning     `json:"warnings"`                // what is wrong, the worst first
	MoreWarned int           `json:"more_warnings,omitempty"` // warnings that a limit cut off
	Deadlines  []Deadline    `json:"deadlines"`               // the next to pass, the soonest first
	Roots      []*Nursery    `json:"roots"`                   // nurseries with no nursery around them
	Others     []*Group      `json:"others"`                  // goroutines that work for no nursery
	More       int           `json:"more,omitempty"`          // entries of Others that a limit cut off
	Profile    []*Group      `json:"profile,omitempty"`       // all goroutines by stack and label, if there are too many for a tree with stacks
	MoreStacks int           `json:"more_profile,omitempty"`  // entries of Profile that a limit cut off
}

// Counts are the totals of a snapshot.
type Counts struct {
	Nurseries int `json:"nurseries"` // open nurseries
	Tasks     int `json:"tasks"`     // tasks and workers that have begun and not returned
	NotBegun  int `json:"not_begun"` // goroutines of tasks and workers that have not run yet
	Queued    int `json:"queued"`    // tasks that wait for their turn under a limit
	Canceled  int `json:"canceled"`  // nurseries that have been canceled
	Stopping  int `json:"stopping"`  // nurseries that were asked to stop
	Outside   int `json:"outside"`   // goroutines that work for no nursery
	Escaped   int `json:"escaped"`   // goroutines that a task began with a bare go statement
}

// A Nursery is an open nursery.
type Nursery struct {
	ID           string        `json:"id"`                     // n and the address, in hexadecimal digits
	Name         string        `json:"name,omitempty"`         // of the option nursery.Name
	Place        *Place        `json:"place,omitempty"`        // the user's call that opened it
	Unregistered bool          `json:"unregistered,omitempty"` // it was open before the registry was on, so nothing but its stacks is known
	Opened       *time.Time    `json:"opened,omitempty"`       // when it was opened
	Age          time.Duration `json:"age_ns,omitempty"`       // how long ago that was
	Options      []string      `json:"options,omitempty"`      // in words
	Phase        string        `json:"phase,omitempty"`        // open, waits for tasks, or waits for daemons
	Stats        *Stats        `json:"stats,omitempty"`        // nil if unknown
	Panicking    bool          `json:"panicking,omitempty"`    // a panic waits for the other tasks and the body
	Failures     []string      `json:"failures,omitempty"`     // the first of those recorded so far; Stats counts all
	Scope        *Scope        `json:"scope,omitempty"`        // its cancel scope
	Body         *Task         `json:"body,omitempty"`         // the goroutine of its body
	Tasks        []*Task       `json:"tasks,omitempty"`        // its tasks, the oldest first
	More         int           `json:"more,omitempty"`         // tasks that a limit cut off
}

// Stats are the figures of a nursery; see nursery.Stats.
type Stats struct {
	Running  int `json:"running"`
	Queued   int `json:"queued"`
	Finished int `json:"finished"`
	Failed   int `json:"failed"`
}

// A Scope is a cancel scope.
type Scope struct {
	ID       string        `json:"id,omitempty"`           // s and the address, in hexadecimal digits
	Name     string        `json:"name,omitempty"`         // of the option cancel.Name
	Deadline *time.Time    `json:"deadline,omitempty"`     // the earliest that bounds it
	Left     time.Duration `json:"left_ns,omitempty"`      // until then
	Own      bool          `json:"own_deadline,omitempty"` // the deadline is the scope's own
	Shielded bool          `json:"shielded,omitempty"`     // outer cancellations do not reach it
	Stopping bool          `json:"stopping,omitempty"`     // it was asked to stop
	Grace    time.Duration `json:"grace_left_ns,omitempty"`
	Canceled *Canceled     `json:"canceled,omitempty"` // nil if it has not been canceled
}

// A Canceled says how a scope was canceled.
type Canceled struct {
	Ago    time.Duration `json:"ago_ns,omitempty"` // how long ago
	Error  string        `json:"error"`            // the text of the context's error
	Reason string        `json:"reason"`           // in words
}

// A Task is a task, a worker, or the body of a nursery.
type Task struct {
	ID        string        `json:"id,omitempty"`              // g and the number of the goroutine; t and an address if no goroutine is known
	Name      string        `json:"name,omitempty"`            // of the option nursery.Name
	Function  string        `json:"function,omitempty"`        // of the task
	Worker    bool          `json:"worker,omitempty"`          // it runs tasks or calls one after the other
	Daemon    bool          `json:"daemon,omitempty"`          // of the option nursery.Daemon
	Age       time.Duration `json:"age_ns,omitempty"`          // since the nursery accepted it
	State     string        `json:"state,omitempty"`           // in the words of the runtime
	Blocked   int           `json:"blocked_minutes,omitempty"` // how long in this state
	WaitsFor  string        `json:"waits_for,omitempty"`       // in the words of this module, or the state; "to begin" or "its turn" of a task that has not run yet
	On        string        `json:"on,omitempty"`              // what it waits for: the ID of a task, or o and the address of a channel or limiter
	At        *Place        `json:"at,omitempty"`              // innermost frame in the user's code
	Stack     []Place       `json:"stack,omitempty"`           // all frames, the innermost first
	Scopes    []*Scope      `json:"scopes,omitempty"`          // open in its stack, and its own, the outermost first
	Nurseries []*Nursery    `json:"nurseries,omitempty"`       // opened by it
	Deeper    int           `json:"deeper,omitempty"`          // nurseries below it that the limit on the depth cut off
	Label     string        `json:"label,omitempty"`           // of the goroutine, with the key grove; see the option Labels
	Escaped   []*Group      `json:"escaped,omitempty"`         // goroutines that it began with a bare go statement; a worker may have begun them for a task that has returned
	Fold      int           `json:"fold,omitempty"`            // how many tasks this entry stands for, if more than one
	IDs       []string      `json:"ids,omitempty"`             // the first of them
}

// A Group is goroutines that are alike.
type Group struct {
	Count      int      `json:"count"`                // number of goroutines
	State      string   `json:"state"`                // in the words of the runtime; in a profile in the words of this module, or ""
	Label      string   `json:"label,omitempty"`      // with the key grove, of the task that began them; see the option Labels
	At         *Place   `json:"at,omitempty"`         // innermost frame in the user's code
	Creator    *Place   `json:"creator,omitempty"`    // of the go statement
	Goroutines []string `json:"goroutines,omitempty"` // the first of their numbers
}

// A Place is a line in a function.
type Place struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

// A Deadline is a deadline that has not passed.
type Deadline struct {
	In    time.Duration `json:"in_ns"`           // until then
	At    time.Time     `json:"at"`              // the instant
	Scope string        `json:"scope,omitempty"` // name of the scope
	Owner string        `json:"owner,omitempty"` // name of the task or nursery that it belongs to
	Node  string        `json:"node,omitempty"`  // its ID
}

// A Warning is a fact that needs a look.
type Warning struct {
	Code  string        `json:"code"`               // see the package comment
	Node  string        `json:"node,omitempty"`     // ID of the nursery or task
	Name  string        `json:"name,omitempty"`     // its name
	Since time.Duration `json:"since_ns,omitempty"` // how long
	Text  string        `json:"text"`               // in words
	At    *Place        `json:"at,omitempty"`       // in the user's code
	about string        // tells warnings apart that have the same code and node
}
