//go:build explore

package channel_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/internal/test/explore"
	"github.com/grove-go/grove/internal/test/kit"
)

// A pipe is a channel that records the values sent and received.
type pipe struct {
	r        *explore.Run
	s        *channel.Sender[int]
	rx       *channel.Receiver[int]
	sent     []int
	received []int
}

// send sends v with Send or TrySend and returns the error.
func (p *pipe) send(v int, send func() error) error {
	err := send()
	if err == nil {
		p.sent = append(p.sent, v)
	}
	return err
}

// receive receives a value and returns the error.
func (p *pipe) receive(receive func() (int, error)) error {
	v, err := receive()
	if err == nil {
		p.received = append(p.received, v)
	} else if v != 0 {
		p.r.Errorf("Receive() = %d, %v, want 0 with an error", v, err)
	}
	return err
}

// exactlyOnce fails the scenario unless the values received or in the buffer are exactly
// the values sent.
func (p *pipe) exactlyOnce(rx *channel.Receiver[int]) {
	all := slices.Clone(p.received)
	for {
		v, err := rx.TryReceive()
		if err != nil {
			break
		}
		all = append(all, v)
	}
	slices.Sort(all)
	slices.Sort(p.sent)
	if !slices.Equal(all, p.sent) {
		p.r.Errorf("sent %v, received or in the buffer %v", p.sent, all)
	}
}

// oneOf fails the scenario unless err is one of the errors in named, and records its
// name.
func oneOf(r *explore.Run, what string, err error, named map[error]string) {
	for want, name := range named {
		if errors.Is(err, want) {
			r.Saw(name)
			return
		}
	}
	r.Errorf("%s: %v, want one of %v", what, err, named)
}

func TestSchedules(t *testing.T) {
	background := context.Background()
	type makeFunc func() (*channel.Sender[int], *channel.Receiver[int])
	of := func(capacity int) makeFunc {
		return func() (*channel.Sender[int], *channel.Receiver[int]) { return channel.New[int](capacity) }
	}
	for _, kind := range []struct {
		name    string
		make    makeFunc
		room    bool // for at least one value
		bounded bool
	}{
		{" with capacity 0", of(0), false, true},
		{" with capacity 1", of(1), true, true},
		{" without bound", channel.Unbounded[int], true, false},
	} {
		// among returns the outcomes that are possible in a channel of that kind: "sent"
		// needs room, and "no room" needs a bound.
		among := func(outcomes ...string) []string {
			return slices.DeleteFunc(outcomes, func(outcome string) bool {
				return outcome == "sent" && !kind.room || outcome == "no room" && !kind.bounded
			})
		}
		newPipe := func(r *explore.Run) *pipe {
			p := &pipe{r: r}
			p.s, p.rx = kind.make()
			return p
		}

		// There is only one sender.
		t.Run("CH1/Send against Close of that handle"+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := newPipe(r)
				r.Go("send", func() {
					err := p.send(1, func() error { return p.s.Send(background, 1) })
					oneOf(r, "Send", err, map[error]string{nil: "sent", channel.ErrClosed: "closed"})
				})
				r.Go("close", func() {
					p.s.Close()
					if err := p.s.TrySend(2); err != channel.ErrClosed {
						r.Errorf("TrySend after Close: %v, want ErrClosed", err)
					}
				})
				r.Go("receive", func() {
					err := p.receive(func() (int, error) { return p.rx.Receive(background) })
					oneOf(r, "Receive", err, map[error]string{nil: "received", io.EOF: "end"})
					if err == io.EOF {
						if v, err := p.rx.TryReceive(); err != io.EOF {
							r.Errorf("TryReceive after the end: %v, %v, want the end", v, err)
						}
					}
				})
				r.Check(func() {
					p.exactlyOnce(p.rx)
					if _, err := p.rx.TryReceive(); err != io.EOF {
						r.Errorf("TryReceive at the end: %v, want EOF", err)
					}
				})
			}, "sent", "closed", "received", "end")
		})

		// A Send waits on one of two handles because the buffer is full.
		if kind.bounded {
			t.Run("CH4/a waiting Send against Close of that handle"+kind.name, func(t *testing.T) {
				explore.All(t, func(r *explore.Run) {
					p := newPipe(r)
					other := p.s.Clone()
					if err := other.TrySend(9); err == nil {
						p.sent = append(p.sent, 9)
					}
					r.Go("send", func() {
						err := p.send(1, func() error { return p.s.Send(background, 1) })
						oneOf(r, "Send", err, map[error]string{nil: "sent", channel.ErrClosed: "closed"})
					})
					r.Go("close", func() { p.s.Close() })
					r.Go("receive", func() {
						p.receive(p.rx.TryReceive)
						p.receive(p.rx.TryReceive)
					})
					r.Check(func() {
						p.exactlyOnce(p.rx)
						if _, err := p.rx.TryReceive(); err != channel.ErrWouldBlock {
							r.Errorf("TryReceive: %v, want ErrWouldBlock: the other sender is open", err)
						}
					})
				}, "sent", "closed")
			})
		}

		t.Run("CH4/TrySend against Close of that handle"+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := newPipe(r)
				for _, name := range []string{"try", "again"} {
					r.Go(name, func() {
						err := p.send(1, func() error { return p.s.TrySend(1) })
						oneOf(r, "TrySend", err, map[error]string{nil: "sent", channel.ErrClosed: "closed", channel.ErrWouldBlock: "no room"})
					})
				}
				r.Go("close", func() { p.s.Close() })
				r.Check(func() { p.exactlyOnce(p.rx) })
			}, among("sent", "closed", "no room")...)
		})

		t.Run("CH3/Send against Close of the last receiver"+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := newPipe(r)
				for i, name := range []string{"send", "also"} {
					s := p.s
					if i > 0 {
						s = s.Clone()
					}
					r.Go(name, func() {
						err := p.send(1, func() error { return s.Send(background, 1) })
						oneOf(r, "Send", err, map[error]string{nil: "sent", channel.ErrBroken: "broken"})
					})
				}
				r.Go("close", func() {
					p.rx.Close()
					if err := p.s.TrySend(2); err != channel.ErrBroken {
						r.Errorf("TrySend on a broken channel: %v, want ErrBroken", err)
					}
				})
				r.Check(func() {
					if stats := p.s.Stats(); stats.Len != 0 || stats.BlockedSenders != 0 {
						r.Errorf("Stats() = %+v of a broken channel, want it empty", stats)
					}
				})
			}, among("sent", "broken")...)
		})

		t.Run("CH3/Receive against Close of the last sender"+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := newPipe(r)
				r.Go("close", func() {
					p.send(1, func() error { return p.s.TrySend(1) })
					p.s.Close()
				})
				for _, name := range []string{"receive", "also"} {
					rx := p.rx.Clone()
					r.Go(name, func() {
						err := p.receive(func() (int, error) { return rx.Receive(background) })
						oneOf(r, "Receive", err, map[error]string{nil: "received", io.EOF: "end"})
						if err == nil {
							if err := p.receive(func() (int, error) { return rx.Receive(background) }); err != io.EOF {
								r.Errorf("second Receive: %v, want EOF", err)
							}
						}
					})
				}
				r.Check(func() { p.exactlyOnce(p.rx) })
			}, "received", "end")
		})

		t.Run("CH4/Receive against Close of that handle"+kind.name, func(t *testing.T) {
			outcomes := []string{"received", "closed"}
			if !kind.room {
				outcomes = append(outcomes, "end") // TrySend has not sent
			}
			explore.All(t, func(r *explore.Run) {
				p := newPipe(r)
				other := p.rx.Clone()
				r.Go("receive", func() {
					err := p.receive(func() (int, error) { return p.rx.Receive(background) })
					oneOf(r, "Receive", err, map[error]string{nil: "received", channel.ErrClosed: "closed", io.EOF: "end"})
				})
				r.Go("close", func() {
					p.rx.Close()
					if _, err := p.rx.TryReceive(); err != channel.ErrClosed {
						r.Errorf("TryReceive after Close: %v, want ErrClosed", err)
					}
				})
				r.Go("send", func() {
					p.send(1, func() error { return p.s.TrySend(1) })
					p.s.Close()
				})
				r.Check(func() { p.exactlyOnce(other) })
			}, outcomes...)
		})

		t.Run("CH4/the last receiver's Receive against its Close"+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := newPipe(r)
				r.Go("receive", func() {
					_, err := p.rx.Receive(background)
					oneOf(r, "Receive", err, map[error]string{nil: "received", channel.ErrClosed: "closed"})
				})
				r.Go("close", func() { p.rx.Close() })
				r.Go("send", func() {
					oneOf(r, "Send", p.s.Send(background, 1), map[error]string{nil: "sent", channel.ErrBroken: "broken"})
				})
				r.Check(func() {
					if n := p.s.Stats().Len; n != 0 {
						r.Errorf("Stats().Len = %d of a broken channel, want 0", n)
					}
				})
			}, "received", "closed", "sent", "broken")
		})

		t.Run("CH1/Cancel against Send and Receive"+kind.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := newPipe(r)
				ctx := cancel.New(background)
				r.Go("send", func() {
					err := p.send(1, func() error { return p.s.Send(ctx, 1) })
					oneOf(r, "Send", err, map[error]string{nil: "sent", context.Canceled: "Send was canceled"})
				})
				r.Go("receive", func() {
					err := p.receive(func() (int, error) { return p.rx.Receive(ctx) })
					oneOf(r, "Receive", err, map[error]string{nil: "received", context.Canceled: "Receive was canceled"})
				})
				r.Go("cancel", func() { ctx.Cancel(nil) })
				r.Check(func() { p.exactlyOnce(p.rx) })
			}, "sent", "received", "Receive was canceled", "Send was canceled")
		})
	}

	// Send passes over a Receive with a context that a foreign context above has ended. The
	// shield may go up before that end reaches the context, which then stays open.
	t.Run("CH1/Receive against Send, the end of its context and a shield", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			p := &pipe{r: r}
			p.s, p.rx = channel.New[int](1)
			up := kit.NewForeign(background)
			ctx := cancel.New(up)
			var err error
			r.Go("receive", func() {
				err = p.receive(func() (int, error) { return p.rx.Receive(ctx) })
			})
			r.Go("shield", func() { ctx.SetShield(true) })
			r.Go("send", func() { _ = p.send(1, func() error { return p.s.Send(background, 1) }) })
			r.Go("end", up.End)
			r.Check(func() {
				p.exactlyOnce(p.rx)
				switch end := cancel.Err(ctx); {
				case err == nil:
					r.Saw("received")
				case err == end:
					r.Saw("canceled")
				default:
					r.Errorf("Receive() = %v, the context ended by %v", err, end)
				}
			})
		}, "received", "canceled")
	})

	t.Run("CH3/both sides see the end at the same time", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s, rx := channel.New[int](0)
			r.Go("close", func() { s.Close() })
			r.Go("sender first", func() {
				if s.TrySend(1) == channel.ErrClosed {
					_, err := rx.TryReceive()
					oneOf(r, "TryReceive when the sender is closed", err, map[error]string{io.EOF: "the sender is closed"})
				}
			})
			r.Go("receiver first", func() {
				if _, err := rx.TryReceive(); err == io.EOF {
					err := s.TrySend(1)
					oneOf(r, "TrySend when the channel has ended", err, map[error]string{channel.ErrClosed: "the channel has ended"})
				}
			})
		}, "the sender is closed", "the channel has ended")
	})

	t.Run("CH3/both sides see the broken channel at the same time", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s, rx := channel.New[int](1)
			r.Go("close", func() { rx.Close() })
			r.Go("sender first", func() {
				if s.TrySend(1) == channel.ErrBroken {
					_, err := rx.TryReceive()
					oneOf(r, "TryReceive on a broken channel", err, map[error]string{channel.ErrClosed: "the channel is broken"})
				}
			})
			r.Go("receiver first", func() {
				if _, err := rx.TryReceive(); err == channel.ErrClosed {
					err := s.TrySend(1)
					oneOf(r, "TrySend when the receiver is closed", err, map[error]string{channel.ErrBroken: "the receiver is closed"})
				}
			})
		}, "the channel is broken", "the receiver is closed")
	})

	t.Run("CH3/a value is received until Close drops it", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s, rx := channel.New[int](1)
			if err := s.TrySend(1); err != nil {
				r.Errorf("TrySend: %v", err)
			}
			r.Go("close", func() { rx.Close() })
			r.Go("receive", func() {
				_, err := rx.TryReceive()
				oneOf(r, "TryReceive", err, map[error]string{nil: "received", channel.ErrClosed: "closed"})
			})
		}, "received", "closed")
	})

	t.Run("CH4/a handle is closed, and then the channel breaks", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s, rx := channel.New[int](0)
			r.Go("send", func() {
				oneOf(r, "TrySend", s.TrySend(1), map[error]string{channel.ErrWouldBlock: "no receiver", channel.ErrClosed: "closed"})
			})
			r.Go("close", func() {
				s.Close()
				rx.Close()
			})
		}, "no receiver", "closed")
	})

	t.Run("CH4/a handle is closed, and then the channel ends", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s, rx := channel.New[int](0)
			other := rx.Clone()
			defer other.Close()
			r.Go("receive", func() {
				_, err := rx.Receive(background)
				oneOf(r, "Receive", err, map[error]string{channel.ErrClosed: "closed"})
			})
			r.Go("close", func() {
				rx.Close()
				s.Close()
			})
		}, "closed")
	})

	// From the second blocking call in the same scope on, a handle has a canceler.
	for _, test := range []struct {
		name, outcome string
		wake          func(ctx *cancel.Scope, rx *channel.Receiver[int])
	}{
		{"CH4/Close against a second waiting Receive", "closed", func(_ *cancel.Scope, rx *channel.Receiver[int]) { rx.Close() }},
		{"CH5/Cancel against a second waiting Receive", "canceled", func(ctx *cancel.Scope, _ *channel.Receiver[int]) { ctx.Cancel(nil) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				p := &pipe{r: r}
				p.s, p.rx = channel.New[int](0)
				ctx := cancel.New(background)
				r.Go("receive", func() {
					for range 2 {
						err := p.receive(func() (int, error) { return p.rx.Receive(ctx) })
						oneOf(r, "Receive", err, map[error]string{nil: "received", context.Canceled: "canceled", channel.ErrClosed: "closed"})
					}
				})
				r.Go("send", func() {
					p.send(1, func() error { return p.s.TrySend(1) })
				})
				r.Go("wake", func() { test.wake(ctx, p.rx) })
				r.Check(func() {
					p.exactlyOnce(p.rx)
					p.rx.Close()
				})
			}, "received", test.outcome)
		})
	}
}
