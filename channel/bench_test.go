package channel_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
)

// A transport passes values in a benchmark. Each goroutine has its own call of sender or
// receiver.
type transport struct {
	sender   func() (send func(int) bool, finish func())
	receiver func() (receive func() bool)
	finish   func() // called when all senders have finished
}

// BenchmarkPass measures passing one value through this package's channel, through a
// native channel without cancellation, and through a native channel with a select on
// ctx.Done.
func BenchmarkPass(b *testing.B) {
	for _, capacity := range []int{0, 1, 16, 64, 128, 1024} {
		for _, n := range [][2]int{{1, 1}, {4, 4}, {16, 1}, {1, 16}} {
			for _, impl := range []struct {
				name string
				open func(ctx context.Context, capacity int) transport
			}{{"grove", grove}, {"native", bare}, {"select", selecting}} {
				b.Run(fmt.Sprintf("cap=%d/senders=%d/receivers=%d/impl=%s", capacity, n[0], n[1], impl.name), func(b *testing.B) {
					ctx := cancel.New(context.Background())
					defer ctx.Close()
					b.ReportAllocs()
					pass(b, impl.open(ctx, capacity), n[0], n[1])
				})
			}
		}
	}
}

// pass passes b.N values.
func pass(b *testing.B, t transport, senders, receivers int) {
	var sending, receiving sync.WaitGroup
	for i := range senders {
		count := b.N / senders
		if i < b.N%senders {
			count++
		}
		send, finish := t.sender()
		sending.Go(func() {
			defer finish()
			for i := range count {
				if !send(i) {
					b.Error("not sent")
					return
				}
			}
		})
	}
	for range receivers {
		receive := t.receiver()
		receiving.Go(func() {
			for receive() {
			}
		})
	}
	sending.Wait()
	t.finish()
	receiving.Wait()
}

func grove(ctx context.Context, capacity int) transport {
	s, r := channel.New[int](capacity)
	return transport{
		sender: func() (func(int) bool, func()) {
			s := s.Clone()
			return func(v int) bool { return s.Send(ctx, v) == nil }, func() { s.Close() }
		},
		receiver: func() func() bool {
			r := r.Clone()
			return func() bool {
				_, err := r.Receive(ctx)
				return err == nil
			}
		},
		finish: func() { s.Close() },
	}
}

func bare(_ context.Context, capacity int) transport {
	ch := make(chan int, capacity)
	return transport{
		sender: func() (func(int) bool, func()) {
			return func(v int) bool { ch <- v; return true }, func() {}
		},
		receiver: func() func() bool {
			return func() bool { _, ok := <-ch; return ok }
		},
		finish: func() { close(ch) },
	}
}

func selecting(ctx context.Context, capacity int) transport {
	ch := make(chan int, capacity)
	return transport{
		sender: func() (func(int) bool, func()) {
			return func(v int) bool {
				select {
				case ch <- v:
					return true
				case <-ctx.Done():
					return false
				}
			}, func() {}
		},
		receiver: func() func() bool {
			return func() bool {
				select {
				case _, ok := <-ch:
					return ok
				case <-ctx.Done():
					return false
				}
			}
		},
		finish: func() { close(ch) },
	}
}
