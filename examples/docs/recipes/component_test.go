package recipes_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A transport takes a second to connect, and a second for each mail.
type transport struct {
	connect, deliver error

	mu        sync.Mutex // protects the field below
	delivered []string
}

func (t *transport) Connect(ctx context.Context) error {
	if err := cancel.Sleep(ctx, time.Second); err != nil {
		return err
	}
	return t.connect
}

func (t *transport) Deliver(ctx context.Context, mail string) error {
	if err := cancel.Sleep(ctx, time.Second); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.delivered = append(t.delivered, mail)
	return t.deliver
}

var mails = []string{"a", "b", "c", "d", "e"}

func (t *transport) mustHaveDelivered(tt *testing.T, want []string) {
	tt.Helper()
	if got := slices.Sorted(slices.Values(t.delivered)); !slices.Equal(got, want) {
		tt.Errorf("delivered %q, want %q", got, want)
	}
}

func TestReport(t *testing.T) {
	t.Run("a stop delivers what is queued", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			var tr transport
			start := time.Now()
			if err := recipes.Report(ctx, &tr, mails); err != nil {
				t.Error(err)
			}
			mustTake(t, start, 3*time.Second) // to connect, and five mails, four at a time
			tr.mustHaveDelivered(t, mails)
		})
	})
	t.Run("no connection", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			mustBe(t, recipes.Report(ctx, &transport{connect: errFull}, mails), errFull)
		})
	})
	t.Run("a failure ends it", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			mustBe(t, recipes.Report(ctx, &transport{deliver: errFull}, mails), errFull)
		})
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			return recipes.Report(ctx, new(transport), mails)
		}, testutil.Points(50), testutil.Repeats(1))
	})
}

// A component has Start and Stop, which take a second each.
type component struct {
	start, stop error
	running     bool
}

func (c *component) Start(ctx context.Context) error {
	if err := cancel.Sleep(ctx, time.Second); err != nil {
		return err
	}
	c.running = c.start == nil
	return c.start
}

func (c *component) Stop(ctx context.Context) error {
	if err := cancel.Sleep(ctx, time.Second); err != nil {
		return err
	}
	c.running = false
	return c.stop
}

// use runs a component for ten seconds.
func use(ctx context.Context, c *component, grace time.Duration) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		c, err := nursery.Start(ctx, n, recipes.Task(c, grace))
		if err != nil {
			return err
		}
		if !c.running {
			return errors.New("not started")
		}
		defer n.Scope().Stop()
		return cancel.Sleep(ctx, 10*time.Second)
	})
}

func TestTask(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		start := time.Now()
		var c component
		if err := use(ctx, &c, time.Minute); err != nil || c.running {
			t.Errorf("error %v, running %t", err, c.running)
		}
		mustTake(t, start, 12*time.Second)
		mustBe(t, use(ctx, &component{start: errFull}, time.Minute), errFull)
		mustBe(t, use(ctx, &component{stop: errFull}, time.Minute), errFull)
		mustBe(t, use(ctx, new(component), time.Millisecond), context.DeadlineExceeded)
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			var c component
			err := use(ctx, &c, time.Minute)
			if c.running {
				t.Error("it was not stopped")
			}
			return err
		})
	})
}

func TestService(t *testing.T) {
	bubble := func(name string, fn func(t *testing.T, ctx context.Context)) {
		t.Run(name, func(t *testing.T) { testutil.Bubble(t, fn) })
	}
	start := func(t *testing.T, ctx context.Context, tr *transport) (*recipes.Mailer, *recipes.Service[*recipes.Mailer]) {
		m := recipes.NewMailer(tr)
		s := &recipes.Service[*recipes.Mailer]{Run: m.Run}
		begin := cancel.New(ctx) // which ends before the service does
		defer begin.Close()
		if err := s.Start(begin); err != nil {
			t.Fatal(err)
		}
		for _, mail := range mails {
			if err := m.Send(ctx, mail); err != nil {
				t.Error(err)
			}
		}
		return m, s
	}
	bubble("Stop waits", func(t *testing.T, ctx context.Context) {
		var tr transport
		m, s := start(t, ctx, &tr)
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
		tr.mustHaveDelivered(t, mails)
		mustBe(t, m.Send(ctx, "f"), channel.ErrBroken)
	})
	bubble("Stop cancels in the end", func(t *testing.T, ctx context.Context) {
		var tr transport
		_, s := start(t, ctx, &tr)
		mustBe(t, cancel.FailAfter(ctx, 1500*time.Millisecond, s.Stop), context.DeadlineExceeded)
		tr.mustHaveDelivered(t, mails[:4])
	})
	bubble("Stop returns what failed", func(t *testing.T, ctx context.Context) {
		_, s := start(t, ctx, &transport{deliver: errFull})
		mustBe(t, s.Stop(ctx), errFull)
	})
	bubble("Start fails", func(t *testing.T, ctx context.Context) {
		s := recipes.Service[*recipes.Mailer]{Run: recipes.NewMailer(&transport{connect: errFull}).Run}
		mustBe(t, s.Start(ctx), errFull)
		s = recipes.Service[*recipes.Mailer]{Run: recipes.NewMailer(new(transport)).Run}
		mustBe(t, cancel.FailAfter(ctx, time.Millisecond, s.Start), context.DeadlineExceeded)
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			m := recipes.NewMailer(new(transport))
			s := recipes.Service[*recipes.Mailer]{Run: m.Run}
			if err := s.Start(ctx); err != nil {
				return err
			}
			err := m.Send(ctx, "a")
			return errors.Join(err, s.Stop(ctx))
		}, testutil.Points(100), testutil.Repeats(2))
	})
}
