package testutil

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"text/tabwriter"
)

// How a bubble ended.
type ending string

const (
	clean   ending = ""
	blocked ending = "all goroutines wait for good"
	left    ending = "the function returned, and left goroutines behind that wait for good"
)

// inBubble runs fn in a bubble of package synctest and tells how that ended, and the
// stacks of the goroutines that are stuck. Those stay in the process. If fn fails the
// test and ends, inBubble does not return.
func inBubble(t *testing.T, fn func(t *testing.T)) (how ending, stuck []string) {
	t.Helper()
	var name atomic.Value // of string
	defer warn(t, &name)()
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err, ok := v.(error) // its type has no name outside of the runtime
		switch {
		case ok && err.Error() == "deadlock: all goroutines in bubble are blocked":
			how = blocked
		case ok && strings.HasPrefix(err.Error(), "deadlock: "):
			how = left
		default:
			panic(v)
		}
		stuck = stacksIn(name.Load().(string))
	}()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		name.Store(bubble())
		fn(t)
	})
	return clean, nil
}

// waiting tells what goroutines with these stacks wait for: a table, and the stacks.
func waiting(stacks []string) string {
	return table(stacks) + "\n" + strings.Join(stacks, "\n\n")
}

// table tells in a line each what the goroutines with these stacks wait for, and where
// in the user's code.
func table(stacks []string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "goroutine\twaits for\tin\tat\tstarted by")
	for _, s := range stacks {
		g := parse(s)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", g.id, g.waits, g.function, g.place, g.creator)
	}
	w.Flush() // into a strings.Builder, which cannot fail
	return b.String()
}

// A goroutine is what the table has about one.
type goroutine struct {
	id, waits, function, place, creator string
}

var header = regexp.MustCompile(`^goroutine (\d+)[^\[]*\[([^,(\]]*)`)

// waits are functions of this library in which goroutines wait, with what they wait
// for. The first that is found counts: outer ones come after those that they call.
var waits = []struct{ function, what string }{
	{"nursery.(*Nursery).join(", "its tasks (nursery.Run)"},
	{"nursery.(*Task[...]).Wait(", "a task (Task.Wait)"},
	{"nursery.Start[...](", "a task to start (nursery.Start)"},
	{"nursery.(*Limiter).AcquireN(", "a token (Limiter.Acquire)"},
	{"nursery.(*Shared[...]).Do(", "a shared computation (Shared.Do)"},
	{"nursery.(*flow[...]).take(", "the next result (nursery.Stream)"},
	{"nursery.(*flow[...]).put(", "a call to return (nursery.Each, Stream)"},
	{"nursery.(*flow[...]).nextLocked(", "the next item (nursery.Each, Stream)"},
	{"channel.(*Sender[...]).Send(", "room in a channel (Sender.Send)"},
	{"channel.(*Receiver[...]).Receive(", "a value (Receiver.Receive)"},
	{"channel.(*Broadcast[...]).Publish(", "slow subscribers (Broadcast.Publish)"},
	{"channel.(*Subscription[...]).Receive(", "a value (Subscription.Receive)"},
	{"channel.(*Watcher[...]).Receive(", "a new value (Watcher.Receive)"},
	{"testutil.(*Gate).Wait(", "a gate to open (Gate.Wait)"},
	{"testutil.(*Sequencer).wait(", "its turn (Sequencer.At)"},
	{"cancel.Forever(", "a cancellation (cancel.Forever)"},
	{"cancel.Sleep(", "time to pass (cancel.Sleep)"},
}

const library = "github.com/grove-go/grove/"

// parse reads the stack of a goroutine.
func parse(stack string) goroutine {
	lines := strings.Split(strings.TrimSuffix(stack, "\n"), "\n")
	g, found := goroutine{id: "?", waits: "?"}, false
	if m := header.FindStringSubmatch(lines[0]); m != nil {
		g.id, g.waits = m[1], strings.TrimSpace(m[2])
	}
	for _, w := range waits {
		if strings.Contains(stack, library+w.function) {
			g.waits = w.what
			break
		}
	}
	// Frames are two lines: the function, and its place. If none is the user's, the
	// outermost says most, but for those of the runtime (GOTRACEBACK=system).
	for i := 1; i+1 < len(lines); i += 2 {
		function := lines[i]
		if by, ok := strings.CutPrefix(function, "created by "); ok {
			g.creator = short(by)
			break
		}
		function = function[:max(0, strings.LastIndexByte(function, '('))]
		if !found && (g.place == "" || !strings.HasPrefix(function, "runtime.")) {
			g.function, g.place = short(function), place(lines[i+1])
			found = !foreign(function, strings.TrimSpace(lines[i+1]))
		}
	}
	return g
}

// foreign reports whether a function, which is in this file, is of the standard library
// or of this one.
func foreign(function, file string) bool {
	if after, ok := strings.CutPrefix(function, library); ok {
		path, _, _ := strings.Cut(after, ".")
		return path == "cancel" || path == "nursery" || path == "channel" || path == "testutil"
	}
	if standard != "" {
		return strings.HasPrefix(file, standard)
	}
	// The paths are trimmed (go build -trimpath). No domain: it is like the standard
	// library's.
	first, _, _ := strings.Cut(function[:strings.LastIndexByte(function, '/')+1], "/")
	return !strings.Contains(first, ".") && !strings.HasPrefix(function, "main.")
}

// standard is the folder of the standard library, as stacks have it, or "".
var standard = func() string {
	f := runtime.FuncForPC(reflect.ValueOf(strings.ToUpper).Pointer())
	file, _ := f.FileLine(f.Entry())
	return file[:max(0, strings.LastIndex(file, "strings/"))]
}()

// short returns a function without the path of its package.
func short(function string) string { return function[strings.LastIndexByte(function, '/')+1:] }

// place returns the file and line of a frame's second line.
func place(line string) string {
	line, _, _ = strings.Cut(strings.TrimSpace(line), " +0x")
	return filepath.Base(line)
}
