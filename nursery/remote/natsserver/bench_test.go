package natsserver_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/nats"
	"github.com/grove-go/grove/nursery/remote/natsserver"
)

// BenchmarkCall compares calls that do nothing with the same by NATS alone: a request, and
// a queue of JetStream whose messages are acknowledged and answered. All share one process
// and its server. It reports the rates of the others as multiples of ours.
//
//	go test -run '^$' -bench Call -benchtime 3x .
func BenchmarkCall(b *testing.B) {
	for _, calls := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(calls, " at a time"), func(b *testing.B) { compare(b, calls) })
	}
}

// A contestant makes a call.
type contestant func(ctx context.Context) error

func compare(b *testing.B, calls int) {
	err := nursery.Run(b.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		defer n.Cancel(nil)
		url, err := natsserver.Start(n, natsserver.Dir(b.TempDir()))
		if err != nil {
			return err
		}
		near, far := connectB(b, url), connectB(b, url)
		if err := nats.Setup(ctx, near, nats.InMemory()); err != nil {
			return err
		}
		ours, err := oursOf(n, near, far)
		if err != nil {
			return err
		}
		request, err := requestOf(near, far)
		if err != nil {
			return err
		}
		queue, err := queueOf(ctx, n, near, far)
		if err != nil {
			return err
		}
		per := 200 * calls
		if calls > 1 {
			per = 2000
		}
		var times [3][]time.Duration
		for range max(b.N, 3) {
			for i, c := range []contestant{ours, request, queue} {
				d, err := timed(ctx, c, calls, per)
				if err != nil {
					return err
				}
				times[i] = append(times[i], d/time.Duration(per))
			}
		}
		median := func(i int) float64 { slices.Sort(times[i]); return float64(times[i][len(times[i])/2]) }
		b.ReportMetric(median(0), "ns/call")
		b.ReportMetric(median(0)/median(1), "x-request")
		b.ReportMetric(median(0)/median(2), "x-queue")
		b.ReportMetric(0, "ns/op")
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// timed returns how long n calls take, some at a time.
func timed(ctx context.Context, c contestant, calls, n int) (time.Duration, error) {
	begun := time.Now()
	err := nursery.For(ctx, n, func(ctx context.Context, _ int) error { return c(ctx) }, nursery.Limit(calls))
	return time.Since(begun), err
}

func connectB(b *testing.B, url string) *natsgo.Conn {
	conn, err := nats.Connect(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	return conn
}

func oursOf(n *nursery.Nursery, near, far *natsgo.Conn) (contestant, error) {
	e, err := nats.New(far)
	if err != nil {
		return nil, err
	}
	w := remote.NewWorker(e, remote.Slots(256))
	upper.Handle(w, func(_ context.Context, s string) (string, error) { return s, nil })
	n.Go(w.Run)
	if e, err = nats.New(near); err != nil {
		return nil, err
	}
	c, err := remote.NewClient(n, e)
	return func(ctx context.Context) error { _, err := upper.Call(ctx, c, "x"); return err }, err
}

func requestOf(near, far *natsgo.Conn) (contestant, error) {
	_, err := far.Subscribe("bench.request", func(m *natsgo.Msg) { _ = m.Respond(m.Data) })
	return func(ctx context.Context) error {
		_, err := near.RequestWithContext(ctx, "bench.request", []byte(`"x"`))
		return err
	}, err
}

// queueOf returns calls by a queue of JetStream alone: each message is fetched, acknowledged
// and answered.
func queueOf(ctx context.Context, n *nursery.Nursery, near, far *natsgo.Conn) (contestant, error) {
	js, err := jetstream.New(near)
	if err != nil {
		return nil, err
	}
	s, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "BENCH", Subjects: []string{"bench.q"}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.MemoryStorage})
	if err != nil {
		return nil, err
	}
	if _, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "bench", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1}); err != nil {
		return nil, err
	}
	farJS, err := jetstream.New(far)
	if err != nil {
		return nil, err
	}
	consumer, err := farJS.Consumer(ctx, "BENCH", "bench")
	if err != nil {
		return nil, err
	}
	n.Go(func(ctx context.Context) error {
		for ctx.Err() == nil {
			batch, err := consumer.FetchNoWait(64)
			if err != nil {
				return nil
			}
			any := false
			for m := range batch.Messages() {
				any = true
				_ = m.Ack()
				_ = far.Publish(m.Headers().Get("To"), m.Data())
			}
			if any {
				continue
			}
			if batch, err = consumer.Fetch(1, jetstream.FetchMaxWait(time.Second)); err != nil {
				return nil
			}
			for m := range batch.Messages() {
				_ = m.Ack()
				_ = far.Publish(m.Headers().Get("To"), m.Data())
			}
		}
		return nil
	})
	inbox := near.NewRespInbox()
	var mu sync.Mutex
	waiting := make(map[string]chan struct{})
	if _, err := near.Subscribe(inbox+".*", func(m *natsgo.Msg) {
		mu.Lock()
		c := waiting[m.Subject]
		delete(waiting, m.Subject)
		mu.Unlock()
		if c != nil {
			close(c)
		}
	}); err != nil {
		return nil, err
	}
	i := 0
	return func(ctx context.Context) error {
		mu.Lock()
		i++
		to := fmt.Sprint(inbox, ".", i)
		c := make(chan struct{})
		waiting[to] = c
		mu.Unlock()
		if _, err := js.PublishMsg(ctx, &natsgo.Msg{Subject: "bench.q", Header: natsgo.Header{"To": {to}}, Data: []byte(`"x"`)}); err != nil {
			return err
		}
		select {
		case <-c:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}
