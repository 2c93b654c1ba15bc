package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// A run does random things with a channel from several goroutines, and records when each
// began and ended, by a clock that counts.
type run struct {
	clock atomic.Int64
	value atomic.Int64
	root  atomic.Pointer[cancel.Scope] // of the contexts of waiting operations

	mu        sync.Mutex
	senders   []*channel.Sender[int]
	receivers []*channel.Receiver[int]
	history   []porcupine.Operation
}

func (r *run) record(client int, in input, call int64, out output) {
	end := r.clock.Add(1)
	r.mu.Lock()
	r.history = append(r.history, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: end})
	r.mu.Unlock()
}

// resultOf tells how a call ended by its error.
func resultOf(err error) result {
	switch {
	case err == nil:
		return ok
	case err == channel.ErrClosed:
		return isClosed
	case err == channel.ErrBroken:
		return isBroken
	case err == io.EOF:
		return isEnd
	case err == channel.ErrWouldBlock:
		return wouldBlock
	case errors.Is(err, context.Canceled):
		return isCanceled
	}
	panic(err)
}

// pick returns a random handle, and its number.
func pick[H any](r *run, rnd *rand.Rand, handles *[]H) (int, H) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := rnd.IntN(len(*handles))
	return i, (*handles)[i]
}

// client does n things.
func (r *run) client(id, n int, rnd *rand.Rand, wg *sync.WaitGroup) {
	scope := cancel.New(r.root.Load())
	for range n {
		if scope.Err() != nil || rnd.IntN(4) == 0 { // the others come after one another in one scope
			scope.Close()
			scope = cancel.New(r.root.Load())
		}
		if yields := rnd.IntN(80); yields < 20 {
			current := scope
			wg.Go(func() {
				for range yields {
					runtime.Gosched()
				}
				current.Cancel(nil)
			})
		}
		si, s := pick(r, rnd, &r.senders)
		ri, rc := pick(r, rnd, &r.receivers)
		in := input{handle: si}
		var out output
		var call int64
		switch k := rnd.IntN(20); {
		case k < 6:
			in.kind, in.value = send, int(r.value.Add(1))
			call = r.clock.Add(1)
			out.result = resultOf(s.Send(scope, in.value))
		case k < 8:
			in.kind, in.value = trySend, int(r.value.Add(1))
			call = r.clock.Add(1)
			out.result = resultOf(s.TrySend(in.value))
		case k < 14:
			in.kind, in.handle = receive, ri
			call = r.clock.Add(1)
			v, err := rc.Receive(scope)
			out = output{resultOf(err), v}
		case k < 16:
			in.kind, in.handle = tryReceive, ri
			call = r.clock.Add(1)
			v, err := rc.TryReceive()
			out = output{resultOf(err), v}
		case k < 17:
			in.kind = closeSender
			call = r.clock.Add(1)
			s.Close()
		case k < 18:
			in.kind, in.handle = closeReceiver, ri
			call = r.clock.Add(1)
			rc.Close()
		case k < 19:
			in.kind = cloneSender
			call = r.clock.Add(1)
			clone := cloned(s.Clone)
			if clone == nil {
				continue // it was closed
			}
			r.mu.Lock()
			in.value = len(r.senders)
			r.senders = append(r.senders, clone)
			r.mu.Unlock()
		default:
			in.kind, in.handle = cloneReceiver, ri
			call = r.clock.Add(1)
			clone := cloned(rc.Clone)
			if clone == nil {
				continue
			}
			r.mu.Lock()
			in.value = len(r.receivers)
			r.receivers = append(r.receivers, clone)
			r.mu.Unlock()
		}
		r.record(id, in, call, out)
	}
	scope.Close()
}

// cloned returns a clone, or nil if the handle is closed, which panics.
func cloned[H any](clone func() *H) (h *H) {
	defer func() { _ = recover() }()
	return clone()
}

// TestLinearizable compares histories of random operations with the model. Each history
// must have an order of the operations that fits their times and results.
func TestLinearizable(t *testing.T) {
	const histories, clients, steps = 1000, 4, 12
	for _, capacity := range []int{0, 1, 2, 5, -1} {
		t.Run(fmt.Sprintf("capacity=%d", capacity), func(t *testing.T) {
			seed := rand.Uint64()
			seen := map[result]int{}
			for h := range uint64(histories) {
				r := record(seed+h, capacity, clients, steps)
				switch got := porcupine.CheckOperationsTimeout(model(capacity), r.history, time.Minute); got {
				case porcupine.Illegal:
					t.Fatalf("seed %d: not linearizable: %v", seed+h, explain(r.history))
				case porcupine.Unknown:
					t.Fatalf("seed %d: no answer in a minute; make the histories shorter", seed+h)
				}
				for _, op := range r.history {
					seen[op.Output.(output).result]++
				}
				if err := checkTimes(r.history, capacity); err != nil {
					t.Fatalf("seed %d: %v\n%v", seed+h, err, explain(r.history))
				}
			}
			for o := ok; o <= isCanceled; o++ {
				if seen[o] < 100 {
					t.Errorf("only %d operations ended as %v: the test does not test much", seen[o], output{result: o})
				}
			}
			t.Log(seen)
		})
	}
}

// record returns a run with its history.
func record(seed uint64, capacity, clients, steps int) *run {
	r := &run{}
	s, rc := channel.New[int](max(0, capacity))
	if capacity < 0 {
		s, rc = channel.Unbounded[int]()
		for range 8 * (seed % 2) { // so that some come into its overflow
			v := int(r.value.Add(1))
			call := r.clock.Add(1)
			r.record(clients, input{trySend, 0, v}, call, output{result: resultOf(s.TrySend(v))})
		}
	}
	r.senders, r.receivers = []*channel.Sender[int]{s}, []*channel.Receiver[int]{rc}
	r.root.Store(cancel.New(context.Background()))
	var working, canceling, watching sync.WaitGroup
	var left atomic.Int32
	left.Store(int32(clients))
	for id := range clients {
		rnd := rand.New(rand.NewPCG(seed, uint64(id)))
		working.Go(func() {
			defer left.Add(-1)
			r.client(id, steps, rnd, &canceling)
		})
	}
	// if all wait forever, cancel them
	stop := make(chan struct{})
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				st := s.Stats()
				if int32(st.BlockedSenders+st.BlockedReceivers) >= left.Load() {
					r.root.Swap(cancel.New(context.Background())).Cancel(nil)
				}
				runtime.Gosched()
			}
		}
	})
	working.Wait()
	close(stop)
	watching.Wait()
	canceling.Wait()
	r.root.Load().Close()
	return r
}

// explain lists a history.
func explain(history []porcupine.Operation) string {
	var text strings.Builder
	for _, op := range history {
		fmt.Fprintf(&text, "\n%4d to %4d, client %d: %v -> %v", op.Call, op.Return, op.ClientId, op.Input, op.Output)
	}
	return text.String()
}

// TestChecker gives impossible histories to the model.
func TestChecker(t *testing.T) {
	type step struct {
		in  input
		out output
	}
	for name, test := range map[string]struct {
		capacity int
		steps    []step
	}{
		"CH1 received twice":                 {2, []step{{input{send, 0, 1}, output{}}, {input{receive, 0, 0}, output{ok, 1}}, {input{receive, 0, 0}, output{ok, 1}}}},
		"CH1 received after a canceled send": {2, []step{{input{send, 0, 1}, output{result: isCanceled}}, {input{receive, 0, 0}, output{ok, 1}}}},
		"CH1 lost":                           {2, []step{{input{send, 0, 1}, output{}}, {input{tryReceive, 0, 0}, output{result: wouldBlock}}}},
		"CH2 out of order":                   {2, []step{{input{send, 0, 1}, output{}}, {input{send, 0, 2}, output{}}, {input{receive, 0, 0}, output{ok, 2}}}},
		"more than there is room":            {1, []step{{input{send, 0, 1}, output{}}, {input{send, 0, 2}, output{}}}},
		"CH3 the end too early":              {1, []step{{input{send, 0, 1}, output{}}, {input{closeSender, 0, 0}, output{}}, {input{receive, 0, 0}, output{result: isEnd}}}},
		"CH3 no end":                         {1, []step{{input{closeSender, 0, 0}, output{}}, {input{tryReceive, 0, 0}, output{result: wouldBlock}}}},
		"CH3 sent when broken":               {1, []step{{input{closeReceiver, 0, 0}, output{}}, {input{send, 0, 1}, output{}}}},
		"CH3 not broken":                     {1, []step{{input{send, 0, 1}, output{result: isBroken}}}},
		"CH4 sent when closed":               {1, []step{{input{closeSender, 0, 0}, output{}}, {input{send, 0, 1}, output{}}}},
		"CH4 received when closed":           {1, []step{{input{cloneReceiver, 0, 1}, output{}}, {input{closeReceiver, 0, 0}, output{}}, {input{send, 0, 1}, output{}}, {input{receive, 0, 0}, output{ok, 1}}}},
		"CH4 not closed":                     {1, []step{{input{receive, 0, 0}, output{result: isClosed}}}},
		"CH6 sent to nobody":                 {0, []step{{input{send, 0, 1}, output{}}, {input{receive, 0, 0}, output{ok, 1}}}},
	} {
		var history []porcupine.Operation
		for i, s := range test.steps {
			history = append(history, porcupine.Operation{Input: s.in, Output: s.out, Call: int64(2 * i), Return: int64(2*i + 1)})
		}
		if porcupine.CheckOperations(model(test.capacity), history) && checkTimes(history, test.capacity) == nil {
			t.Errorf("%s: taken for right:%s", name, explain(history))
		}
	}
}
