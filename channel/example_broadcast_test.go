package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// Everybody in a room hears what is said while they are there.
func ExampleBroadcast() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		room := channel.NewBroadcast[string](16)
		defer room.Close()
		for range 2 {
			guest := room.Subscribe(channel.Block) // before anything is said
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

// The capacity is how far behind the others a subscriber may be.
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

// Measurements are not waited for: if a subscriber has no room, this one is left out.
func ExampleBroadcast_TryPublish() {
	temperatures := channel.NewBroadcast[int](1)
	defer temperatures.Close()
	archive := temperatures.Subscribe(channel.Block)
	defer archive.Close()
	for _, t := range []int{20, 21} {
		if err := temperatures.TryPublish(t); errors.Is(err, channel.ErrWouldBlock) {
			fmt.Println("left out:", t)
		}
	}
	// Output: left out: 21
}

// What is costly to make is made only if somebody wants it.
func ExampleBroadcast_Subscribers() {
	charts := channel.NewBroadcast[string](1)
	defer charts.Close()
	publish := func() error {
		if charts.Subscribers() == 0 {
			fmt.Println("nobody is watching")
			return nil
		}
		return charts.Publish(context.Background(), "a chart")
	}
	fmt.Println(publish())
	// Output:
	// nobody is watching
	// <nil>
}

// A display needs what is new, and an archive all or nothing.
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

// A viewer skips what it has missed, and says how much that was.
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
	fmt.Println(frame, err, "after", viewer.Dropped(), "that were dropped")
	if _, err := viewer.TryReceive(); errors.Is(err, channel.ErrWouldBlock) {
		fmt.Println("up to date")
	}
	viewer.Close()
	fmt.Println(frames.Subscribers())
	// Output:
	// third <nil> after 2 that were dropped
	// up to date
	// 0
}

// A subscriber who leaves says so: nobody waits for one who does not come back.
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

// A program reads its configuration again; what uses it sees the latest one.
func ExampleWatch() {
	ctx := context.Background()
	config := channel.NewWatch("first")
	watcher := config.Watch()
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

// Some only want to know how it is, and not to wait for a change.
func ExampleNewWatch() {
	healthy := channel.NewWatch(true)
	status := func() string {
		if healthy.Get() {
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

// A display is drawn again when there is something new, until there will be no more.
func ExampleWatcher() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		progress := channel.NewWatch(0)
		display := progress.Watch()
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
			last = percent // draws as many of them as there is time for
		}
		fmt.Println(last, "percent")
		return nil
	})
	fmt.Println(err)
	// Output:
	// 100 percent
	// <nil>
}

// A client waits until a server is up.
func ExampleWatcher_Receive() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		server := channel.NewWatch("starting")
		n.Go(func(ctx context.Context) error {
			return errors.Join(server.Set("reading its index"), server.Set("up"))
		})
		for state := server.Watch(); ; {
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

// Between two jobs a worker looks whether its orders have changed.
func ExampleWatcher_TryReceive() {
	speed := channel.NewWatch("slow")
	orders := speed.Watch()
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
