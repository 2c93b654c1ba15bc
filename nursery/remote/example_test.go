package remote_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
)

var Fetch = remote.Define[string, int]("crawl.fetch", remote.Idempotent())

// fetch returns the size of a page.
func fetch(_ context.Context, url string) (int, error) {
	if url == "/missing" {
		return 0, fmt.Errorf("fetch %s: %w", url, os.ErrNotExist)
	}
	return len(url), nil
}

// together runs fn with a client on an engine in memory, and a worker that serve gives its
// functions.
func together(serve func(w *remote.Worker), fn func(ctx context.Context, c *remote.Client), opts ...remote.WorkerOption) {
	net := remotetest.New(remotetest.Faults{})
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		client, err := remote.NewClient(n, net.Host("caller"))
		if err != nil {
			return err
		}
		w := remote.NewWorker(net.Host("worker"), append(opts, remote.WorkerName("w7"))...)
		serve(w)
		n.Go(w.Run, nursery.Daemon())
		fn(ctx, client)
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
}

func serveFetch(w *remote.Worker) { Fetch.Handle(w, fetch) }

var upper = remote.Define[string, string]("text.upper")

func serveUpper(w *remote.Worker) {
	upper.Handle(w, func(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil })
}

func ExampleDefine() {
	double := remote.Define[int, int]("math.double", remote.Queue("math"), remote.Idempotent(), remote.MaxBytes(1<<10))
	together(func(w *remote.Worker) {
		double.Handle(w, func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	}, func(ctx context.Context, c *remote.Client) {
		n, err := double.Call(ctx, c, 21)
		fmt.Println(double.Name(), n, err)
	})
	// Output: math.double 42 <nil>
}

func ExampleFunc() {
	together(serveUpper, func(ctx context.Context, c *remote.Client) {
		fmt.Println(upper.Name())
		fmt.Println(upper.Call(ctx, c, "hello"))
	})
	// Output:
	// text.upper
	// HELLO <nil>
}

// The error of a task arrives with everything that it wraps.
func ExampleFunc_Call() {
	together(serveFetch, func(ctx context.Context, c *remote.Client) {
		_, err := Fetch.Call(ctx, c, "/missing")
		fmt.Println(err)
		fmt.Println(errors.Is(err, os.ErrNotExist))
	})
	// Output:
	// fetch /missing: file does not exist
	// true
}

// A call is canceled like a local function.
func ExampleFunc_Bind() {
	wait := remote.Define[int, int]("wait")
	together(func(w *remote.Worker) {
		wait.Handle(w, func(ctx context.Context, _ int) (int, error) { return 0, cancel.Forever(ctx) })
	}, func(ctx context.Context, c *remote.Client) {
		call := wait.Bind(c)
		fmt.Println(cancel.FailAfter(ctx, 10*time.Millisecond, func(ctx context.Context) error {
			_, err := call(ctx, 7)
			return err
		}))
	})
	// Output: timed out after 10ms
}

func ExampleFunc_Handle() {
	w := remote.NewWorker(remotetest.New(remotetest.Faults{}).Host("worker"))
	Fetch.Handle(w, fetch)
	defer func() { fmt.Println(recover()) }()
	Fetch.Handle(w, fetch)
	// Output: remote: Func.Handle: the worker handles crawl.fetch already
}

func ExampleFuncOption() {
	opts := []remote.FuncOption{remote.Queue("math")}
	fmt.Println(remote.Define[int, int]("math.double", opts...).Name())
	// Output: math.double
}

func ExampleQueue() {
	f := remote.Define[int, int]("render", remote.Queue("gpu"))
	fmt.Println(f.Name())
	// Output: render
}

func ExampleIdempotent() {
	defer func() { fmt.Println(recover()) }()
	together(serveUpper, func(ctx context.Context, c *remote.Client) {
		safe := remote.Define[string, string]("text.upper", remote.Idempotent())
		fmt.Println(safe.Call(ctx, c, "hello", remote.Retry(3)))
		upper.Bind(c, remote.Retry(3))
	})
	// Output:
	// HELLO <nil>
	// remote: Func.Bind: Retry: text.upper is not Idempotent
}

func ExampleRetry() {
	together(serveFetch, func(ctx context.Context, c *remote.Client) {
		fmt.Println(Fetch.Call(ctx, c, "/news", remote.Retry(2)))
	})
	// Output: 5 <nil>
}

func ExampleCallOption() {
	opts := []remote.CallOption{remote.Retry(2)}
	together(serveFetch, func(ctx context.Context, c *remote.Client) {
		fmt.Println(Fetch.Call(ctx, c, "/news", opts...))
	})
	// Output: 5 <nil>
}

func ExampleMaxBytes() {
	small := remote.Define[string, string]("text.upper", remote.MaxBytes(4))
	together(serveUpper, func(ctx context.Context, c *remote.Client) {
		_, err := small.Call(ctx, c, "hello")
		fmt.Println(err)
	})
	// Output: remote: text.upper: the argument has 7 bytes, want at most 4
}

func ExampleClient() {
	together(serveFetch, func(ctx context.Context, c *remote.Client) {
		fmt.Println(Fetch.Call(ctx, c, "/"))
	})
	// Output: 1 <nil>
}

func ExampleNewClient() {
	net := remotetest.New(remotetest.Faults{})
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		_, err := remote.NewClient(n, net.Host("caller"), remote.Lease(time.Minute), remote.Log(slog.Default()))
		return err
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClientOption() {
	opts := []remote.ClientOption{remote.Lease(time.Minute), remote.Log(slog.Default())}
	fmt.Println(len(opts))
	// Output: 2
}

func ExampleOption() {
	opt := remote.Log(slog.Default())
	_ = []remote.ClientOption{opt}
	_ = []remote.WorkerOption{opt}
	fmt.Println("for both")
	// Output: for both
}

func ExampleLease() {
	defer func() { fmt.Println(recover()) }()
	remote.Lease(time.Millisecond)
	// Output: remote: Lease: want 1s to 1h0m0s, got 1ms
}

func ExampleLog() {
	together(serveFetch, func(ctx context.Context, c *remote.Client) {
		fmt.Println(Fetch.Call(ctx, c, "/"))
	}, remote.Log(slog.New(slog.DiscardHandler)))
	// Output: 1 <nil>
}

func ExampleWorker() {
	w := remote.NewWorker(remotetest.New(remotetest.Faults{}).Host("worker"), remote.WorkerName("w7"))
	Fetch.Handle(w, fetch)
	s := cancel.New(context.Background())
	defer s.Close()
	s.Stop()
	fmt.Println(w.Name(), w.Run(s))
	// Output: w7 <nil>
}

func ExampleNewWorker() {
	net := remotetest.New(remotetest.Faults{})
	w := remote.NewWorker(net.Host("worker"), remote.WorkerName("w7"), remote.Slots(64), remote.MaxBudget(time.Minute))
	Fetch.Handle(w, fetch)
	fmt.Println(w.Name())
	// Output: w7
}

func ExampleWorkerOption() {
	opts := []remote.WorkerOption{remote.Slots(64), remote.WorkerName("w7")}
	fmt.Println(remote.NewWorker(remotetest.New(remotetest.Faults{}).Host("worker"), opts...).Name())
	// Output: w7
}

func ExampleWorkerName() {
	fmt.Println(remote.NewWorker(remotetest.New(remotetest.Faults{}).Host("worker"), remote.WorkerName("w7")).Name())
	// Output: w7
}

// With one slot, tasks run one after the other.
func ExampleSlots() {
	together(serveFetch, func(ctx context.Context, c *remote.Client) {
		fmt.Println(nursery.Map(ctx, []string{"/", "/news"}, Fetch.Bind(c)))
	}, remote.Slots(1))
	// Output: [1 5] <nil>
}

func ExampleMaxBudget() {
	wait := remote.Define[int, int]("wait")
	together(func(w *remote.Worker) {
		wait.Handle(w, func(ctx context.Context, _ int) (int, error) { return 0, cancel.Forever(ctx) })
	}, func(ctx context.Context, c *remote.Client) {
		_, err := wait.Call(ctx, c, 1)
		fmt.Println(err)
	}, remote.MaxBudget(10*time.Millisecond))
	// Output: wait: worker "w7" gave up: deadline of scope "wait" (attempt 1)
}

func ExampleRedactStacks() {
	together(func(w *remote.Worker) {
		upper.Handle(w, func(context.Context, string) (string, error) { panic("ouch") })
	}, func(ctx context.Context, c *remote.Client) {
		_, err := upper.Call(ctx, c, "x")
		fmt.Printf("%v\n", err)
	}, remote.RedactStacks())
	// Output: task "text.upper" panicked: ouch
}

func ExampleInfo() {
	where := remote.Define[int, string]("where")
	together(func(w *remote.Worker) {
		where.Handle(w, func(ctx context.Context, _ int) (string, error) {
			info, _ := remote.Info(ctx)
			return fmt.Sprintf("%s for %s on %s, attempt %d", info.Func, info.Path, info.Worker, info.Attempt), nil
		})
	}, func(ctx context.Context, c *remote.Client) {
		s := cancel.New(ctx, cancel.Name("req-17"))
		defer s.Close()
		fmt.Println(where.Call(s, c, 1))
	})
	// Output: where for req-17 on w7, attempt 1 <nil>
}

func ExampleTaskInfo() {
	_, ok := remote.Info(context.Background())
	fmt.Println(ok)
	// Output: false
}

var errOutOfStock = errors.New("out of stock")

func init() { remote.RegisterError("shop.outOfStock", errOutOfStock) }

func ExampleRegisterError() {
	err, _ := remote.DecodeError(remote.EncodeError(fmt.Errorf("book: %w", errOutOfStock)))
	fmt.Println(err, errors.Is(err, errOutOfStock))

	defer func() { fmt.Println(recover()) }()
	remote.RegisterError("shop.outOfStock", errors.New("another"))
	// Output:
	// book: out of stock true
	// remote: RegisterError: a code that is registered: "shop.outOfStock"
}

// A MissingError is an error of the shop.
type MissingError struct{ Part string }

func (e *MissingError) Error() string { return "no part " + e.Part }

func init() { remote.RegisterErrorType[*MissingError]("shop.missing") }

func ExampleRegisterErrorType() {
	err, _ := remote.DecodeError(remote.EncodeError(fmt.Errorf("book: %w", &MissingError{"cover"})))
	e, ok := errors.AsType[*MissingError](err)
	fmt.Println(e.Part, ok)

	defer func() { fmt.Println(recover()) }()
	remote.RegisterErrorType[*MissingError]("shop.other")
	// Output:
	// cover true
	// remote: RegisterErrorType: registered twice: *remote_test.MissingError
}

func ExampleEncodeError() {
	fmt.Println(string(remote.EncodeError(os.ErrNotExist)))
	// Output: {"k":"code","c":"fs.ErrNotExist"}
}

func ExampleDecodeError() {
	err, failed := remote.DecodeError([]byte(`{"k":"code","c":"fs.ErrNotExist"}`))
	fmt.Println(err == os.ErrNotExist, failed)
	// Output: true <nil>
}

func ExampleError() {
	err, _ := remote.DecodeError(remote.EncodeError(errors.New("disk full")))
	e, ok := errors.AsType[*remote.Error](err)
	fmt.Println(e.Message, e.Type, ok)
	// Output: disk full *errors.errorString true
}

func ExampleLostError() {
	err := &remote.LostError{Func: "crawl.fetch", Worker: "w7", Attempt: 1, Silent: 13300 * time.Millisecond}
	fmt.Println(err)
	fmt.Println(errors.Is(err, remote.ErrLost))
	// Output:
	// crawl.fetch: outcome unknown: worker "w7" silent for 13.3s (attempt 1)
	// true
}

func ExampleAbortedError() {
	err := &remote.AbortedError{Func: "crawl.fetch", Worker: "w7", Attempt: 1, Reason: cancel.Reason{Source: cancel.SourceStop, Cause: cancel.ErrGraceExpired}}
	fmt.Println(err)
	fmt.Println(errors.Is(err, remote.ErrAborted))
	// Output:
	// crawl.fetch: worker "w7" gave up: grace expired (graceful stop) (attempt 1)
	// true
}

func ExampleRefusedError() {
	together(serveUpper, func(ctx context.Context, c *remote.Client) {
		_, err := Fetch.Call(ctx, c, "/")
		fmt.Println(err)
		fmt.Println(errors.Is(err, remote.ErrRefused))
	})
	// Output:
	// crawl.fetch: worker "w7" refused: no such function
	// true
}

// Package remotetest has an Engine in memory.
func ExampleEngine() {
	e := remotetest.New(remotetest.Faults{}).Host("a")
	stop, err := e.Listen("greetings", func(msg []byte, reply func([]byte)) { reply(append(msg, '!')) })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	answer, err := e.Request(context.Background(), "greetings", []byte("hello"))
	fmt.Println(string(answer), err)
	// Output: hello! <nil>
}
