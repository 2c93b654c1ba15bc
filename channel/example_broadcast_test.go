package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// Every guest in a room receives the lines published while the guest is subscribed.
func ExampleBroadcast() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		room := channel.NewBroadcast[string](16)
		defer room.Close()
		for range 2 {
			guest := room.Subscribe(channel.Block) // before anything is published
			n.Go(func(ctx context.Context) error {
				defer guest.Close()
				for line, err := range guest.All(ctx) {
					if err != nil {
						return err
					}
					fmt.Println(line)
				}
				return nil
			})
		}
		return room.Publish(ctx, "dinner is ready")
	})
	fmt.Println(err)
	// Output:
	// dinner is ready
	// dinner is ready
	// <nil>
}

// The capacity is the number of values that a subscriber may lag behind.
func ExampleNewBroadcast() {
	frames := channel.NewBroadcast[int](3)
	viewer := frames.Subscribe(channel.DropOldest)
	for frame := range 10 {
		if err := frames.Publish(context.Background(), frame); err != nil {
			fmt.Println(err)
		}
	}
	frames.Close()
	for frame, err := range viewer.All(context.Background()) {
		fmt.Println(frame, err)
	}
	// Output:
	// 7 <nil>
	// 8 <nil>
	// 9 <nil>
}

// TryPublish does not wait for a slow subscriber. If one has no room, the measurement is
// skipped.
func ExampleBroadcast_TryPublish() {
	temperatures := channel.NewBroadcast[int](1)
	defer temperatures.Close()
	archive := temperatures.Subscribe(channel.Block)
	defer archive.Close()
	for _, t := range []int{20, 21} {
		if err := temperatures.TryPublish(t); errors.Is(err, channel.ErrWouldBlock) {
			fmt.Println("skipped:", t)
		}
	}
	// Output: skipped: 21
}

// A chart is expensive to draw, so it is drawn only if there are subscribers.
func ExampleBroadcast_Subscribers() {
	charts := channel.NewBroadcast[string](1)
	defer charts.Close()
	publish := func() error {
		if charts.Subscribers() == 0 {
			fmt.Println("no subscribers")
			return nil
		}
		return charts.Publish(context.Background(), "a chart")
	}
	fmt.Println(publish())
	// Output:
	// no subscribers
	// <nil>
}

// A display needs the latest prices. An archive needs all of them and would rather be cut
// off than miss one.
func ExamplePolicy() {
	ctx := context.Background()
	prices := channel.NewBroadcast[string](2)
	display, archive := prices.Subscribe(channel.DropOldest), prices.Subscribe(channel.CutOff)
	for _, v := range []string{"one", "two", "three"} {
		if err := prices.Publish(ctx, v); err != nil {
			fmt.Println(err)
		}
	}
	prices.Close()
	for v, err := range display.All(ctx) {
		fmt.Println(v, err)
	}
	_, err := archive.Receive(ctx)
	fmt.Println(err)
	// Output:
	// two <nil>
	// three <nil>
	// channel: subscriber has lagged behind, and was cut off
}

// A viewer that falls behind skips old frames. Dropped tells it how many.
func ExampleSubscription() {
	ctx := context.Background()
	frames := channel.NewBroadcast[string](1)
	defer frames.Close()
	viewer := frames.Subscribe(channel.DropOldest)
	for _, f := range []string{"first", "second", "third"} {
		if err := frames.Publish(ctx, f); err != nil {
			fmt.Println(err)
		}
	}
	frame, err := viewer.Receive(ctx)
	fmt.Println(frame, err, "after", viewer.Dropped(), "dropped frames")
	if _, err := viewer.TryReceive(); errors.Is(err, channel.ErrWouldBlock) {
		fmt.Println("up to date")
	}
	viewer.Close()
	fmt.Println(frames.Subscribers())
	// Output:
	// third <nil> after 2 dropped frames
	// up to date
	// 0
}

// Done is closed when a client has been cut off, so that a write to it that hangs can be
// given up.
func ExampleSubscription_Done() {
	ctx := context.Background()
	lines := channel.NewBroadcast[string](1)
	defer lines.Close()
	client := lines.Subscribe(channel.CutOff)
	defer client.Close()
	for _, line := range []string{"one", "two"} {
		if err := lines.Publish(ctx, line); err != nil {
			fmt.Println(err)
		}
	}
	select {
	case <-client.Done():
		_, err := client.TryReceive()
		fmt.Println(err)
	default:
		fmt.Println("up to date")
	}
	// Output:
	// channel: subscriber has lagged behind, and was cut off
}

// A subscriber that leaves the loop must call Close, so that Publish no longer waits for
// it.
func ExampleSubscription_All() {
	ctx := context.Background()
	lines := channel.NewBroadcast[string](2)
	defer lines.Close()
	reader := lines.Subscribe(channel.Block)
	publish := func(text ...string) {
		for _, line := range text {
			if err := lines.Publish(ctx, line); err != nil {
				fmt.Println(err)
			}
		}
	}
	publish("begin", "end")
	for line, err := range reader.All(ctx) {
		if err != nil || line == "end" {
			break
		}
		fmt.Println(line)
	}
	reader.Close()
	publish("to", "nobody", "at", "all")
	// Output: begin
}

// A watcher of a configuration receives only the latest version.
func ExampleWatch() {
	ctx := context.Background()
	config := channel.NewWatch("first")
	watcher := config.Subscribe()
	for _, v := range []string{"second", "third"} {
		if err := config.Set(v); err != nil {
			fmt.Println(err)
		}
	}
	config.Close()
	v, err := watcher.Receive(ctx)
	fmt.Println(v, err)
	_, err = watcher.Receive(ctx)
	fmt.Println(err == io.EOF)
	// Output:
	// third <nil>
	// true
}

// Latest returns the current value without waiting for a change.
func ExampleNewWatch() {
	healthy := channel.NewWatch(true)
	status := func() string {
		if healthy.Latest() {
			return "200 OK"
		}
		return "503 Service Unavailable"
	}
	fmt.Println(status())
	if err := healthy.Set(false); err != nil {
		fmt.Println(err)
	}
	fmt.Println(status())
	// Output:
	// 200 OK
	// 503 Service Unavailable
}

// A display is redrawn when the progress has changed, until the watch is closed.
func ExampleWatcher() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		progress := channel.NewWatch(0)
		display := progress.Subscribe()
		n.Go(func(ctx context.Context) error {
			defer progress.Close()
			for i := range 100 {
				if err := progress.Set(i + 1); err != nil {
					return err
				}
			}
			return nil
		})
		last := 0
		for percent, err := range display.All(ctx) {
			if err != nil {
				return err
			}
			last = percent // draws; skips values that are outdated by then
		}
		fmt.Println(last, "percent")
		return nil
	})
	fmt.Println(err)
	// Output:
	// 100 percent
	// <nil>
}

// A client waits until the server is up.
func ExampleWatcher_Receive() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		server := channel.NewWatch("starting")
		n.Go(func(ctx context.Context) error {
			return errors.Join(server.Set("reading its index"), server.Set("up"))
		})
		for state := server.Subscribe(); ; {
			v, err := state.Receive(ctx)
			if err != nil {
				return err
			}
			if v == "up" {
				fmt.Println("the server is up")
				return nil
			}
		}
	})
	fmt.Println(err)
	// Output:
	// the server is up
	// <nil>
}

// A worker checks between two jobs whether its orders have changed.
func ExampleWatcher_TryReceive() {
	speed := channel.NewWatch("slow")
	orders := speed.Subscribe()
	for job := range 3 {
		if job == 2 {
			if err := speed.Set("fast"); err != nil {
				fmt.Println(err)
			}
		}
		if s, err := orders.TryReceive(); err == nil {
			fmt.Println("from job", job, "on:", s)
		}
	}
	// Output:
	// from job 0 on: slow
	// from job 2 on: fast
}
