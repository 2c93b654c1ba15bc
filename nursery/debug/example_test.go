package debug_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
)

func work(ctx context.Context) error { return cancel.Forever(ctx) }

func Example() {
	var out strings.Builder
	ctx, working := context.Background(), make(chan struct{})
	work := func(ctx context.Context) error {
		close(working)
		return cancel.Forever(ctx)
	}

	defer debug.Enable()()
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(work, nursery.Name("work"), nursery.Daemon())
		<-working
		return debug.Take().WriteText(&out)
	}, nursery.Name("program"))

	if err != nil {
		fmt.Println(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "─ work  ") {
			fmt.Println(line[strings.Index(line, "work"):][:len("work")])
		}
	}
	// Output: work
}

func ExampleEnable() {
	open := func() *debug.Snapshot {
		var s *debug.Snapshot
		_ = nursery.Run(context.Background(), func(context.Context, *nursery.Nursery) error {
			s = debug.Take()
			return nil
		}, nursery.Name("program"))
		return s
	}
	fmt.Printf("%q\n", open().Roots[0].Name)
	disable := debug.Enable()
	fmt.Printf("%q\n", open().Roots[0].Name)
	disable()
	// Output:
	// ""
	// "program"
}

func ExampleLabels() {
	defer debug.Enable(debug.Labels())()
	err := nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			fmt.Println(pprof.Label(ctx, "grove"))
			return nil
		}, nursery.Name("work"))
		return nil
	}, nursery.Name("program"))
	if err != nil {
		fmt.Println(err)
	}
	// Output: program/work true
}

func ExampleEnableOption() {
	opts := []debug.EnableOption{debug.Labels()}
	disable := debug.Enable(opts...)
	disable()
	// Output:
}

func ExampleTake() {
	defer debug.Enable()()
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 3 {
			n.Go(work)
		}
		n.Cancel(errors.New("enough"))
		s := debug.Take(debug.NoStacks())
		fmt.Println(s.Counts.Nurseries, "nursery,", s.Counts.Canceled, "canceled, stacks:", s.Stacks)
		fmt.Println(strings.Contains(s.Roots[0].Scope.Canceled.Reason, "enough"))
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 1 nursery, 1 canceled, stacks: not asked for
	// true
}

func ExampleTakeOption() {
	quick := []debug.TakeOption{debug.NoStacks(), debug.Unfolded()}
	fmt.Println(debug.Take(quick...).Stacks)
	// Output: not asked for
}

func ExampleNoStacks() {
	fmt.Println(debug.Take(debug.NoStacks()).Stacks)
	// Output: not asked for
}

func ExampleUnder() {
	defer debug.Enable()()
	request := func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error {
			s := debug.Take(debug.Under(ctx))
			fmt.Println(s.Counts.Nurseries, s.Roots[0].Name)
			return nil
		}, nursery.Name("request"))
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		return request(ctx)
	}, nursery.Name("server"))
	if err != nil {
		fmt.Println(err)
	}
	// Output: 1 request
}

func ExampleMaxGoroutines() {
	s := debug.Take(debug.MaxGoroutines(0))
	fmt.Println(s.Stacks == fmt.Sprintf("left out, because there are %d goroutines", s.Goroutines))
	// Output: true
}

func ExampleUnfolded() {
	_ = nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		var working sync.WaitGroup
		working.Add(3)
		for range 3 {
			n.Go(func(ctx context.Context) error {
				working.Done()
				return cancel.Forever(ctx)
			})
		}
		working.Wait()
		fmt.Println(len(debug.Take(debug.Unfolded()).Roots[0].Tasks), "entries")
		n.Cancel(nil)
		return nil
	})
	// Output: 3 entries
}

func ExampleThresholds() {
	defer debug.Enable()()
	_ = nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 3 {
			n.Go(work)
		}
		for _, w := range debug.Take(debug.WithThresholds(debug.Thresholds{Swollen: 2})).Warnings {
			fmt.Println(w.Code, w.Text)
		}
		n.Cancel(nil)
		return nil
	})
	// Output: swollen 3 tasks run, and there is no limit
}

func ExampleWithThresholds() {
	patient := debug.WithThresholds(debug.Thresholds{Unresponsive: time.Minute})
	fmt.Println(len(debug.Take(patient).Warnings))
	// Output: 0
}

func ExampleParse() {
	s, err := debug.Parse(strings.NewReader("goroutine 1 [running]:\nmain.main()\n\t/src/app/main.go:5\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Goroutines, s.Others[0].At.Function)
	// Output: 1 main.main
}

func ExampleSnapshot() {
	data, err := json.Marshal(debug.Take(debug.NoStacks()).Counts)
	fmt.Println(string(data), err)
	// Output: {"nurseries":0,"tasks":0,"not_begun":0,"queued":0,"canceled":0,"stopping":0,"outside":0,"escaped":0} <nil>
}

func ExampleSnapshot_WriteText() {
	const dump = `
goroutine 7 [chan receive, 12 minutes]:
main.poll(...)
	/src/app/main.go:17
github.com/grove-go/grove/nursery.(*Nursery).plain(0xc000100180, 0xc00001)
	/src/grove/nursery/go.go:95 +0x5e
`
	s, err := debug.Parse(strings.NewReader(dump))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// dump
	// 1 nursery · 1 task · 0 queued · 0 canceled · 1 goroutine, 0 of them outside
	//
	// nursery
	// └─ main.poll  g7  chan receive  for 12 minutes  main.go:17
}

// nested runs f in three nurseries in each other.
func nested(f func()) error {
	open := func(name string, body func(ctx context.Context) error) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error { return body(ctx) }, nursery.Name(name))
		}
	}
	innermost := func(context.Context) error { f(); return nil }
	return open("outer", open("middle", open("inner", innermost)))(context.Background())
}

func ExampleDepth() {
	defer debug.Enable()()
	err := nested(func() {
		var out strings.Builder
		fmt.Println(debug.Take().WriteText(&out, debug.Depth(2)))
		fmt.Println(strings.Contains(out.String(), "middle"), strings.Contains(out.String(), "inner"))
		fmt.Println(strings.Contains(out.String(), "└─ and 1 nursery below"))
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// true false
	// true
}

func ExampleWidth() {
	const dump = "goroutine 1 [running]:\nmain.main()\n\t/src/app/a_long_name_of_a_file.go:5\n"
	s, err := debug.Parse(strings.NewReader(dump))
	if err != nil {
		fmt.Println(err)
		return
	}
	var out strings.Builder
	fmt.Println(s.WriteText(&out, debug.Width(32)))
	for line := range strings.Lines(out.String()) {
		if strings.HasSuffix(line, "…\n") {
			fmt.Print(line)
		}
	}
	// Output:
	// <nil>
	// 0 nurseries · 0 tasks · 0 queue…
	// goroutines that work for no nur…
	//   1  running  a_long_name_of_a_…
}

func ExampleTextOption() {
	small := []debug.TextOption{debug.Width(20), debug.Depth(3)}
	fmt.Println(debug.Take().WriteText(io.Discard, small...))
	// Output: <nil>
}

// A lineWriter sends each line on a channel.
type lineWriter chan string

func (w lineWriter) Write(line []byte) (int, error) {
	w <- string(line)
	return len(line), nil
}

func ExampleWatch() {
	defer debug.Enable()() // before the nursery opens
	lines := make(lineWriter)
	log := slog.New(slog.NewTextHandler(lines, nil))
	field := regexp.MustCompile(`level=\w+|warning=\w+`)
	deaf := func(context.Context) error {
		fmt.Println(field.FindAllString(<-lines, -1)) // does not watch its context
		return nil
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return debug.Watch(ctx, log, 10*time.Millisecond)
		}, nursery.Daemon())
		_, err := cancel.MoveOnAfter(ctx, time.Millisecond, deaf)
		fmt.Println(field.FindAllString(<-lines, -1))
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// [level=WARN warning=unresponsive]
	// [level=INFO warning=unresponsive]
}

func ExampleMetrics() {
	defer debug.Enable()()
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(work)
		n.Go(work)
		c := debug.Metrics()
		fmt.Println(c.Nurseries, "nursery,", c.Tasks, "tasks")
		n.Cancel(nil)
		return nil
	}, nursery.Name("example"))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println("cancellations:", debug.Metrics().CancelLatency["example"].Count)
	// Output:
	// 1 nursery, 2 tasks
	// cancellations: 1
}

func ExampleCounters() {
	c := debug.Metrics()
	fmt.Println(c.Nurseries, c.Tasks, c.Queued, c.Stragglers)
	// Output: 0 0 0 0
}
