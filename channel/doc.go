// Package channel provides memory channels. A memory channel has two ends. Each end can be
// cloned and closed, and operations on it can be canceled.
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
// The loop ends when the sender is closed and all values have been received. If the loop
// is left earlier, the receiver is closed, and Send returns [ErrBroken]. If either side
// fails, the context of both is canceled. Neither side therefore waits for the other in
// vain. If a consumer may leave early, its producer should return nil in place of ErrBroken,
// because an ErrBroken that a task returns is a failure.
//
// # Concepts
//
// A channel has senders and receivers, which are handles to its two sides. When
// all senders are closed, receivers take the values in the buffer, and then get
// [io.EOF], the end of the channel. When all receivers are closed, the channel is
// broken: senders get [ErrBroken], and stop producing values in vain.
//
// An operation waits until it is possible or its context is done. Methods with Try in
// their name do not wait. [Receiver.All] is for a loop, [Receiver.ReceiveBatch] for
// handling many values at a time, and [Receiver.Ready] for a select.
// [Receiver.Refuse] ends the channel from the receiving side, and loses nothing.
//
// [New] and [Unbounded] pass each value to one receiver. A [Broadcast] passes each
// value to every subscriber, and a [Watch] passes the latest value only. [Generate] runs a
// function that yields values into a channel, and waits for it.
//
// # Rules for users
//
//   - Give each goroutine its own handle. Call Clone before you start the goroutine, and
//     let the goroutine close the clone by defer. Then no goroutine needs to know which is
//     the last. Clone panics if the handle is closed.
//   - Close handles. A handle that is dropped without Close stays open, and the
//     other side waits in vain. No finalizer closes it.
//   - Choose a capacity. A capacity of 0 couples the two sides. A small capacity evens
//     out their pace. Have a reason for a channel without a bound ([Unbounded]).
//
// # Guarantees
//
// Tests and comments refer to these numbers.
//
// CH1 Each value that was sent is received exactly once, or is in the buffer. If Send
// returns nil, it has sent its value. If Send returns an error, it has not sent its value
// and never will. If Receive returns an error, it has taken no value.
//
// CH2 Values that one goroutine sends by one sender arrive in order. Blocked calls are
// served first come, first served.
//
// CH3 When the last sender is closed, receivers drain the buffer and then get
// [io.EOF] from every call. When the last receiver is closed, senders get [ErrBroken],
// including blocked senders, and the values in the buffer are dropped. After Refuse senders
// get ErrBroken as well, but nothing is dropped.
//
// CH4 Close is idempotent for each handle, does not block, and wakes the calls that
// are blocked on that handle with [ErrClosed]. Other handles are not affected. An
// operation on a closed handle returns ErrClosed, and Clone panics. Nothing else in
// this package panics because a channel is closed.
//
// CH5 If the context is done when an operation begins, or becomes done while it waits, the
// operation returns the error of the context, even if there is room or a value. A call is
// not served after its context was canceled.
//
// CH6 With a capacity of 0, Send returns nil only when a receiver has the value.
//
// CH7 The policy of a subscriber says what happens if it is slow. A watcher never
// sees an older value after a newer one.
//
// CH8 A channel keeps no reference to a value that was received or dropped. A channel
// without handles is garbage.
//
// CH9 Generate returns when producer and consumer have returned. When the consumer
// returns, the producer is canceled. A failure of the producer cancels the consumer.
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
//	UniversalQueue                  Receiver.Ready, for goroutines that select
//
//	native channels                 here
//	make(chan T, n)                 New
//	c <- v                          Sender.Send
//	v, ok := <-c                    Receiver.Receive, with io.EOF
//	range c                         Receiver.All
//	close(c), by the last sender    Sender.Close, by each
//	select                          Receiver.Ready; with default: TrySend, TryReceive
package channel
