package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A ledger holds the values sent and received.
type ledger struct {
	mu        sync.Mutex
	sent, got []int
}

func (l *ledger) send(v int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, v)
}

func (l *ledger) receive(v int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, v)
}

// settle fails the test unless each value sent was received exactly once, and no other
// value.
func (l *ledger) settle(t *testing.T) {
	t.Helper()
	slices.Sort(l.sent)
	slices.Sort(l.got)
	if !slices.Equal(l.sent, l.got) {
		t.Errorf("CH1: sent %v, received %v", l.sent, l.got)
	}
}

func TestEverywherePass(t *testing.T) {
	for _, capacity := range []int{0, 1, 3, -1} {
		t.Run(fmt.Sprintf("CH1/capacity %d", capacity), func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				s, r := channel.Unbounded[int]()
				if capacity >= 0 {
					s, r = channel.New[int](capacity)
				}
				var l ledger
				err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					for k := range 2 {
						s := s.Clone()
						n.Go(func(ctx context.Context) error {
							defer s.Close()
							for i := range 2 {
								if err := s.Send(ctx, 10*k+i); err != nil {
									return err
								}
								l.send(10*k + i)
							}
							return nil
						})
					}
					n.Go(func(ctx context.Context) error {
						for {
							switch v, err := r.Receive(ctx); err {
							case nil:
								l.receive(v)
							case io.EOF:
								return nil
							default:
								return err
							}
							if err := cancel.Sleep(ctx, time.Second); err != nil {
								return err
							}
						}
					})
					return s.Close()
				})
				for v, e := r.TryReceive(); e == nil; v, e = r.TryReceive() {
					l.receive(v)
				}
				l.settle(t)
				return errors.Join(err, r.Close())
			}, testutil.Repeats(2))
		})
	}
}

func TestEverywhereBatch(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		s, r := channel.New[int](4)
		defer r.Close()
		var l ledger
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				defer s.Close()
				for i := range 6 {
					if err := s.Send(ctx, i); err != nil {
						return err
					}
					l.send(i)
				}
				return nil
			})
			n.Go(func(ctx context.Context) error {
				buf := make([]int, 3)
				for {
					k, err := r.ReceiveBatch(ctx, buf)
					for _, v := range buf[:k] {
						l.receive(v)
					}
					if err == io.EOF {
						return nil
					}
					if err != nil {
						return err
					}
					if err := cancel.Sleep(ctx, time.Second); err != nil {
						return err
					}
				}
			})
			return nil
		})
		for v, e := r.TryReceive(); e == nil; v, e = r.TryReceive() {
			l.receive(v)
		}
		l.settle(t)
		return err
	}, testutil.Repeats(2))
}

func TestEverywhereGenerate(t *testing.T) {
	for _, capacity := range []int{0, 2} {
		t.Run(fmt.Sprintf("CH9/capacity %d", capacity), func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				producing := false
				defer func() {
					if producing {
						t.Error("the producer has not returned")
					}
				}()
				return channel.Generate(ctx, capacity, func(ctx context.Context, yield func(int) error) error {
					producing = true
					defer func() { producing = false }()
					for i := range 3 {
						if err := cancel.Sleep(ctx, time.Second); err != nil {
							return err
						}
						if err := yield(i); err != nil {
							return err
						}
					}
					return nil
				}, func(ctx context.Context, r *channel.Receiver[int]) error {
					want := 0
					for v, err := range r.All(ctx) {
						if err != nil {
							return err
						}
						if v != want {
							t.Errorf("got %d, want %d", v, want)
						}
						want++
					}
					return nil
				})
			}, testutil.Repeats(2))
		})
	}
}

func TestEverywhereBroadcast(t *testing.T) {
	for name, policy := range map[string]channel.Policy{"Block": channel.Block, "DropOldest": channel.DropOldest, "CutOff": channel.CutOff} {
		t.Run("CH7/"+name, func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				b := channel.NewBroadcast[int](2)
				sub := b.Subscribe(policy)
				err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error {
						defer b.Close()
						for i := range 5 {
							if err := b.Publish(ctx, i); err != nil {
								return err
							}
						}
						return nil
					})
					n.Go(func(ctx context.Context) error {
						defer sub.Close()
						last := -1
						for v, err := range sub.All(ctx) {
							if errors.Is(err, channel.ErrLagged) && name == "CutOff" {
								return nil
							}
							if err != nil {
								return err
							}
							if v <= last || name == "Block" && v != last+1 {
								t.Errorf("got %d after %d", v, last)
							}
							last = v
							if err := cancel.Sleep(ctx, time.Second); err != nil {
								return err
							}
						}
						return nil
					})
					return nil
				})
				if k := b.Subscribers(); k != 0 {
					t.Errorf("%d subscribers are left", k)
				}
				return err
			}, testutil.Repeats(2))
		})
	}
}

func TestEverywhereWatch(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		w := channel.NewWatch(0)
		return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			r := w.Subscribe()
			n.Go(func(ctx context.Context) error {
				defer w.Close()
				for i := range 3 {
					if err := cancel.Sleep(ctx, time.Second); err != nil {
						return err
					}
					if err := w.Set(i + 1); err != nil {
						return err
					}
				}
				return nil
			})
			n.Go(func(ctx context.Context) error {
				last := -1
				for v, err := range r.All(ctx) {
					if err != nil {
						return err
					}
					if v < last {
						t.Errorf("CH7: got %d after %d", v, last)
					}
					last = v
				}
				return nil
			})
			return nil
		})
	}, testutil.Repeats(2))
}
