package stacks

import "strings"

// waits lists the functions of this module that block, with what they wait for. If
// several are in a stack, the first of the list counts, so a function comes after the
// functions that it calls.
var waits = []struct{ function, what string }{
	{"nursery.(*Nursery).join", "its tasks (nursery.Run)"},
	{"nursery.(*bodylessNursery).untilJoin", "a call of Wait (errgroup.Group)"},
	{"nursery.(*bodylessNursery).Join", "its tasks (errgroup.Group.Wait)"},
	{"nursery.(*Task[...]).Wait", "a task (Task.Wait)"},
	{"nursery.Start[...]", "a task to start (nursery.Start)"},
	{"nursery.(*Limiter).AcquireN", "a token (Limiter.Acquire)"},
	{"nursery.(*Shared[...]).Do", "a shared computation (Shared.Do)"},
	{"nursery.(*flow[...]).take", "the next result (nursery.Stream)"},
	{"nursery.(*flow[...]).put", "a call to return (nursery.Each, Stream)"},
	{"nursery.(*crew[...]).nextLocked", "the next item (nursery.Each, Stream)"},
	{"channel.(*Sender[...]).Send", "room in a channel (Sender.Send)"},
	{"channel.(*Receiver[...]).Receive", "a value (Receiver.Receive)"},
	{"channel.(*Broadcast[...]).Publish", "slow subscribers (Broadcast.Publish)"},
	{"channel.(*Subscription[...]).Receive", "a value (Subscription.Receive)"},
	{"channel.(*Watcher[...]).Receive", "a new value (Watcher.Receive)"},
	{"testutil.(*Gate).Wait", "a gate to open (Gate.Wait)"},
	{"testutil.(*Sequencer).wait", "its turn (Sequencer.At)"},
	{"cancel.Forever", "a cancellation (cancel.Forever)"},
	{"cancel.Sleep", "time to pass (cancel.Sleep)"},
}

// waitsAt is the index in waits of each function.
var waitsAt = func() map[string]int {
	at := make(map[string]int)
	for i, w := range waits {
		at[w.function] = i
	}
	return at
}()

// Waits returns what the goroutine waits for: in the words of this module if it waits in a
// function of this module, and its State otherwise. User's code that such a function calls,
// such as a function of OnDone, waits for itself.
func (d *Dump) Waits(g *Goroutine) string {
	first := len(waits)
	for i := range g.Frames {
		if d.IsUser(&g.Frames[i]) {
			break
		}
		if f, ok := strings.CutPrefix(g.Frames[i].Function, Module+"/"); ok {
			if at, ok := waitsAt[f]; ok {
				first = min(first, at)
			}
		}
	}
	if first < len(waits) {
		return waits[first].what
	}
	return g.State
}
