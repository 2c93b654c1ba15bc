package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

// A combination describes a nursery with one task. Each property that affects the result
// takes all of its values. The idea is from tokio's task_combinations.
type combination struct {
	body, task string // how each ends
	taskAt     string // relative to the end of the body, which is at 3s
	by         string // source of the cancellation, at 1s
	shield     bool   // around the nursery
	keep, safe bool   // KeepGoing, RecoverPanics
	limit      int    // 0: none
}

// The values of a combination.
const (
	endOK     = "ok"
	endError  = "error"
	endEcho   = "echo" // returns ctx.Err(), which is nil if ctx is not canceled
	endPanic  = "panic"
	endGoexit = "goexit"

	taskBefore = "before"
	taskDuring = "during" // at the same instant, in either order
	taskAfter  = "after"

	byNothing       = "nothing"
	byItself        = "n.Cancel"
	byItsDeadline   = "own deadline"
	byOuter         = "outer scope"
	byOuterDeadline = "outer deadline"
)

var (
	errBody  = errors.New("body")
	errTask  = errors.New("task")
	errItsOK = errors.New("enough")
	errOuter = errors.New("outer")

	ends    = []string{endOK, endError, endEcho, endPanic, endGoexit}
	moments = []string{taskBefore, taskDuring, taskAfter}
	sources = []string{byNothing, byItself, byItsDeadline, byOuter, byOuterDeadline}
)

// A verdict is the result of a nursery, as text.
type verdict struct {
	how      string // as returned by runToEnd
	panicked string // the value of the panic
	failures string // in order of time, including the other failures of a panic
	cause    string // of the nursery's scope at its end
}

// want is the model. It returns the expected verdict if body and task end in that order.
func (c *combination) want(taskFirst bool) verdict {
	type ending struct{ who, how string }
	order := []ending{{"body", c.body}, {"task", c.task}}
	if taskFirst {
		order[0], order[1] = order[1], order[0]
	}
	// C5: the first cancellation is the cause. C7: a shield blocks outer cancellations.
	cause := ""
	outer := false
	switch c.by {
	case byItself:
		cause = "enough"
	case byItsDeadline:
		cause = "context deadline exceeded"
	case byOuter, byOuterDeadline:
		if outer = !c.shield; outer {
			cause = map[string]string{byOuter: "outer", byOuterDeadline: "context deadline exceeded"}[c.by]
		}
	}
	cancels := func(with string) {
		if cause == "" {
			cause = with
		}
	}
	v := verdict{how: "returned"}
	bodyPanics := c.body == endPanic && !c.safe
	var failures []string
	echoed := false
	for _, e := range order {
		switch e.how {
		case endError: // N2, N3, N12
			failures = append(failures, e.who)
			if !c.keep {
				cancels(e.who)
			}
		case endEcho: // N4, N5, N6
			echoed = echoed || cause != ""
		case endPanic: // N8
			switch {
			case c.safe:
				failures = append(failures, "panicked: "+e.who)
				if !c.keep {
					cancels("panicked: " + e.who)
				}
			case v.how == "panicked":
				failures = append(failures, "panicked: "+e.who)
			default:
				v.how, v.panicked = "panicked", e.who
				cancels("panicked: " + e.who)
			}
		case endGoexit: // N9
			if v.how == "returned" {
				v.how = "called Goexit"
			}
			cancels("task called runtime.Goexit")
		}
	}
	if echoed && outer {
		failures = append(failures, "canceled by "+c.by)
	}
	if bodyPanics {
		v.panicked = "body" // the body's own value, which cannot hold the other failures
	} else if v.how != "called Goexit" {
		v.failures = strings.Join(failures, ", ")
	}
	if cause == "" {
		cause = "scope has ended" // C8
	}
	v.cause = cause
	return v
}

// run opens the nursery.
func (c *combination) run(ctx context.Context) (v verdict) {
	var opts []nursery.Option
	if c.limit > 0 {
		opts = append(opts, nursery.Limit(c.limit))
	}
	if c.keep {
		opts = append(opts, nursery.KeepGoing())
	}
	if c.safe {
		opts = append(opts, nursery.RecoverPanics())
	}
	outer := cancel.New(ctx, cancel.Name("outer"))
	defer outer.Close()
	if c.by == byOuterDeadline {
		outer.SetTimeout(time.Second)
	}
	end := func(ctx context.Context, how string, who error) error {
		switch how {
		case endError:
			return who
		case endEcho:
			return ctx.Err()
		case endPanic:
			panic(who)
		case endGoexit:
			runtime.Goexit()
		}
		return nil
	}
	taskAt := map[string]time.Duration{taskBefore: 2 * time.Second, taskDuring: 3 * time.Second, taskAfter: 4 * time.Second}[c.taskAt]
	var scope *cancel.Scope
	v.how = runToEnd(func() {
		defer func() {
			if p := recover(); p != nil {
				switch p := p.(type) {
				case *nursery.PanicError:
					v.panicked, v.failures = fmt.Sprint(p.Value), texts(p.Others)
				default: // a panic of the body
					v.panicked = fmt.Sprint(p)
				}
				panic(p)
			}
		}()
		v.failures = texts(kit.Failures(nursery.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
			scope = n.Scope()
			scope.SetShield(c.shield)
			if c.by == byItsDeadline {
				scope.SetTimeout(time.Second)
			}
			n.Go(func(ctx context.Context) error { time.Sleep(taskAt); return end(ctx, c.task, errTask) })
			time.Sleep(time.Second)
			switch c.by {
			case byItself:
				n.Cancel(errItsOK)
			case byOuter:
				outer.Cancel(errOuter)
			}
			time.Sleep(2 * time.Second)
			return end(ctx, c.body, errBody)
		}, opts...)))
	})
	v.cause = texts([]error{context.Cause(scope)})
	return v
}

// texts returns the failures as text. A cancellation is shown by its source.
func texts(errs []error) string {
	var all []string
	for _, err := range errs {
		text := message(err)
		if e, ok := err.(*cancel.Error); ok {
			text = fmt.Sprintf("canceled by %v %v", e.Reason.Scope, map[bool]string{false: "scope", true: "deadline"}[e.Reason.Source == cancel.SourceDeadline])
			if (e.Err == context.DeadlineExceeded) != (e.Reason.Source == cancel.SourceDeadline) {
				text += " with the wrong error: " + e.Error()
			}
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// TestCombinations tests all combinations. If body and task end at the same instant, a
// combination has two possible results, and each must occur somewhere.
func TestCombinations(t *testing.T) {
	kit.DiscardStderr(t) // reports of panics in bodies
	count, seen := 0, [2]int{}
	both := []bool{false, true}
	for _, c := range combinations() {
		for flags := range 8 {
			c.shield, c.keep, c.safe = both[flags&1], both[flags>>1&1], both[flags>>2&1]
			count++
			synctest.Test(t, func(t *testing.T) {
				got, bodyFirst, taskFirst := c.run(t.Context()), c.want(false), c.want(true)
				switch {
				case c.taskAt == taskDuring && bodyFirst != taskFirst && got == bodyFirst:
					seen[0]++
				case c.taskAt == taskDuring && bodyFirst != taskFirst && got == taskFirst:
					seen[1]++
				case c.taskAt != taskBefore && got == bodyFirst, c.taskAt != taskAfter && got == taskFirst:
				default:
					t.Errorf("%+v:\n%+v, want\n%+v if the body ends first,\n%+v if the task does", c, got, bodyFirst, taskFirst)
				}
			})
		}
	}
	if want := len(ends) * len(ends) * len(moments) * len(sources) * 2 * 8; count != want {
		t.Errorf("%d combinations, want %d", count, want)
	}
	if seen[0] == 0 || seen[1] == 0 {
		t.Errorf("the body was first %d times and the task %d times, want each at least once", seen[0], seen[1])
	}
	t.Logf("%d combinations", count)
}

// combinations returns all combinations of the fields other than bools.
func combinations() (all []combination) {
	for _, body := range ends {
		for _, task := range ends {
			for _, at := range moments {
				for _, by := range sources {
					for _, limit := range []int{0, 1} {
						all = append(all, combination{body: body, task: task, taskAt: at, by: by, limit: limit})
					}
				}
			}
		}
	}
	return all
}
