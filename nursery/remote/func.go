package remote

import (
	"context"
	"encoding/json"
	"fmt"
)

// A Func is a function that workers run, with its name and the types of its argument and
// its result. Both sides share it as a variable of a package. Arguments and results travel as JSON. The zero Func is not valid.
type Func[In, Out any] struct{ spec }

// spec is what the options of a Func say.
type spec struct {
	name       string
	queue      string
	idempotent bool
	max        int // bytes of an argument or a result
}

// A FuncOption is an option of [Define].
type FuncOption func(*spec)

// Queue names the queue of a function. Workers that handle a function of the queue take
// tasks from it, so functions share a queue if the same workers handle them all. The
// default is "default".
func Queue(name string) FuncOption {
	mustName("Queue", name)
	return func(s *spec) { s.queue = name }
}

// Idempotent says that it does no harm if the function runs twice for one call, or in
// part. It allows [Retry].
func Idempotent() FuncOption { return func(s *spec) { s.idempotent = true } }

// MaxBytes limits the argument and the result, each in JSON. A call with a larger argument
// fails at once, and a larger result is an error of the call. The default is 512 KiB. The
// engine may have a limit of its own. MaxBytes panics if n is less than 1.
func MaxBytes(n int) FuncOption {
	if n < 1 {
		panic(fmt.Sprintf("remote: MaxBytes: want at least 1, got %d", n))
	}
	return func(s *spec) { s.max = n }
}

// Define returns a function for [Func.Call] and [Func.Handle]. Names of functions and
// queues have letters, digits, dots, dashes and underscores. Define panics if the name is not
// of that form, or if an option is nil.
func Define[In, Out any](name string, opts ...FuncOption) Func[In, Out] {
	mustName("Define", name)
	s := spec{name: name, queue: "default", max: 512 << 10}
	for _, o := range opts {
		if o == nil {
			panic("remote: Define: nil option")
		}
		o(&s)
	}
	return Func[In, Out]{s}
}

// Name returns the name of the function.
func (f Func[In, Out]) Name() string { return f.name }

// A CallOption is an option of [Func.Call].
type CallOption func(*callOptions)

type callOptions struct{ retries int }

// Retry allows n further attempts if the outcome of an attempt is unknown, if the worker
// gave it up, or if it refused the task. The attempts do not overlap; see rule R7. The
// function must be [Idempotent]. The default is 0. Retry panics if n is negative.
func Retry(n int) CallOption {
	if n < 0 {
		panic(fmt.Sprintf("remote: Retry: want at least 0, got %d", n))
	}
	return func(o *callOptions) { o.retries = n }
}

// Call runs the function on a worker and returns its result. It blocks until the task
// has ended there, and obeys ctx as a local function does: the task has the deadline of ctx,
// and it is canceled with the cause if ctx is. Call then waits until the task has ended, and
// returns the [*cancel.Error] of ctx, or an error of the task that is no echo of the
// cancellation. If ctx is done before a worker has begun the task, Call returns at once. A
// request to stop (see [cancel.UntilStop]) reaches the task.
//
// An error of the function comes as [DecodeError] returns it. Beside that, Call returns a
//
//   - [*LostError] if the outcome is unknown. If ctx is done as well, both errors are joined.
//   - [*AbortedError] if the worker gave up the task, because it stops for example.
//   - [*RefusedError] if the worker did not begin the task.
//   - [*cancel.Error] of the client's nursery, if that has ended.
//
// Call does not give up while no worker takes the task. Give ctx a deadline. Call panics if
// ctx, c or an option is nil, if f is the zero Func, or if an option is [Retry] and f is not
// [Idempotent].
func (f Func[In, Out]) Call(ctx context.Context, c *Client, in In, opts ...CallOption) (Out, error) {
	var out Out
	o := f.options("Func.Call", c, opts)
	if ctx == nil {
		panic("remote: Func.Call: nil context")
	}
	arg, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("remote: %s: the argument: %w", f.name, err)
	}
	if len(arg) > f.max {
		return out, fmt.Errorf("remote: %s: the argument has %d bytes, want at most %d", f.name, len(arg), f.max)
	}
	result, err := c.call(ctx, f.spec, arg, o.retries)
	if err != nil {
		return out, err
	}
	if len(result) > f.max {
		return out, fmt.Errorf("remote: %s: the result has %d bytes, want at most %d", f.name, len(result), f.max)
	}
	if err := json.Unmarshal(result, &out); err != nil {
		return out, fmt.Errorf("remote: %s: the result: %w", f.name, err)
	}
	return out, nil
}

// Bind returns a function that calls f with these options, for [nursery.Map] and its like.
// Bind panics as [Func.Call] does.
func (f Func[In, Out]) Bind(c *Client, opts ...CallOption) func(ctx context.Context, in In) (Out, error) {
	f.options("Func.Bind", c, opts)
	return func(ctx context.Context, in In) (Out, error) { return f.Call(ctx, c, in, opts...) }
}

// options checks what fn was given.
func (f Func[In, Out]) options(fn string, c *Client, opts []CallOption) (o callOptions) {
	switch {
	case f.name == "":
		panic("remote: " + fn + ": the zero Func; use Define")
	case c == nil:
		panic("remote: " + fn + ": nil Client")
	}
	for _, opt := range opts {
		if opt == nil {
			panic("remote: " + fn + ": nil option")
		}
		opt(&o)
	}
	if o.retries > 0 && !f.idempotent {
		panic("remote: " + fn + ": Retry: " + f.name + " is not Idempotent")
	}
	return o
}

// Handle makes a worker run fn for calls of f. The context of fn is canceled and stopped with
// that of the caller, and has its values only from the worker. [Info] tells about the call.
// Several goroutines call fn at the same time. A panic of fn, or a Goexit, is an error of
// the call.
//
// Handle panics if f is the zero Func, if w or fn is nil, if w handles a function of that
// name already, or if w has begun to run.
func (f Func[In, Out]) Handle(w *Worker, fn func(ctx context.Context, in In) (Out, error)) {
	switch {
	case f.name == "":
		panic("remote: Func.Handle: the zero Func; use Define")
	case w == nil:
		panic("remote: Func.Handle: nil Worker")
	case fn == nil:
		panic("remote: Func.Handle: nil function")
	}
	w.handle(handler{f.spec, func(ctx context.Context, arg []byte) (result []byte, err error) {
		var in In
		if err := json.Unmarshal(arg, &in); err != nil {
			return nil, &argumentError{err}
		}
		out, err := fn(ctx, in)
		if err != nil {
			return nil, err
		}
		if result, err = json.Marshal(out); err == nil && len(result) > f.max {
			err = fmt.Errorf("remote: %s: the result has %d bytes, want at most %d", f.name, len(result), f.max)
		}
		return result, err
	}})
}

// An argumentError says that an argument could not be read, so that fn was not called.
type argumentError struct{ err error }

func (e *argumentError) Error() string { return "the argument: " + e.err.Error() }
