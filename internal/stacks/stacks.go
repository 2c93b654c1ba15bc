// Package stacks parses dumps of goroutines: the output of runtime.Stack and of the
// goroutine profile with debug=2, and what a Go program prints when it panics, receives
// SIGQUIT, or runs into the time-out of its tests. It knows the forms of Go 1.26 and 1.27.
package stacks

import (
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A Goroutine is one goroutine of a dump. Its strings share memory with the dump.
type Goroutine struct {
	ID      string
	State   string        // what it does or waits for, in the words of the runtime
	Blocked time.Duration // in whole minutes, as the runtime tells it
	Bubble  string        // the number of its synctest bubble, or ""
	Labels  []Label       // of package runtime/pprof
	Frames  []Frame       // the innermost first
	Elided  bool          // the dump leaves out frames
	Creator Frame         // of the go statement; the zero Frame for the main goroutine
	Parent  string        // the ID of the goroutine that ran the go statement, or ""
	Text    string        // the part of the dump
}

// A Label is a key with its value.
type Label struct{ Key, Value string }

// A Frame is a call in the stack of a goroutine.
type Frame struct {
	Function string // with the path of its package
	Args     string // as in the dump; "..." for an inlined call
	File     string
	Line     int
}

// All returns the goroutines of this program. The caller's is the first.
func All() *Dump {
	var known any
	if Know != nil {
		known = Know()
	}
	text, _ := Text()
	d := Parse(text)
	d.Known = known
	return d
}

// Text returns the dump of this program, and how long it took. The program stood still for
// most of that time.
func Text() (text string, took time.Duration) {
	// One stop of the world is enough for most programs.
	size := 256<<10 + 2<<10*runtime.NumGoroutine()
	for {
		buf := make([]byte, size)
		start := time.Now()
		if n := runtime.Stack(buf, true); n < size {
			return string(buf[:n]), time.Since(start)
		}
		size *= 2
	}
}

// Own returns the text of the caller's stack.
func Own() string {
	buf := make([]byte, 1<<16)
	return string(buf[:runtime.Stack(buf, false)])
}

// Bubble returns the number of the synctest bubble that the caller is in, or "".
func Bubble() string {
	var buf [256]byte // the header is enough
	line, _, _ := strings.Cut(string(buf[:runtime.Stack(buf[:], false)]), "\n")
	g, _ := parseHeader(line)
	return g.Bubble
}

// Package returns the import path of the package that the function is in.
func (f Frame) Package() string {
	dir := strings.LastIndexByte(f.Function, '/') + 1
	name, _, _ := strings.Cut(f.Function[dir:], ".")
	return strings.ReplaceAll(f.Function[:dir]+name, "%2e", ".")
}

// Short returns the function without the directory of its package.
func (f Frame) Short() string {
	return strings.ReplaceAll(f.Function[strings.LastIndexByte(f.Function, '/')+1:], "%2e", ".")
}

// Place returns the name of the file, without its directory, and the line.
func (f Frame) Place() string {
	if f.File == "" {
		return ""
	}
	return f.File[strings.LastIndexAny(f.File, `/\`)+1:] + ":" + strconv.Itoa(f.Line)
}

// Arg returns the value of the argument with the given index, and whether the dump vouches
// for it. Only arguments of one word before the first argument of a larger type count.
func (f Frame) Arg(index int) (value uint64, ok bool) {
	args := f.Args
	for {
		arg, rest, more := strings.Cut(args, ", ")
		hex, isHex := strings.CutPrefix(arg, "0x")
		if !isHex {
			return 0, false
		}
		if index == 0 {
			v, err := strconv.ParseUint(hex, 16, 64) // a value that ends in ? may be stale
			return v, err == nil
		}
		if !more {
			return 0, false
		}
		args = rest
		index--
	}
}

// Find returns the innermost frame of the function, and whether there is one.
func (g *Goroutine) Find(function string) (f Frame, ok bool) {
	for _, f := range g.Frames {
		if f.Function == function {
			return f, true
		}
	}
	return Frame{}, false
}

// hosts lists the methods of a nursery that are in the stack of each goroutine that works
// for it, with what the goroutine is there.
var hosts = map[string]Role{
	Module + "/nursery.(*Nursery).plain":   RoleTask,
	Module + "/nursery.(*Nursery).call":    RoleTask,
	Module + "/nursery.(*Nursery).work":    RoleWorker,
	Module + "/nursery.(*Nursery).run":     RoleBody,
	Module + "/nursery.(*Nursery).consume": RoleBody,

	// A bodylessNursery begins with its Nursery.
	Module + "/nursery.(*bodylessNursery).Run":       RoleTask,
	Module + "/nursery.(*bodylessNursery).untilJoin": RoleBody,
	Module + "/nursery.(*bodylessNursery).Join":      RoleBody,
}

// A Role says what a goroutine does for a nursery.
type Role int

// The roles.
const (
	RoleNone   Role = iota
	RoleTask        // it runs a task
	RoleWorker      // it runs tasks or calls one after the other
	RoleBody        // it runs the body, or waits for the tasks
)

// Nursery returns the address of the nursery that a frame belongs to. It reports false if
// the frame is not in a method that each goroutine of a nursery calls, or if the address
// may be stale.
func Nursery(f Frame) (addr uint64, ok bool) {
	if hosts[f.Function] == RoleNone {
		return 0, false
	}
	return f.Arg(0)
}

// NotBegun reports whether the goroutine is of a task or a worker of a nursery, and has not
// run yet. Its stack does not show the nursery.
func (g *Goroutine) NotBegun() bool {
	if len(g.Frames) == 0 {
		return false
	}
	f := g.Frames[0]
	switch f.Package() {
	case Module + "/nursery", Module + "/nursery/errgroup":
		return strings.Contains(f.Function, ".gowrap") // the compiler's function around the call of a go statement
	}
	return false
}

// Parked returns the address of the object that the goroutine waits for, if its stack shows
// it.
func (g *Goroutine) Parked() (addr uint64, ok bool) {
	f, ok := g.Find(Module + "/internal/live.Parked")
	if !ok {
		return 0, false
	}
	return f.Arg(0)
}

// Joins reports whether the goroutine waits for the tasks of its nursery, at the end of it.
// It does not while it runs the user's code there, such as a function of OnDone when the
// daemons are canceled.
func (d *Dump) Joins(g *Goroutine) bool {
	for i := range g.Frames {
		if d.IsUser(&g.Frames[i]) {
			return false
		}
		switch g.Frames[i].Function {
		case Module + "/nursery.(*Nursery).join", Module + "/nursery.(*bodylessNursery).Join", Module + "/nursery.(*bodylessNursery).untilJoin":
			return true
		}
	}
	return false
}

// RoleOf returns what the goroutine with this frame does for the nursery of the frame.
func RoleOf(f Frame) Role { return hosts[f.Function] }
