// Package remotetest has an engine in memory, for tests of code that uses package remote. It
// loses, repeats and delays messages, parts hosts, and forgets its queues, as a test wants.
//
//	net := remotetest.New(remotetest.Faults{})
//	worker := remote.NewWorker(net.Host("worker"))
//
// Everything happens in the time of the bubble that the test runs in, and on the choices of
// a seed.
package remotetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery/remote"
)

// Faults says what a [Net] does to messages. The zero value does nothing to them.
type Faults struct {
	Seed   uint64        // of the choices
	Lose   float64       // the share of messages that do not arrive, from 0 to 1
	Repeat float64       // the share of messages that arrive twice
	Delay  time.Duration // messages take from 0 to this long
	Hold   time.Duration // after this, an unacknowledged message is delivered again; 0: 10 s
}

// A Net is a network with a server that has queues. Its methods may be called by several
// goroutines at the same time.
type Net struct {
	faults Faults

	mu        sync.Mutex
	rand      *rand.Rand
	listeners map[string]map[*listener]struct{}
	queues    map[string]*queue
	cut       map[[2]string]bool // from, to
	dead      map[string]bool
	hook      func(Message) (drop bool, delay time.Duration)
}

// A Message is a message that a host sends.
type Message struct {
	From string // a host
	To   string // an address, or a queue
	Kind string // "enqueue", "deliver", "ack", "nak", "request", "answer" or "publish"
	Data []byte
}

// New returns a network. It panics if a share is not from 0 to 1, if the two together are
// more than 1, or if a time is negative.
func New(f Faults) *Net {
	switch {
	case !(f.Lose >= 0 && f.Repeat >= 0 && f.Lose+f.Repeat <= 1):
		panic(fmt.Sprintf("remotetest: New: want shares from 0 to 1 together, got %v and %v", f.Lose, f.Repeat))
	case f.Delay < 0 || f.Hold < 0:
		panic(fmt.Sprintf("remotetest: New: want no negative time, got %v and %v", f.Delay, f.Hold))
	}
	if f.Hold == 0 {
		f.Hold = 10 * time.Second
	}
	return &Net{
		faults:    f,
		rand:      rand.New(rand.NewPCG(f.Seed, 1)),
		listeners: make(map[string]map[*listener]struct{}),
		queues:    make(map[string]*queue),
		cut:       make(map[[2]string]bool),
		dead:      make(map[string]bool),
	}
}

// Host returns the engine of a host. All engines of a host fail together.
func (n *Net) Host(name string) remote.Engine { return &host{n, name} }

// Part cuts all that a host sends and gets, until [Net.Heal].
func (n *Net) Part(host string) {
	n.CutFrom(host)
	n.CutTo(host)
}

// CutFrom cuts what a host sends.
func (n *Net) CutFrom(host string) { n.set(n.cut, [2]string{host, "*"}) }

// CutTo cuts what a host gets.
func (n *Net) CutTo(host string) { n.set(n.cut, [2]string{"*", host}) }

func (n *Net) set(m map[[2]string]bool, k [2]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m[k] = true
}

// Heal ends all cuts.
func (n *Net) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cut)
}

// Kill ends a host for good, as kill -9 does: nothing that it sends arrives, nothing
// reaches it, and its listeners are gone. Its goroutines go on, and the test ends them.
func (n *Net) Kill(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead[host] = true
	for _, l := range n.listeners {
		for x := range l {
			if x.host == host {
				delete(l, x)
			}
		}
	}
}

// Forget loses the messages of all queues.
func (n *Net) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, q := range n.queues {
		q.forget()
	}
}

// Len returns the number of messages in a queue that have not been acknowledged.
func (n *Net) Len(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.queueLocked(name).size()
}

// Intercept makes f decide on each message, beside the faults: whether to drop it, and how
// much longer it takes. It replaces the function of an earlier call.
func (n *Net) Intercept(f func(Message) (drop bool, delay time.Duration)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = f
}

// send calls arrive after the delay of a message, once, twice, or not at all.
func (n *Net) send(m Message, to string, arrive func()) {
	for _, d := range n.decide(m, to) {
		if d == 0 {
			arrive()
			continue
		}
		time.AfterFunc(d, func() {
			if !n.parted(m.From, to) {
				arrive()
			}
		})
	}
}

// decide returns the delay of each time that a message arrives.
func (n *Net) decide(m Message, to string) (delays []time.Duration) {
	n.mu.Lock()
	hook := n.hook
	if n.partedLocked(m.From, to) {
		n.mu.Unlock()
		return nil
	}
	times := 1
	switch r := n.rand.Float64(); {
	case r < n.faults.Lose:
		times = 0
	case r < n.faults.Lose+n.faults.Repeat:
		times = 2
	}
	for range times {
		delays = append(delays, n.delayLocked())
	}
	n.mu.Unlock()
	if hook == nil {
		return delays
	}
	drop, more := hook(m)
	if drop {
		return nil
	}
	for i := range delays {
		delays[i] += more
	}
	return delays
}

func (n *Net) parted(from, to string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.partedLocked(from, to)
}

func (n *Net) delayLocked() time.Duration {
	if n.faults.Delay == 0 {
		return 0
	}
	return time.Duration(n.rand.Int64N(int64(n.faults.Delay) + 1))
}

func (n *Net) partedLocked(from, to string) bool {
	return n.dead[from] || n.dead[to] || n.cut[[2]string{from, "*"}] || n.cut[[2]string{"*", to}]
}

// A host is an engine.
type host struct {
	net  *Net
	name string
}

// server is the name of the host that has the queues.
const server = ""

// Enqueue implements [remote.Engine].
func (h *host) Enqueue(ctx context.Context, name, id string, ttl time.Duration, msg []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	acked := make(chan struct{}, 2)
	msg = append([]byte(nil), msg...)
	h.net.send(Message{h.name, name, "enqueue", msg}, server, func() {
		h.net.mu.Lock()
		h.net.queueLocked(name).add(id, ttl, msg)
		h.net.mu.Unlock()
		h.net.send(Message{server, name, "answer", nil}, h.name, func() {
			select {
			case acked <- struct{}{}:
			default:
			}
		})
	})
	select {
	case <-acked:
		return id, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Queued implements [remote.Engine].
func (h *host) Queued(ctx context.Context, name, receipt string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	answer := make(chan bool, 2)
	h.net.send(Message{h.name, name, "request", []byte(receipt)}, server, func() {
		h.net.mu.Lock()
		there := h.net.queueLocked(name).has(receipt)
		h.net.mu.Unlock()
		h.net.send(Message{server, name, "answer", nil}, h.name, func() {
			select {
			case answer <- there:
			default:
			}
		})
	})
	select {
	case there := <-answer:
		return there, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// Request implements [remote.Engine].
func (h *host) Request(ctx context.Context, addr string, msg []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	answer := make(chan []byte, 2)
	nobody := make(chan struct{}, 2)
	msg = append([]byte(nil), msg...)
	h.net.route(h.name, addr, "request", msg, func(from string, a []byte) {
		a = append([]byte(nil), a...)
		h.net.send(Message{from, addr, "answer", a}, h.name, func() {
			select {
			case answer <- a:
			default:
			}
		})
	}, func() {
		select {
		case nobody <- struct{}{}:
		default:
		}
	})
	select {
	case a := <-answer:
		return a, nil
	case <-nobody:
		return nil, remote.ErrNobody
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Publish implements [remote.Engine].
func (h *host) Publish(addr string, msg []byte) error {
	h.net.route(h.name, addr, "publish", append([]byte(nil), msg...), nil, func() {})
	return nil
}

// route sends a message to the listeners of an address.
func (n *Net) route(from, addr, kind string, msg []byte, reply func(from string, answer []byte), nobody func()) {
	n.send(Message{from, addr, kind, msg}, server, func() {
		n.mu.Lock()
		var to []*listener
		for l := range n.listeners[addr] {
			to = append(to, l)
		}
		n.mu.Unlock()
		if len(to) == 0 {
			n.send(Message{server, addr, "answer", nil}, from, nobody)
			return
		}
		for _, l := range to {
			if !n.parted(from, l.host) {
				l.put(mail{msg, reply})
			}
		}
	})
}

// A listener calls a function for the messages to an address.
type listener struct {
	host string
	in   *channel.Sender[mail]
}

type mail struct {
	msg   []byte
	reply func(from string, answer []byte)
}

func (l *listener) put(m mail) { _ = l.in.TrySend(m) } // broken when it has stopped

// Listen implements [remote.Engine].
func (h *host) Listen(addr string, fn func(msg []byte, reply func([]byte))) (stop func(), err error) {
	in, out := channel.Unbounded[mail]()
	l := &listener{h.name, in}
	n := h.net
	n.mu.Lock()
	if n.listeners[addr] == nil {
		n.listeners[addr] = make(map[*listener]struct{})
	}
	n.listeners[addr][l] = struct{}{}
	n.mu.Unlock()
	var joined sync.WaitGroup
	joined.Go(func() {
		for m, err := range out.All(context.Background()) {
			if err != nil {
				return
			}
			fn(m.msg, func(answer []byte) {
				if m.reply != nil {
					m.reply(h.name, answer)
				}
			})
		}
	})
	return func() {
		n.mu.Lock()
		delete(n.listeners[addr], l)
		n.mu.Unlock()
		out.Close()
		in.Close()
		joined.Wait()
	}, nil
}
