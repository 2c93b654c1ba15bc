package recipes

import (
	"context"
	"errors"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// A Transport delivers mail.
type Transport interface {
	Connect(ctx context.Context) error
	Deliver(ctx context.Context, mail string) error
}

// A Mailer is a component: it delivers mail in the background while Run runs.
type Mailer struct {
	transport Transport
	in        *channel.Sender[string]
	out       *channel.Receiver[string]
}

// NewMailer returns a mailer that has yet to be run.
func NewMailer(t Transport) *Mailer {
	in, out := channel.New[string](100)
	return &Mailer{t, in, out}
}

// Send queues a mail. After a stop it returns [channel.ErrBroken].
func (m *Mailer) Send(ctx context.Context, mail string) error { return m.in.Send(ctx, mail) }

// Run connects, calls started, and delivers mail until it is asked to stop. It then
// delivers what is queued and returns.
func (m *Mailer) Run(ctx context.Context, started func(*Mailer)) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		if err := m.transport.Connect(ctx); err != nil {
			return err
		}
		n.Go(func(ctx context.Context) error {
			<-cancel.UntilStop(ctx).Done()
			m.out.Refuse()
			return nil
		}, nursery.Name("stop"))
		started(m)
		return nursery.EachFrom(ctx, m.out.All, m.transport.Deliver, nursery.Limit(4))
	}, nursery.Name("mailer"))
}

// Report starts a mailer, sends reports with it, and stops it.
func Report(ctx context.Context, t Transport, reports []string) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		mailer, err := nursery.Start(ctx, n, NewMailer(t).Run)
		if err != nil {
			return err
		}
		for _, report := range reports {
			if err := mailer.Send(ctx, report); err != nil {
				return err
			}
		}
		n.Scope().Stop()
		return nil
	})
}

// A StartStopper is a component of a library that has Start and Stop.
type StartStopper interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Task returns a task for [nursery.Start] that runs a component. It calls Stop when the
// task is asked to stop or canceled, with a context that lasts for the grace.
func Task[C StartStopper](c C, grace time.Duration) func(ctx context.Context, started func(C)) error {
	return func(ctx context.Context, started func(C)) error {
		if err := c.Start(ctx); err != nil {
			return err
		}
		started(c)
		<-cancel.UntilStop(ctx).Done()
		if err := cancel.Shield(ctx, grace, c.Stop); err != nil {
			return err
		}
		return cancel.Err(ctx)
	}
}

// A Service has Start and Stop, for a framework that requires them, and runs a task in
// between.
type Service[T any] struct {
	Run  func(ctx context.Context, started func(T)) error
	n    *nursery.Nursery
	done chan error
}

// Start starts the task and returns when it is ready, or has failed.
func (s *Service[T]) Start(ctx context.Context) error {
	opened := make(chan *nursery.Nursery)
	s.done = make(chan error, 1)
	go func() {
		s.done <- nursery.Run(context.WithoutCancel(ctx), func(ctx context.Context, n *nursery.Nursery) error {
			opened <- n
			<-cancel.UntilStop(ctx).Done()
			return nil
		})
	}()
	s.n = <-opened
	_, err := nursery.Start(ctx, s.n, s.Run)
	if err != nil {
		s.n.Cancel(err)
		<-s.done // nil: nothing else runs in the nursery
	}
	return err
}

// Stop asks the task to stop and waits for it. When ctx is done, it cancels the task.
func (s *Service[T]) Stop(ctx context.Context) error {
	s.n.Scope().Stop()
	select {
	case err := <-s.done:
		return err
	case <-ctx.Done():
		s.n.Cancel(context.Cause(ctx))
		return errors.Join(cancel.Err(ctx), <-s.done)
	}
}
