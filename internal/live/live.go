// Package live is a registry of the open nurseries of a program. It is empty until it is
// switched on. Nurseries that were open before then are not in it.
//
// The registry has no goroutine, timer or channel, so nurseries of different synctest
// bubbles may be in it.
package live

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grove-go/grove/internal/stacks"
)

// enabled counts the calls of Enable that have not been undone.
var enabled atomic.Int32

// Enable switches the registry on until disable is called. Only the first call of disable
// has an effect.
func Enable() (disable func()) {
	enabled.Add(1)
	return sync.OnceFunc(func() { enabled.Add(-1) })
}

// Enabled reports whether the registry is on.
func Enabled() bool { return enabled.Load() != 0 }

// labeled counts the calls of EnableLabels that have not been undone.
var labeled atomic.Int32

// EnableLabels switches on the labels of goroutines until disable is called, for nurseries
// that come into the registry. Only the first call of disable has an effect.
func EnableLabels() (disable func()) {
	labeled.Add(1)
	return sync.OnceFunc(func() { labeled.Add(-1) })
}

// Labeled reports whether the labels are on. It is asked while the registry is on alone.
func Labeled() bool { return labeled.Load() != 0 }

// epoch is where the clock begins.
var epoch = time.Now()

// Now returns the time on a monotonic clock, in nanoseconds. In a synctest bubble it is
// the bubble's clock. It is never 0.
func Now() int64 {
	if now := int64(time.Since(epoch)); now != 0 {
		return now
	}
	return 1
}

// A Nursery is the record of an open nursery.
type Nursery struct {
	Self   any             // the *nursery.Nursery
	Opened int64           // as from Now
	Bubble string          // number of the synctest bubble that it was opened in, or ""
	Around context.Context // of the call that opened it, if its goroutines have labels; or nil

	mu       sync.Mutex // guards the fields below
	tasks    map[*Task]struct{}
	finished int   // the tasks that had returned when Idle was called first, or saw progress
	since    int64 // when that was, by Now
}

// Idle returns how long no task has returned while tasks were queued, as far as calls of
// Idle can tell. Its arguments are the numbers of returned and of queued tasks.
func (n *Nursery) Idle(finished, queued int, now int64) (idle int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.since == 0 || finished != n.finished || queued == 0 {
		n.finished, n.since = finished, now
	}
	return now - n.since
}

// A Task is the record of a task that has options, from the moment the nursery accepts it.
type Task struct {
	Self     any // a pointer that the frames of the task have as an argument
	Name     string
	Daemon   bool
	Queued   bool            // it waits for its turn under a limit before it begins
	Scope    context.Context // of the task, or nil: the nursery's
	Accepted int64           // as from Now
}

// A shard is a part of the registry.
type shard struct {
	mu        sync.Mutex
	nurseries map[*Nursery]struct{}
	scopes    map[uintptr]context.Context
	words     map[uintptr]func(times bool) string
	_         [32]byte // to a cache line
}

var shards [32]shard

// shardOf returns the shard for an address.
func shardOf(addr uintptr) *shard { return &shards[addr>>6%uintptr(len(shards))] }

// Addr returns the address in a pointer, in the form of stacks.
func Addr(pointer any) uintptr { return reflect.ValueOf(pointer).Pointer() }

// New returns a record of a nursery, for Open.
func New(self any) *Nursery {
	n := &Nursery{Self: self, Opened: Now()}
	if n.Opened < 0 { // clocks of bubbles begin in the past
		n.Bubble = stacks.Bubble()
	}
	return n
}

// Open adds a nursery to the registry, where other goroutines find it.
func (n *Nursery) Open() {
	s := shardOf(Addr(n))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nurseries == nil {
		s.nurseries = make(map[*Nursery]struct{})
	}
	s.nurseries[n] = struct{}{}
}

// Close removes a nursery from the registry and counts it.
func (n *Nursery) Close(sum Summary) {
	s := shardOf(Addr(n))
	s.mu.Lock()
	delete(s.nurseries, n)
	s.mu.Unlock()
	count(sum)
}

// Add adds a task to the record of its nursery.
func (n *Nursery) Add(t *Task) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tasks == nil {
		n.tasks = make(map[*Task]struct{})
	}
	n.tasks[t] = struct{}{}
}

// Remove removes a task from the record of its nursery.
func (n *Nursery) Remove(t *Task) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.tasks, t)
}

// Tasks returns the tasks in the record, in any order.
func (n *Nursery) Tasks() []*Task {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.tasks))
}

// Nurseries returns the open nurseries that the registry knows, in any order.
func Nurseries() (all []*Nursery) {
	for i := range shards {
		s := &shards[i]
		s.mu.Lock()
		all = slices.AppendSeq(all, maps.Keys(s.nurseries))
		s.mu.Unlock()
	}
	return all
}

// Enter adds a scope to the registry while a function runs in it, until leave is called. A
// scope that has ended may be in no other list.
func Enter(scope context.Context) (leave func()) {
	addr := Addr(scope)
	s := shardOf(addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scopes == nil {
		s.scopes = make(map[uintptr]context.Context)
	}
	s.scopes[addr] = scope
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.scopes, addr)
	}
}

// Scopes returns the scopes of functions that run, by their addresses.
func Scopes() map[uintptr]context.Context {
	all := make(map[uintptr]context.Context)
	for i := range shards {
		s := &shards[i]
		s.mu.Lock()
		maps.Copy(all, s.scopes)
		s.mu.Unlock()
	}
	return all
}

// Parked calls wait, which waits for an object, and shows the address of the object in the
// stack. Callers use it while the registry is on.
//
//go:noinline
func Parked(addr uintptr, wait func()) {
	wait()
	keep(addr)
}

// keep keeps its argument alive in the caller, so that the caller's stack shows it.
//
//go:noinline
func keep(uintptr) {}

// Explain is Parked for an object that is explained in words while the goroutine waits. The
// function words leaves out times if it is called from another bubble. It does not block.
func Explain(object any, words func(times bool) string, wait func()) {
	addr := Addr(object)
	s := shardOf(addr)
	s.mu.Lock()
	if s.words == nil {
		s.words = make(map[uintptr]func(bool) string)
	}
	s.words[addr] = words
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.words, addr)
	}()
	Parked(addr, wait)
}

// Words returns the words for the object at an address, or "".
func Words(addr uintptr, times bool) string {
	s := shardOf(addr)
	s.mu.Lock()
	words := s.words[addr]
	s.mu.Unlock()
	if words == nil {
		return ""
	}
	return words(times)
}
