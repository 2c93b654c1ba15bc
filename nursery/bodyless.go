package nursery

import (
	"context"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bodyless"
	"github.com/grove-go/grove/internal/errtree"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/point"
)

// A bodylessNursery is a nursery of package errgroup; see [bodyless.Nursery]. In the place
// of a body it has the goroutine of its first task, which stays until Join is called.
type bodylessNursery struct {
	Nursery
	begun  bool           // there is a first task
	joined sync.WaitGroup // counts one from Begin until Join is called
}

func init() { bodyless.Open = openBodyless }

// The settings are the same for all nurseries of package errgroup.
var (
	bodylessSettings   = &settings{config: config{bodyless: true}}
	bodylessKeepsGoing = &settings{config: config{bodyless: true, keepGoing: true}}
)

// openBodyless is bodyless.Open.
func openBodyless(ctx context.Context, cancels bool) bodyless.Nursery {
	n := new(bodylessNursery)
	n.set = bodylessSettings
	if !cancels {
		n.set = bodylessKeepsGoing
	}
	n.open(ctx)
	return n
}

// Begin implements [bodyless.Nursery]. The nursery comes into the registry here, because
// Join need not be called for one without tasks.
func (n *bodylessNursery) Begin() {
	if live.Enabled() {
		n.register()
	}
	n.begun = true
	n.joined.Add(1)
	n.Enter() // it is open: Join has not been called
}

// Enter implements [bodyless.Nursery].
func (n *bodylessNursery) Enter() bool {
	if !n.enter(member) {
		return false
	}
	n.accepted.Add(1)
	return true
}

// RunFirst implements [bodyless.Nursery].
func (n *bodylessNursery) RunFirst(task func() error, token <-chan struct{}) {
	defer n.untilJoin()
	n.Run(task, token)
}

// untilJoin takes the place of the body, until Join is called. The defer statement that
// calls it runs even if the task calls Goexit.
func (n *bodylessNursery) untilJoin() {
	n.joined.Wait()
	point.Here("untilJoin: joined")
	n.bodyDone.Store(true)
	n.leave(member)
}

// Run implements [bodyless.Nursery].
func (n *bodylessNursery) Run(task func() error, token <-chan struct{}) {
	returned := false
	defer func() {
		if !returned {
			// There is nothing to recover from Goexit.
			if v := recover(); v != nil {
				place := placeOf(task)
				n.failed().add(crashed(v, place), place)
			}
		}
		point.Here("task: returned")
		if token != nil {
			<-token
		}
		n.leave(member)
	}()
	point.Here("task")
	if err := task(); err != nil {
		n.failed().addReturned(err, placeOf(task))
	}
	returned = true // after addReturned, because methods of the error may panic
}

// Active implements [bodyless.Nursery].
func (n *bodylessNursery) Active() int { return n.Stats().Running }

// Join implements [bodyless.Nursery].
func (n *bodylessNursery) Join() (failures []error, panicked any) {
	if n.begun {
		n.done.Add(1)
		point.Here("Join")
		n.joined.Done()
		n.done.Wait()
	} else {
		n.join()
	}
	n.unregister()
	point.Here("Join: all have left")
	if !n.config().keepGoing && n.scope.Err() == nil {
		// Close alone would make cancel.ErrClosed the cause. In an errgroup it is
		// context.Canceled.
		n.scope.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceClosed}})
	}
	n.scope.Close()
	f := n.failures.Load()
	if f == nil {
		return nil, nil
	}
	if f.panicked == nil {
		return f.errs, nil
	}
	defer func() { failures, panicked = append(f.errs, f.panicked), recover() }()
	f.panic(f.errs)
	return nil, nil
}

// addReturned records an error that a task of package errgroup returned. The place is that
// of the task.
func (f *failures) addReturned(err error, place string) {
	early, canceled := f.scope.Err() == nil, isCancellation(err)
	left, echoed := err, false
	if !f.conf.keepGoing { // otherwise no task has a context of the nursery
		left, echoed = dropEchoes(f.scope, err)
	}
	if echoed && f.mayRepeat(err) {
		left, echoed = err, false
	}
	f.mu.Lock()
	if echoed && len(f.errs) == 0 && f.panicked == nil {
		left = err // the first error is what Wait returns
	}
	if left == nil {
		f.mu.Unlock()
		return
	}
	failure := &TaskError{Task: place, Err: left}
	f.early = f.early || early
	f.canceled = f.canceled || canceled
	f.errs = append(f.errs, failure)
	if f.conf.keepGoing {
		f.mu.Unlock()
		return
	}
	f.cancelUnlock(failure)
}

// mayRepeat reports whether the task that returned err may have failed by itself, with the
// error that has canceled the scope. The cause is the bare error of the first task, and may
// be a sentinel.
func (f *failures) mayRepeat(err error) bool {
	f.mu.Lock()
	first, early := f.first, f.early
	f.mu.Unlock()
	return early && errtree.Is(err, first.Err)
}

// placeOf returns the file and line of a function, or its name if that is a method or was
// made by the compiler.
func placeOf(task func() error) string {
	f := runtime.FuncForPC(reflect.ValueOf(task).Pointer())
	if f == nil {
		return "unknown"
	}
	file, line := f.FileLine(f.Entry())
	if strings.HasPrefix(file, "<") {
		name := f.Name()
		return strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], "-fm")
	}
	return filepath.Base(file) + ":" + strconv.Itoa(line)
}
