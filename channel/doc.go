// Package channel provides memory channels: channels with two ends, each of which
// can be cloned and closed, and whose operations can be canceled.
//
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		s, r := channel.New[string](16)
//		n.Go(func(ctx context.Context) error {
//			defer s.Close()
//			for line := range strings.Lines("to be\nor not\nto be\n") {
//				if err := s.Send(ctx, line); err != nil {
//					return err
//				}
//			}
//			return nil
//		})
//		defer r.Close()
//		for line, err := range r.All(ctx) {
//			if err != nil {
//				return err
//			}
//			fmt.Print(line)
//		}
//		return nil
//	})
//
// The loop ends when the sender is closed and all has been received. If it is left
// earlier, the receiver is closed, and Send returns [ErrBroken]; if either side fails, the
// context of both is canceled. So neither waits for the other in vain.
//
// # Concepts
//
// A channel has senders and receivers, which are handles to its two sides. When
// all senders are closed, receivers take what is in the buffer, and then see the
// end of the channel, as [io.EOF]. When all receivers are closed the channel is
// broken: senders get [ErrBroken], so that nobody goes on producing what nobody is
// going to take.
//
// An operation waits until it can be done, or its context is; one with a Try in its name
// does not wait. [Receiver.All] is for a loop, [Receiver.ReceiveBatch] for what is dealt
// with many at a time, and [Receiver.C] for a select.
//
// [New] and [Unbounded] pass each value to one receiver. A [Broadcast] passes each
// value to every subscriber, and a [Watch] the latest one only. [Generate] makes a
// channel of a function that yields values, and joins it.
//
// # Rules for users
//
//   - Give each goroutine its own handle, by Clone, and let it close that one, by
//     defer, in the goroutine itself. Then nobody has to know who is the last.
//   - Close what is not needed any more. A handle that is dropped and not closed is
//     open for ever: who waits for the other side then hangs, as a leak check in a
//     test shows. Nothing closes handles behind your back.
//   - Choose a capacity. Zero couples the two sides; a small one evens out their
//     pace; none at all ([Unbounded]) needs a reason.
//
// # Guarantees
//
// The numbers are those that tests and comments name.
//
// CH1 Each value that was sent is received exactly once, or is still in the
// buffer. A Send that returns nil has sent its value, one that returns an error has
// not and never will, also if it was canceled at that moment. A Receive that
// returns an error has taken nothing.
//
// CH2 Values that one goroutine sends by one sender arrive in order. Those who are
// blocked are served first come, first served.
//
// CH3 When the last sender is closed, receivers drain the buffer and then get
// [io.EOF], always again. When the last receiver is closed, senders that are
// blocked or come later get [ErrBroken], and what is in the buffer is dropped.
//
// CH4 Close is idempotent for each handle, does not block, and wakes those who are
// blocked on that handle with [ErrClosed]. Other clones go on. To use a closed
// handle is [ErrClosed], to clone it panics. Nothing here panics because a channel
// is closed.
//
// CH5 A context that is done when the operation begins gives the error of that,
// also if there is room or a value.
//
// CH6 With a capacity of 0, Send returns nil only when a receiver has the value.
//
// CH7 The policy of a subscriber says what happens if it is slow. A watcher never
// sees an older value after a newer one.
//
// CH8 What has been received or dropped is not kept, nor is a channel that nobody
// has a handle to. No finalizer closes anything.
//
// CH9 Generate returns when producer and consumer have returned. Leaving the
// consumer cancels the producer; a failure of the producer cancels the consumer.
//
// # Counterparts
//
//	Trio, anyio                     here
//	open_memory_channel             New
//	send, send_nowait               Sender.Send, Sender.TrySend
//	receive, receive_nowait         Receiver.Receive, Receiver.TryReceive
//	async for v in receive_channel  Receiver.All
//	clone, close                    Clone, Close
//	statistics                      Stats
//	EndOfChannel                    io.EOF
//	ClosedResourceError             ErrClosed
//	BrokenResourceError             ErrBroken
//	WouldBlock                      ErrWouldBlock
//	as_safe_channel                 Generate
//
//	asyncio, Curio                  here
//	Queue(n), put, get              New(n), Send, Receive
//	Queue()                         Unbounded
//	Queue.shutdown                  Sender.Close
//	UniversalQueue                  Receiver.C, for goroutines that select
//
//	Go's own channels               here
//	make(chan T, n)                 New
//	c <- v                          Sender.Send
//	v, ok := <-c                    Receiver.Receive, with io.EOF
//	range c                         Receiver.All
//	close(c), by the last sender    Sender.Close, by each
//	select                          Receiver.C; with default: TrySend, TryReceive
package channel
