package check

import (
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
)

// The operations on a channel.
type kind int

const (
	send kind = iota
	trySend
	receive
	tryReceive
	cloneSender
	cloneReceiver
	closeSender
	closeReceiver
)

// An input is a call: of a method of a handle, with a value or, for Clone, with the new
// handle.
type input struct {
	kind   kind
	handle int
	value  int
}

// A result is how a call ended.
type result int

const (
	ok result = iota
	isClosed
	isBroken
	isEnd
	wouldBlock
	isCanceled
)

// An output is what a call returned.
type output struct {
	result result
	value  int // of a receive
}

func (i input) String() string {
	name := [...]string{"Send", "TrySend", "Receive", "TryReceive", "Sender.Clone", "Receiver.Clone", "Sender.Close", "Receiver.Close"}[i.kind]
	return fmt.Sprintf("%s(handle %d, %d)", name, i.handle, i.value)
}

func (o output) String() string {
	return [...]string{"ok", "closed", "broken", "end", "would block", "canceled"}[o.result] + fmt.Sprintf(" %d", o.value)
}

// A state is the state of a channel in the sequential model: operations happen one after
// the other.
type state struct {
	buffer    []int
	senders   []int // handles that are open, in order
	receivers []int
}

func add(handles []int, h int) []int {
	handles = append(slices.Clone(handles), h)
	slices.Sort(handles)
	return handles
}

func remove(handles []int, h int) []int {
	return slices.DeleteFunc(slices.Clone(handles), func(x int) bool { return x == h })
}

// model returns the sequential model of a channel (CH1 to CH5). Its operations take no
// time. checkTimes checks the rest:
//
//   - with a capacity of 0 the sender and the receiver meet, but in the model the value waits
//     in between;
//   - an operation that is in progress on a handle when the handle is closed may still
//     succeed, but an operation that begins later may not. A value that comes into a channel
//     while it breaks is dropped, or reaches a receiver that was still there.
func model(capacity int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{senders: []int{0}, receivers: []int{0}} },
		Step: func(before, in, out any) (bool, any) {
			s, i, o := before.(state), in.(input), out.(output)
			next, legal := step(s, i, o, capacity)
			return legal, next
		},
		Equal: func(a, b any) bool {
			x, y := a.(state), b.(state)
			return slices.Equal(x.buffer, y.buffer) && slices.Equal(x.senders, y.senders) && slices.Equal(x.receivers, y.receivers)
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprint(in, " -> ", out) },
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
	}
}

func step(s state, i input, o output, capacity int) (state, bool) {
	open := slices.Contains(s.senders, i.handle)
	if i.kind == receive || i.kind == tryReceive || i.kind == cloneReceiver || i.kind == closeReceiver {
		open = slices.Contains(s.receivers, i.handle)
	}
	broken := len(s.receivers) == 0
	full := capacity > 0 && len(s.buffer) >= capacity
	switch i.kind {
	case cloneSender:
		s.senders = add(s.senders, i.value)
		return s, open
	case cloneReceiver:
		s.receivers = add(s.receivers, i.value)
		return s, open
	case closeSender:
		s.senders = remove(s.senders, i.handle)
		return s, true
	case closeReceiver:
		s.receivers = remove(s.receivers, i.handle)
		return s, true
	}
	switch o.result {
	case isCanceled:
		return s, i.kind == send || i.kind == receive // it has not happened
	case isClosed:
		return s, !open
	case isBroken:
		return s, open && broken
	case isEnd:
		return s, open && len(s.senders) == 0 && len(s.buffer) == 0
	case wouldBlock:
		switch {
		case i.kind == trySend:
			return s, open && !broken && (full || capacity == 0)
		case i.kind == tryReceive:
			// Without a buffer the sender still has the value.
			return s, open && len(s.senders) > 0 && (len(s.buffer) == 0 || capacity == 0)
		}
		return s, false
	}
	if i.kind == send || i.kind == trySend {
		if len(s.senders) == 0 || full && !broken {
			return s, false
		}
		s.buffer = append(slices.Clone(s.buffer), i.value)
		return s, true
	}
	at := slices.Index(s.buffer, o.value)
	if at < 0 || at > 0 && !broken {
		return s, false // CH2: the oldest comes first
	}
	s.buffer = slices.Delete(slices.Clone(s.buffer), at, at+1)
	return s, true
}

// checkTimes returns faults of a history that the model does not see.
func checkTimes(history []porcupine.Operation, capacity int) error {
	closed := map[input]int64{} // when the Close of a handle had returned; the value is 0
	lastReceiver := int64(-1)   // when the last of them had, if all are
	open := map[int]bool{0: true}
	for _, op := range history {
		i := op.Input.(input)
		switch i.kind {
		case closeSender, closeReceiver:
			key := input{kind: i.kind, handle: i.handle}
			if at, again := closed[key]; !again || op.Return < at {
				closed[key] = op.Return
			}
		case cloneReceiver:
			open[i.value] = true
		}
	}
	for h := range open {
		at, done := closed[input{kind: closeReceiver, handle: h}]
		if !done {
			lastReceiver = -1
			break
		}
		lastReceiver = max(lastReceiver, at)
	}
	received := map[int]porcupine.Operation{}
	for _, op := range history {
		i, o := op.Input.(input), op.Output.(output)
		if o.result != ok {
			continue
		}
		side := closeSender
		switch i.kind {
		case receive, tryReceive:
			side = closeReceiver
			received[o.value] = op
		case send, trySend:
			if lastReceiver >= 0 && op.Call > lastReceiver {
				return fmt.Errorf("%v has sent after the last receiver was closed", i)
			}
		default:
			continue
		}
		if at, done := closed[input{kind: side, handle: i.handle}]; done && op.Call > at {
			return fmt.Errorf("%v has succeeded after the handle was closed", i)
		}
	}
	if capacity != 0 {
		return nil
	}
	for _, op := range history {
		if i := op.Input.(input); (i.kind == send || i.kind == trySend) && op.Output.(output).result == ok {
			if r, got := received[i.value]; !got || r.Call > op.Return {
				return fmt.Errorf("CH6: %v has returned before a receiver had the value", i)
			}
		}
	}
	return nil
}
