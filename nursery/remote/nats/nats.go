// Package nats is the engine of package remote for NATS JetStream.
//
//	conn, err := nats.Connect("nats://localhost:4222")
//	if err != nil {
//		return err
//	}
//	defer conn.Close() // when the nursery of the clients and workers has ended, and not in its body
//	if err := nats.Setup(ctx, conn); err != nil { // once, for example when a program is installed
//		return err
//	}
//	engine, err := nats.New(conn)
//	if err != nil {
//		return err
//	}
//	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		client, err := remote.NewClient(n, engine)
//
// A stream of JetStream holds the queues, with a durable consumer for each. Claims, beats,
// orders and results are messages of core NATS. The rules of package remote hold whatever
// the servers lose, so a stream in memory is enough where the queues are short.
package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/grove-go/grove/nursery/remote"
)

// Connect connects to a server as package remote needs it: the connection is made anew for
// ever, notices within seconds that a server is gone, and keeps no message for later, because
// a late message is worse than an error. The options come after these and may change them.
// The caller closes the connection.
func Connect(url string, opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(url, append([]nats.Option{
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.PingInterval(3 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(-1),
	}, opts...)...)
}

// settings are what the options say.
type settings struct {
	prefix   string
	storage  jetstream.StorageType
	replicas int
	maxBytes int64
}

// An Option is an option of [Setup] and [New].
type Option func(*settings)

// Prefix is the beginning of all subjects, and of the name of the stream. Programs with
// different prefixes do not see each other. The default is "grove". Prefix panics if p is
// empty or has other characters than letters, digits, dashes and underscores.
func Prefix(p string) Option {
	if p == "" || strings.ContainsFunc(p, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}) {
		panic(fmt.Sprintf("nats: Prefix: want letters, digits, dashes and underscores, got %q", p))
	}
	return func(s *settings) { s.prefix = p }
}

// InMemory makes [Setup] keep the queues in the memory of the servers. The default is in
// files.
func InMemory() Option { return func(s *settings) { s.storage = jetstream.MemoryStorage } }

// Replicas is the number of servers of a cluster that hold the queues, as [Setup] makes
// them. The default is 1. Replicas panics if n is not 1, 3 or 5.
func Replicas(n int) Option {
	if n != 1 && n != 3 && n != 5 {
		panic(fmt.Sprintf("nats: Replicas: want 1, 3 or 5, got %d", n))
	}
	return func(s *settings) { s.replicas = n }
}

// MaxBytes limits the size of all queues together, as [Setup] makes them. When they are
// full, calls wait. The default is 1 GiB. MaxBytes panics unless n is positive.
func MaxBytes(n int64) Option {
	if n <= 0 {
		panic(fmt.Sprintf("nats: MaxBytes: want more than 0, got %d", n))
	}
	return func(s *settings) { s.maxBytes = n }
}

func (s settings) with(fn string, opts []Option) settings {
	for _, o := range opts {
		if o == nil {
			panic("nats: " + fn + ": nil option")
		}
		o(&s)
	}
	return s
}

var defaults = settings{prefix: "grove", replicas: 1, maxBytes: 1 << 30}

func (s settings) stream() string              { return "GROVE_" + s.prefix }
func (s settings) subject(queue string) string { return s.prefix + ".q." + queue }

// Setup makes the stream of the queues, or changes it to what the options say. It needs the
// permission to do so, which clients and workers do not. It gives up when ctx is done, and
// panics if conn or an option is nil.
func Setup(ctx context.Context, conn *nats.Conn, opts ...Option) error {
	if conn == nil {
		panic("nats: Setup: nil connection")
	}
	s := defaults.with("Setup", opts)
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name:        s.stream(),
			Description: "tasks of github.com/grove-go/grove/nursery/remote",
			Subjects:    []string{s.prefix + ".q.>"},
			Retention:   jetstream.WorkQueuePolicy,
			Storage:     s.storage,
			Replicas:    s.replicas,
			MaxBytes:    s.maxBytes,
			Discard:     jetstream.DiscardNew,
			Duplicates:  2 * time.Minute,
			AllowMsgTTL: true,
		})
	}
	if err != nil {
		return fmt.Errorf("nats: Setup: %w", err)
	}
	return nil
}

// An engine implements [remote.Engine].
type engine struct {
	settings
	conn *nats.Conn
	js   jetstream.JetStream

	mu     sync.Mutex
	stream jetstream.Stream // nil until it was needed
}

// New returns an engine that uses a connection, which the caller closes when all clients and
// workers have ended. The prefix must be the one of [Setup], and the other options have no
// effect. New does not wait for the server. It panics if conn or an option is nil.
func New(conn *nats.Conn, opts ...Option) (remote.Engine, error) {
	if conn == nil {
		panic("nats: New: nil connection")
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("nats: New: %w", err)
	}
	return &engine{settings: defaults.with("New", opts), conn: conn, js: js}, nil
}

// Enqueue implements [remote.Engine]. The receipt is the number of the message in the
// stream, with its id.
func (e *engine) Enqueue(ctx context.Context, queue, id string, ttl time.Duration, msg []byte) (string, error) {
	opts := []jetstream.PublishOpt{jetstream.WithMsgID(id), jetstream.WithExpectStream(e.settings.stream())}
	if ttl > 0 {
		// The server counts in seconds.
		opts = append(opts, jetstream.WithMsgTTL((ttl + time.Second - 1).Truncate(time.Second)))
	}
	ack, err := e.js.Publish(ctx, e.subject(queue), msg, opts...)
	if err != nil {
		if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == errCodeFull {
			return "", fmt.Errorf("%w: %w", remote.ErrBusy, err)
		}
		return "", err
	}
	return strconv.FormatUint(ack.Sequence, 10) + " " + id, nil
}

// errCodeFull is the code of the server for a stream that is full.
const errCodeFull = 10077

// Queued implements [remote.Engine]. A message of a stream of this kind is there until it
// is acknowledged.
func (e *engine) Queued(ctx context.Context, _, receipt string) (bool, error) {
	number, id, _ := strings.Cut(receipt, " ")
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return false, nil // never acknowledged by the server
	}
	stream, err := e.open(ctx)
	if err != nil {
		return false, err
	}
	msg, err := stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	// Another id means that the stream was lost and made again.
	return err == nil && msg.Header.Get(jetstream.MsgIDHeader) == id, err
}

// open returns the stream.
func (e *engine) open(ctx context.Context) (jetstream.Stream, error) {
	e.mu.Lock()
	s := e.stream
	e.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := e.js.Stream(ctx, e.settings.stream())
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stream = s
	return s, nil
}

// subjectOf returns the subject of an address.
func (e *engine) subjectOf(addr string) string { return e.prefix + "." + addr }

// Request implements [remote.Engine].
func (e *engine) Request(ctx context.Context, addr string, msg []byte) ([]byte, error) {
	answer, err := e.conn.RequestWithContext(ctx, e.subjectOf(addr), msg)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, fmt.Errorf("%w: %s", remote.ErrNobody, addr)
	}
	if err != nil {
		return nil, err
	}
	return answer.Data, nil
}

// Publish implements [remote.Engine].
func (e *engine) Publish(addr string, msg []byte) error {
	return e.conn.Publish(e.subjectOf(addr), msg)
}

// Listen implements [remote.Engine].
func (e *engine) Listen(addr string, fn func(msg []byte, reply func([]byte))) (stop func(), err error) {
	sub, err := e.conn.SubscribeSync(e.subjectOf(addr))
	if err != nil {
		return nil, err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, errors.Join(err, sub.Unsubscribe())
	}
	ctx, end := context.WithCancel(context.Background())
	var joined sync.WaitGroup
	joined.Go(func() {
		for {
			msg, err := sub.NextMsgWithContext(ctx)
			if ctx.Err() != nil || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription) {
				return
			}
			if err != nil {
				continue // such as a slow consumer: what is lost comes again
			}
			fn(msg.Data, func(answer []byte) {
				if msg.Reply != "" {
					_ = msg.Respond(answer) // what is lost is asked for again
				}
			})
		}
	})
	return func() {
		end()
		_ = sub.Unsubscribe() // fails if the connection is closed
		joined.Wait()
	}, nil
}

// maxHold is how long a message may be with a worker that has neither acknowledged nor
// returned it. If that takes longer, another worker gets the message as well, and the caller
// denies it the task.
const maxHold = 3 * time.Second

// maxWait is how long a source waits at the server. A request to it cannot be taken back.
const maxWait = time.Second

// Pull implements [remote.Engine].
func (e *engine) Pull(queue string) (remote.Source, error) {
	s := &source{engine: e, queue: queue}
	ctx, stop := context.WithTimeout(context.Background(), maxHold)
	defer stop()
	if err := s.open(ctx); err != nil {
		return nil, fmt.Errorf("nats: queue %q: %w", queue, err)
	}
	return s, nil
}

type source struct {
	engine   *engine
	queue    string
	consumer jetstream.Consumer // nil after an error: the servers may have lost it
}

// open makes the consumer of the queue, or finds it.
func (s *source) open(ctx context.Context) (err error) {
	s.consumer, err = s.engine.js.CreateOrUpdateConsumer(ctx, s.engine.settings.stream(), jetstream.ConsumerConfig{
		Durable:       "q_" + strings.NewReplacer("_", "__", ".", "_d").Replace(s.queue), // two queues never share one
		FilterSubject: s.engine.subject(s.queue),
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       maxHold,
		MaxDeliver:    -1,
		MaxAckPending: -1, // the slots of the workers are the limit
	})
	return err
}

// Next implements [remote.Source]. It takes what is there, and waits for one message if
// nothing is.
func (s *source) Next(ctx context.Context, most int, fn func(remote.Delivery)) error {
	if s.consumer == nil {
		ctx, stop := context.WithTimeout(ctx, maxHold)
		defer stop()
		if err := s.open(ctx); err != nil {
			return err
		}
	}
	n, err := each(s.consumer.FetchNoWait(most))(fn)
	if n == 0 && err == nil {
		_, err = each(s.consumer.Fetch(1, jetstream.FetchMaxWait(maxWait)))(fn)
	}
	if err != nil {
		s.consumer = nil
	}
	return err
}

// each returns a function that calls fn for the messages of a batch.
func each(batch jetstream.MessageBatch, err error) func(fn func(remote.Delivery)) (n int, err error) {
	return func(fn func(remote.Delivery)) (int, error) {
		if err != nil {
			return 0, err
		}
		n := 0
		for msg := range batch.Messages() {
			n++
			fn(delivery{msg})
		}
		if n > 0 || errors.Is(batch.Error(), nats.ErrTimeout) {
			return n, nil
		}
		return 0, batch.Error()
	}
}

type delivery struct{ msg jetstream.Msg }

// Data implements [remote.Delivery].
func (d delivery) Data() []byte { return d.msg.Data() }

// Times implements [remote.Delivery].
func (d delivery) Times() int {
	if m, err := d.msg.Metadata(); err == nil {
		return int(m.NumDelivered)
	}
	return 1
}

// Ack implements [remote.Delivery].
func (d delivery) Ack() error { return d.msg.Ack() }

// Nak implements [remote.Delivery].
func (d delivery) Nak(delay time.Duration) error { return d.msg.NakWithDelay(delay) }
