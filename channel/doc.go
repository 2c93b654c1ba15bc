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
// The loop ends when the sender is closed and all has been received. If it is left
// earlier, the receiver is closed, and Send returns [ErrBroken]; if either side fails, the
// context of both is canceled. So neither waits for the other in vain.
// An [ErrBroken] that a task returns is a failure, even beside the error that ended the
// loop. A producer that the consumer may leave early returns nil instead.
//
// # Concepts
//
// A channel has senders and receivers, which are handles to its two sides. When
// all senders are closed, receivers take what is in the buffer, and then get
// [io.EOF], the end of the channel. When all receivers are closed the channel is
// broken: senders get [ErrBroken], so that no goroutine goes on to produce values in
// vain.
//
// An operation waits until it is possible or its context is done. One with Try in
// its name does not wait. [Receiver.All] is for a loop, [Receiver.ReceiveBatch] for
// values that are handled many at a time, and [Receiver.Ready] for a select.
// [Receiver.Refuse] ends the channel from the receiving side, and loses nothing.
//
// [New] and [Unbounded] pass each value to one receiver. A [Broadcast] passes each
// value to every subscriber, and a [Watch] the latest one only. [Generate] makes a
// channel of a function that yields values, and joins its goroutine.
//
// # Rules for users
//
//   - Give each goroutine its own handle: call Clone before you start the goroutine, and
//     let the goroutine close the clone by defer. Then no goroutine has to know which is
//     the last. Clone panics once the handle is closed.
//   - Close handles. A handle that is dropped without Close stays open, and the
//     other side waits in vain. No finalizer closes it.
//   - Choose a capacity. A capacity of 0 couples the two sides. A small one evens
//     out their pace. None at all ([Unbounded]) needs a reason.
//
// # Guarantees
//
// Tests and comments refer to these numbers.
//
// CH1 Each value that was sent is received exactly once, or is in the buffer. A
// Send that returns nil has sent its value. A Send that returns an error has not
// sent its value and is not going to. A Receive that returns an error has taken no
// value.
//
// CH2 Values that one goroutine sends by one sender arrive in order. Calls that are
// blocked are served first come, first served.
//
// CH3 When the last sender is closed, receivers drain the buffer and then get
// [io.EOF], each time. When the last receiver is closed, senders get [ErrBroken],
// blocked ones too, and what is in the buffer is dropped. After Refuse senders get
// ErrBroken as well, but nothing is dropped.
//
// CH4 Close is idempotent for each handle, does not block, and wakes the calls that
// are blocked on that handle with [ErrClosed]. Other handles are not affected. An
// operation on a closed handle returns ErrClosed, and Clone panics. Nothing else in
// this package panics because a channel is closed.
//
// CH5 A context that is done when an operation begins, or while it waits, comes
// first: the operation returns the error of the context, even if there is room or a
// value. A call is not served after its context was canceled.
//
// CH6 With a capacity of 0, Send returns nil only when a receiver has the value.
//
// CH7 The policy of a subscriber says what happens if it is slow. A watcher never
// sees an older value after a newer one.
//
// CH8 A channel keeps no value that was received or dropped, and nothing keeps a
// channel without handles.
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
//	Go's own channels               here
//	make(chan T, n)                 New
//	c <- v                          Sender.Send
//	v, ok := <-c                    Receiver.Receive, with io.EOF
//	range c                         Receiver.All
//	close(c), by the last sender    Sender.Close, by each
//	select                          Receiver.Ready; with default: TrySend, TryReceive
package channel
