// Package natsserver runs a NATS server within a program, for programs that have no other:
// on one machine, in examples and in tests.
//
//	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//		url, err := natsserver.Start(n)
//		if err != nil {
//			return err
//		}
//		conn, err := nats.Connect(url)
//		if err != nil {
//			return err
//		}
//		defer conn.Close()
//		// Clients and workers have a nursery of their own, which ends before the server does.
//		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//
// The server listens on the loopback interface, and takes only clients that have its token,
// which is random and part of the URL.
package natsserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// An Option is an option of [Start].
type Option func(*server.Options)

// Dir is the folder for queues in files. The default is a temporary folder, which is removed
// in the end.
func Dir(path string) Option { return func(o *server.Options) { o.StoreDir = path } }

// Port is the port to listen on. The default is a free one. Port panics unless n is from 1 to
// 65535.
func Port(n int) Option {
	if n < 1 || n > 65535 {
		panic(fmt.Sprintf("natsserver: Port: want 1 to 65535, got %d", n))
	}
	return func(o *server.Options) { o.Port = n }
}

// Token is the token of the clients. The default is random. Token panics if t is empty.
func Token(t string) Option {
	if t == "" {
		panic("natsserver: Token: empty token")
	}
	return func(o *server.Options) { o.Authorization = t }
}

// Start starts a server, which ends with the nursery: when n is canceled, or when all else
// in n has returned. It returns the URL of the server when that can be used. Start panics if n
// or an option is nil.
func Start(n *nursery.Nursery, opts ...Option) (string, error) {
	if n == nil {
		panic("natsserver: Start: nil nursery")
	}
	o := &server.Options{
		ServerName:    "grove-" + rand.Text()[:8],
		Host:          "127.0.0.1",
		Port:          server.RANDOM_PORT,
		Authorization: rand.Text(),
		JetStream:     true,
		NoSigs:        true,
		NoLog:         true,
		MaxPayload:    1 << 20,
	}
	for _, opt := range opts {
		if opt == nil {
			panic("natsserver: Start: nil option")
		}
		opt(o)
	}
	remove := func() error { return nil }
	if o.StoreDir == "" {
		dir, err := os.MkdirTemp("", "grove-nats-")
		if err != nil {
			return "", err
		}
		o.StoreDir, remove = dir, func() error { return os.RemoveAll(dir) }
	}
	s, err := server.NewServer(o)
	if err != nil {
		return "", errors.Join(fmt.Errorf("natsserver: Start: %w", err), remove())
	}
	s.Start()
	end := func() error {
		s.Shutdown()
		s.WaitForShutdown()
		return remove()
	}
	if !s.ReadyForConnections(10 * time.Second) {
		return "", errors.Join(errors.New("natsserver: Start: the server is not ready after 10s"), end())
	}
	n.Go(func(ctx context.Context) error {
		<-ctx.Done()
		return errors.Join(cancel.Err(ctx), end())
	}, nursery.Daemon(), nursery.Name("nats server"))
	u := url.URL{Scheme: "nats", User: url.User(o.Authorization), Host: s.Addr().String()}
	return u.String(), nil
}
