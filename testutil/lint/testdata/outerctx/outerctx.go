package outerctx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func fetch(ctx context.Context, url string) error { return cancel.Err(ctx) }

func control(s *cancel.Scope) { s.Stop() }

type span struct{}

func spanFromContext(ctx context.Context) span { return span{} }

func deadline(outer context.Context) error {
	return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		return fetch(outer, "a") // want `outer was given to cancel.FailAfter and is not canceled with it; use the parameter of the function`
	})
}

func task(outer context.Context) error {
	return nursery.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return fetch(outer, "a") // want `outer was given to nursery.Run`
		})
		select {
		case <-outer.Done(): // want `outer was given to nursery.Run`
			return outer.Err() // want `outer was given to nursery.Run`
		default:
			return nil
		}
	})
}

func nameless(ctx context.Context, urls []string) error {
	return nursery.For(ctx, len(urls), func(_ context.Context, i int) error {
		return fetch(ctx, urls[i]) // want `ctx was given to nursery.For`
	})
}

func around(ctx context.Context, urls []string) error {
	return nursery.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
		_, err := nursery.Map(inner, urls, func(c context.Context, url string) (int, error) {
			if err := fetch(inner, url); err != nil { // want `inner was given to nursery.Map`
				return 0, err
			}
			return 0, fetch(ctx, url) // want `ctx was given to nursery.Run`
		})
		return err
	})
}

func derived(outer context.Context) error {
	_, err := nursery.Gather(outer, func(ctx context.Context) (int, error) {
		c, stop := context.WithTimeout(outer, time.Second) // want `outer was given to nursery.Gather`
		defer stop()
		return 0, fetch(c, "a")
	})
	return err
}

func scope(outer context.Context) error {
	s := cancel.New(outer)
	return s.Run(func(ctx context.Context) error {
		return fetch(outer, "a") // want `outer was given to Scope.Run`
	})
}

func scopeAtOnce(outer context.Context) error {
	return cancel.New(outer, cancel.Timeout(time.Second)).Run(func(ctx context.Context) error {
		return cancel.Sleep(outer, time.Minute) // want `outer was given to Scope.Run`
	})
}

func producer(outer context.Context) error {
	return channel.Generate(outer, 1, func(ctx context.Context, yield func(int) error) error {
		return fetch(outer, "a") // want `outer was given to channel.Generate`
	}, func(ctx context.Context, r *channel.Receiver[int]) error {
		for _, err := range r.All(outer) { // want `outer was given to channel.Generate`
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func scopeAsContext(ctx context.Context) error {
	s := cancel.New(ctx)
	defer s.Close()
	return nursery.Run(s, func(ctx context.Context, n *nursery.Nursery) error {
		return fetch(s, "a") // want `s was given to nursery.Run`
	})
}

func givenTwice(outer context.Context) error {
	return nursery.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
		return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error { // want `outer was given to nursery.Run`
			return fetch(outer, "a") // want `outer was given to`
		})
	})
}

func shieldInDefer(ctx context.Context) error {
	defer func() {
		err := cancel.Shield(ctx, time.Second, func(shielded context.Context) error {
			return fetch(ctx, "delete") // want `ctx was given to cancel.Shield`
		})
		slog.Info("deleted", "err", err)
	}()
	return fetch(ctx, "a")
}

// What follows is right.

func hides(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return fetch(ctx, "a") })
		return fetch(ctx, "b")
	})
}

func same(ctx context.Context) error {
	return nursery.Run(ctx, func(c context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { return fetch(c, "a") })
		t := nursery.Spawn(n, func(context.Context) (int, error) { return 0, fetch(c, "b") })
		_, err := t.Wait(c)
		return err
	})
}

func sameInNested(ctx context.Context) error {
	return nursery.Run(ctx, func(c context.Context, n *nursery.Nursery) error {
		return cancel.FailAfter(c, time.Second, func(short context.Context) error {
			n.Go(func(ctx context.Context) error { return fetch(c, "a") })
			t := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, fetch(c, "a") })
			if _, err := t.Wait(short); err != nil {
				return err
			}
			if _, err := nursery.Start(short, n, func(ctx context.Context, started func(int)) error { return fetch(c, "a") }); err != nil {
				return err
			}
			return fetch(short, "b")
		})
	})
}

func onPurpose(ctx context.Context) error {
	link := ctx
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		return fetch(link, "a")
	})
}

func excused(outer context.Context) error {
	return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		_ = fetch(outer, "a") //grove:ok the request goes on after the timeout
		//grove:ok this one does, too
		return fetch(outer, "a")
	})
}

func excusedWithoutReason(outer context.Context) error {
	return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		//grove:ok
		return fetch(outer, "a") // want `use the parameter of the function \(//grove:ok needs a reason\)`
	})
}

func excusedLineAbove(outer context.Context) error {
	return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		_ = fetch(outer, "a")    //grove:ok for this line alone
		return fetch(outer, "a") // want `outer was given to cancel.FailAfter`
	})
}

func cleanUp(outer context.Context) error {
	return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		defer fetch(outer, "delete")
		defer func() {
			if err := fetch(outer, "delete"); err != nil {
				slog.Error("delete", "err", err)
			}
		}()
		return fetch(ctx, "a")
	})
}

func control1(ctx context.Context) error {
	s := cancel.New(ctx)
	return s.Run(func(ctx context.Context) error {
		s.SetTimeout(time.Second)
		control(s)
		if s.Err() != nil {
			return fetch(s, "the scope of the function is its context")
		}
		return nil
	})
}

func control2(ctx context.Context) error {
	s := cancel.New(ctx)
	defer s.Close()
	return nursery.Run(s, func(ctx context.Context, n *nursery.Nursery) error {
		control(s)
		if s.Err() == nil {
			s.Cancel(nil)
		}
		<-s.Done()
		fmt.Println(s)
		return cancel.Err(ctx)
	})
}

func pick(ctx context.Context) *cancel.Scope { return cancel.FromContext(ctx) }

func anotherScope(ctx, other context.Context) error {
	s := cancel.New(ctx)
	s.Close()
	s = pick(other)
	return s.Run(func(context.Context) error { return fetch(ctx, "a") })
}

func values(outer context.Context) error {
	return nursery.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
		_ = outer.Value("key")
		_ = spanFromContext(outer)
		slog.InfoContext(outer, "begun")
		n.Go(func(ctx context.Context) error { return fetch(ctx, "a") }, nursery.Values(outer))
		return fetch(context.WithoutCancel(outer), "a")
	})
}

type logger struct{}

func (logger) Info(string) {}

func G(ctx context.Context) logger { return logger{} }

func DebugfCtx(ctx context.Context, format string, args ...any) {}

func work(ctx context.Context) {}

func healthy(ctx context.Context) bool { return ctx.Err() == nil }

func logInfo(ctx context.Context) error { return ctx.Err() }

func log(outer context.Context) error {
	return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		G(outer).Info("begun")
		DebugfCtx(outer, "begun %d", 1)
		work(outer)         // want `outer was given to cancel.FailAfter`
		if healthy(outer) { // want `outer was given to cancel.FailAfter`
			return nil
		}
		return logInfo(outer) // want `outer was given to cancel.FailAfter`
	})
}

func asksBoth(outer context.Context) (err error) {
	return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), context.Cause(outer))
		case <-outer.Done():
			return outer.Err()
		}
	})
}

func afterwards(ctx context.Context) error {
	if err := cancel.FailAfter(ctx, time.Second, func(ctx context.Context) error { return fetch(ctx, "a") }); err != nil {
		return fetch(ctx, "b")
	}
	return ctx.Err()
}

func another(ctx, request context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		return fetch(request, "a")
	})
}

func assignedLater(ctx context.Context) error {
	outer := ctx
	err := nursery.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
		outer = ctx
		return fetch(outer, "a")
	})
	return err
}

func shutDown(ctx context.Context, stop func(context.Context) error) error {
	return cancel.Shield(ctx, time.Second, stop)
}

func without(ctx context.Context) (err error) {
	func() { err = fetch(ctx, "a") }()
	return err
}
