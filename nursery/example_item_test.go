package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// A worker pool takes jobs from a channel.
func ExampleEachFrom() {
	ctx := context.Background()
	s, jobs := channel.New[string](10)
	for _, job := range []string{"resize", "rotate", "crop"} {
		_ = s.Send(ctx, job)
	}
	s.Close()
	handle := func(ctx context.Context, job string) error {
		if job == "rotate" {
			return errors.New("no such angle")
		}
		return nil
	}
	err := nursery.EachFrom(ctx, jobs.All, handle, nursery.Limit(8))
	fmt.Println(err)
	// Output: item 1: no such angle
}

// The index leads back to the input of a call that failed.
func ExampleItemError() {
	urls := []string{"/", "/old", "/about"}
	_, err := nursery.Map(context.Background(), urls, func(ctx context.Context, url string) (string, error) {
		if url == "/old" {
			return "", errors.New("404")
		}
		return "page " + url, nil
	})
	if item, ok := errors.AsType[*nursery.ItemError](err); ok {
		fmt.Printf("%s: %v\n", urls[item.Item], item.Err)
	}
	fmt.Println(err)
	// Output:
	// /old: 404
	// item 1: 404
}

// A handler of panics can tell which item a call has stumbled over.
func ExamplePanicError_Item() {
	defer func() {
		if p, ok := recover().(*nursery.PanicError); ok {
			index, ok := p.Item()
			fmt.Println(index, ok, p.Value)
		}
	}()
	_ = nursery.For(context.Background(), 3, func(ctx context.Context, i int) error {
		if i == 2 {
			panic("bad input")
		}
		return nil
	})
	// Output: 2 true bad input
}

// Failures that a program gathers itself read like the failures of a nursery.
func ExampleNewGroupError() {
	check := func(name, value string) error {
		if value == "" {
			return fmt.Errorf("%s is missing", name)
		}
		return nil
	}
	err := nursery.NewGroupError("settings", check("user", ""), check("host", "db"), check("port", ""))
	fmt.Println(err)
	fmt.Println(nursery.NewGroupError("settings", check("host", "db")))
	// Output:
	// nursery "settings": 2 failures: user is missing; port is missing
	// <nil>
}

// In a log a group has an attribute for each failure.
func ExampleGroupError_log() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return errors.New("disk full") }, nursery.Name("index"))
		return nil
	}, nursery.Name("backup"))
	log.Error("no backup", "err", err)
	// Output: level=ERROR msg="no backup" err.msg="task \"index\": disk full" err.nursery=backup err.failures.0.task=index err.failures.0.err="disk full"
}

// A timer may fire after the nursery has ended.
func ExampleNursery_TryGo() {
	var n *nursery.Nursery
	refresh := func() { fmt.Println(n.TryGo(func(ctx context.Context) error { return nil })) }
	_ = nursery.Run(context.Background(), func(ctx context.Context, in *nursery.Nursery) error {
		n = in
		refresh()
		return nil
	})
	refresh() // as a timer does that was not stopped
	// Output:
	// <nil>
	// nursery: the nursery has ended
}

// A task that outlives a request keeps the values of the request.
func ExampleValues() {
	type requestID struct{}
	notify := func(ctx context.Context) error {
		fmt.Println("notify about request", ctx.Value(requestID{}), ctx.Err())
		return nil
	}
	_ = nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
		ctx, end := context.WithCancel(context.WithValue(context.Background(), requestID{}, 17))
		n.Go(notify, nursery.Values(ctx))
		end()
		return nil
	})
	// Output: notify about request 17 <nil>
}

// The options of a program are those of a nursery, and Grace.
func ExampleMainOption() {
	options := []nursery.MainOption{nursery.Name("mail"), nursery.Grace(time.Minute)}
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		fmt.Println(cancel.Path(ctx))
		return nil
	}, options...)
	// Output: mail
}

// One of several tasks is asked to stop.
func ExampleTask_Stop() {
	_ = nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		poll := nursery.Spawn(n, func(ctx context.Context) (int, error) {
			polls := 0
			for range ticks(cancel.UntilStop(ctx), time.Hour) {
				polls++
			}
			return polls, nil
		})
		poll.Stop()
		polls, err := poll.Wait(ctx)
		fmt.Println(polls, "polls", err)

		stubborn := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, cancel.Forever(ctx) })
		stubborn.Shutdown(time.Millisecond)
		_, err = stubborn.Wait(ctx)
		fmt.Println(err)
		return nil
	})
	// Output:
	// 0 polls <nil>
	// context canceled: grace expired (graceful stop)
}

// ticks returns a sequence that yields in intervals until ctx is done.
func ticks(ctx context.Context, every time.Duration) func(yield func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		for cancel.Sleep(ctx, every) == nil && yield(time.Now()) {
		}
	}
}

// Numbers of a sequence that fails are added up.
func ExampleEachFrom_sequence() {
	numbers := func(ctx context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for _, n := range slices.Backward([]int{1, 2, 3}) {
				if !yield(n, nil) {
					return
				}
			}
			yield(0, errors.New("connection lost"))
		}
	}
	sum := 0
	err := nursery.EachFrom(context.Background(), numbers, func(ctx context.Context, n int) error {
		sum += n
		return nil
	}, nursery.Limit(1), nursery.KeepGoing())
	fmt.Println(sum, err)
	// Output: 6 connection lost
}
