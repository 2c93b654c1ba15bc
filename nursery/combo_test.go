package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// How a task or body of TestCombinations ends.
const (
	endOK     = "ok"
	endError  = "error"
	endEcho   = "echo" // returns ctx.Err(), which is nil if it is not canceled
	endPanic  = "panic"
	endGoexit = "goexit"
)

// Who cancels, before anybody has ended.
const (
	byNobody   = "nobody"
	byItself   = "n.Cancel"
	byOuter    = "outer scope"
	byDeadline = "outer deadline"
)

// A combination is a nursery with a task, which may end before or after the body.
type combination struct {
	body, task         string
	taskFirst          bool
	by                 string
	shield, keep, safe bool
	limit              int
}

var (
	errBody = errors.New("body")
	errTask = errors.New("task")
)

// want is the model: what Run does ("returned", "panicked" or "called Goexit")
// and the failures, by their text, that it returns.
func (c *combination) want() (how string, failures []string) {
	type ending struct{ how, who string }
	order := []ending{{c.body, "body"}, {c.task, "task"}}
	if c.taskFirst {
		slices.Reverse(order)
	}
	outer := (c.by == byOuter || c.by == byDeadline) && !c.shield
	canceled := outer || c.by == byItself
	panics, exits, echoes := false, false, false
	for _, e := range order {
		switch e.how {
		case endError:
			failures = append(failures, e.who)
			canceled = canceled || !c.keep
		case endEcho:
			echoes = echoes || canceled
		case endPanic:
			if c.safe {
				failures = append(failures, "panicked: "+e.who)
				canceled = canceled || !c.keep
			} else {
				panics, canceled = true, true
			}
		case endGoexit:
			exits, canceled = true, true
		}
	}
	switch {
	case panics:
		return "panicked", nil
	case exits:
		return "called Goexit", nil
	}
	if outer && echoes {
		failures = append(failures, "canceled")
	}
	return "returned", failures
}

// run opens the nursery.
func (c *combination) run(ctx context.Context) (how string, err error) {
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
	outer := cancel.New(ctx)
	defer outer.Close()
	if c.by == byDeadline {
		outer.SetTimeout(time.Second)
	}
	end := func(ctx context.Context, how string, who error) error {
		switch how {
		case endError:
			return who
		case endEcho:
			return ctx.Err()
		case endPanic:
			panic(who.Error())
		case endGoexit:
			runtime.Goexit()
		}
		return nil
	}
	how = runToEnd(func() {
		err = nursery.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
			n.Scope().SetShield(c.shield)
			n.Go(func(ctx context.Context) error {
				if c.taskFirst {
					time.Sleep(2 * time.Second)
				} else {
					time.Sleep(4 * time.Second)
				}
				return end(ctx, c.task, errTask)
			})
			time.Sleep(time.Second)
			switch c.by {
			case byItself:
				n.Cancel(nil)
			case byOuter:
				outer.Cancel(nil)
			}
			time.Sleep(2 * time.Second)
			return end(ctx, c.body, errBody)
		}, opts...)
	})
	return how, err
}

// TestCombinations goes through all of them.
func TestCombinations(t *testing.T) {
	ends := []string{endOK, endError, endEcho, endPanic, endGoexit}
	both := []bool{false, true}
	count := 0
	for _, body := range ends {
		for _, task := range ends {
			for _, by := range []string{byNobody, byItself, byOuter, byDeadline} {
				for flags := range 16 {
					for _, limit := range []int{0, 1} {
						c := combination{body, task, both[flags&1], by, both[flags>>1&1], both[flags>>2&1], both[flags>>3&1], limit}
						count++
						synctest.Test(t, func(t *testing.T) { c.check(t) })
					}
				}
			}
		}
	}
	if count != 5*5*4*16*2 {
		t.Errorf("%d combinations", count)
	}
}

func (c *combination) check(t *testing.T) {
	how, err := c.run(t.Context())
	wantHow, want := c.want()
	var got []string
	if err != nil {
		for _, f := range failures(t, err) {
			text := f.Error()
			if p := new(nursery.PanicError); errors.As(f, &p) {
				text = fmt.Sprint(p)
			} else if e := new(cancel.Error); errors.As(f, &e) {
				text = "canceled"
			}
			got = append(got, text)
		}
	}
	if how != wantHow || !slices.Equal(got, want) {
		t.Errorf("%+v: Run %s with %q, want that it %s with %q", *c, how, got, wantHow, want)
	}
}
