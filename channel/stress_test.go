package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
)

// TestStress sends and receives in many goroutines while handles are cloned and closed
// and contexts are canceled. It then compares the values sent with the values received
// (CH1), their order (CH2), and the ends (CH3).
func TestStress(t *testing.T) {
	for _, capacity := range []int{0, 1, 3, 64, -1} {
		t.Run(fmt.Sprintf("capacity=%d", capacity), func(t *testing.T) {
			for range 20 {
				stress(t, capacity)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// A sent is the n-th value that a sender tried to send.
type sent struct{ sender, n int }

func stress(t *testing.T, capacity int) {
	const senders, receivers, values = 5, 4, 100
	seed := rand.Uint64()
	newRand := func(i int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(i))) }
	fail := func(format string, a ...any) { t.Errorf("seed %d: %s", seed, fmt.Sprintf(format, a...)) }
	make := func() (*channel.Sender[sent], *channel.Receiver[sent]) { return channel.New[sent](capacity) }
	if capacity < 0 {
		make = channel.Unbounded[sent]
	}
	s, r := make()
	var (
		sending, receiving sync.WaitGroup
		mu                 sync.Mutex
		accepted           = map[sent]bool{}
		got                = map[sent]int{}
	)
	root := cancel.New(context.Background())
	defer root.Close()
	for i := range senders {
		rnd, s := newRand(i), s.Clone()
		sending.Go(func() {
			scope := cancel.New(root)
			defer func() { s.Close(); scope.Close() }()
			for n := range values {
				if rnd.IntN(10) == 0 { // change handles; another goroutine may still use the old one
					clone := s.Clone()
					old := s
					sending.Go(func() { old.Close() })
					s = clone
				}
				if scope.Err() != nil || rnd.IntN(4) == 0 { // the other calls use the same scope again
					scope.Close()
					scope = momentary(root, rnd, &sending)
				}
				v := sent{i, n}
				var err error
				if rnd.IntN(4) == 0 {
					err = s.TrySend(v)
				} else {
					err = s.Send(scope, v)
				}
				switch {
				case err == nil:
					mu.Lock()
					accepted[v] = true
					mu.Unlock()
				case errors.Is(err, context.Canceled) || err == channel.ErrWouldBlock:
				default:
					fail("Send() = %v", err)
				}
			}
		})
	}
	for i := range receivers {
		rnd, r := newRand(senders+i), r.Clone()
		receiving.Go(func() {
			defer func() { r.Close() }()
			last := map[int]int{}
			take := func(v sent) {
				if n, ok := last[v.sender]; ok && n >= v.n {
					fail("received %v after value %d of that sender", v, n)
				}
				last[v.sender] = v.n
				mu.Lock()
				got[v]++
				mu.Unlock()
			}
			scope := cancel.New(root)
			defer func() { scope.Close() }()
			for {
				if scope.Err() != nil || rnd.IntN(4) == 0 {
					scope.Close()
					scope = momentary(root, rnd, &receiving)
				}
				if rnd.IntN(10) == 0 {
					clone := r.Clone()
					r.Close()
					r = clone
				}
				var v sent
				var err error
				switch rnd.IntN(4) {
				case 0:
					v, err = r.TryReceive()
				case 1:
					var buf [5]sent
					var n int
					n, err = r.ReceiveBatch(scope, buf[:])
					for _, v := range buf[:n] {
						take(v)
					}
					if err == nil {
						continue
					}
				default:
					v, err = r.Receive(scope)
				}
				switch {
				case err == nil:
					take(v)
				case err == io.EOF:
					if _, err := r.TryReceive(); err != io.EOF {
						fail("TryReceive() = %v after the end", err)
					}
					return
				case errors.Is(err, context.Canceled) || err == channel.ErrWouldBlock:
				default:
					fail("Receive() = %v", err)
				}
			}
		})
	}
	s.Close()
	sending.Wait()
	receiving.Wait()
	for v, n := range got {
		if n != 1 || !accepted[v] {
			fail("%v was received %d times; accepted: %v", v, n, accepted[v])
		}
	}
	for v := range accepted {
		if got[v] == 0 {
			fail("%v was accepted but not received", v)
		}
	}
	if st := r.Stats(); st.Len != 0 || st.Senders != 0 || st.Receivers != 1 || st.BlockedReceivers != 0 || st.BlockedSenders != 0 {
		fail("Stats() = %+v at the end", st)
	}
	r.Close()
}

// momentary returns a new scope. Another goroutine is about to cancel it in one case of
// three.
func momentary(root *cancel.Scope, rnd *rand.Rand, wg *sync.WaitGroup) *cancel.Scope {
	scope := cancel.New(root)
	if rnd.IntN(3) == 0 {
		wg.Go(func() { scope.Cancel(nil) })
	}
	return scope
}

// rounds returns the number of rounds. It is small for an unbounded channel, where
// senders never block.
func rounds(capacity int) int {
	if capacity < 0 {
		return 10
	}
	return 400
}

// CH3, CH4: several goroutines use a handle while another one closes it. Each Send either
// sends or returns ErrClosed, and no value that was sent is lost.
func TestStressCloseInUse(t *testing.T) {
	for _, capacity := range []int{0, 1, 2, 100, -1} {
		for range rounds(capacity) {
			s, r := channel.New[int](max(0, capacity))
			if capacity < 0 {
				s, r = channel.Unbounded[int]()
			}
			const senders = 3
			var wg sync.WaitGroup
			sent := make([]int, senders)
			for i := range senders {
				wg.Go(func() {
					for {
						switch err := s.Send(t.Context(), i); err {
						case nil:
							sent[i]++
						case channel.ErrClosed:
							return
						default:
							t.Errorf("Send() = %v", err)
							return
						}
					}
				})
			}
			got := make([]int, senders)
			for range 3 {
				v, err := r.Receive(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got[v]++
			}
			s.Close()
			for v, err := range r.All(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				got[v]++
			}
			wg.Wait()
			if _, err := r.TryReceive(); err != io.EOF {
				t.Fatalf("TryReceive() = %v, want EOF", err)
			}
			for i := range senders {
				if got[i] != sent[i] {
					t.Fatalf("capacity %d: sender %d sent %d values, but %d were received", capacity, i, sent[i], got[i])
				}
			}
		}
	}
}

// CH3: a Send that begins after Close of the last receiver has returned does not send,
// and earlier ones leave nothing behind.
func TestStressBroken(t *testing.T) {
	for _, capacity := range []int{0, 1, 4, -1} {
		for range rounds(capacity) {
			s, r := channel.New[int](max(0, capacity))
			if capacity < 0 {
				s, r = channel.Unbounded[int]()
			}
			var wg sync.WaitGroup
			for range 3 {
				clone := s.Clone()
				wg.Go(func() {
					for clone.Send(t.Context(), 1) == nil {
					}
				})
			}
			_, _ = r.Receive(t.Context())
			r.Close()
			if err := s.TrySend(1); err != channel.ErrBroken {
				t.Fatalf("TrySend() = %v, want ErrBroken", err)
			}
			wg.Wait()
			if st := s.Stats(); st.Len != 0 {
				t.Fatalf("Stats() = %+v, want nothing left", st)
			}
		}
	}
}
