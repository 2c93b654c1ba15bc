package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A server chooses the status of a response by the reason for the cancellation.
func ExampleError() {
	status := func(err error) int {
		canceled, ok := errors.AsType[*cancel.Error](err)
		switch {
		case !ok:
			return http.StatusInternalServerError
		case canceled.Reason.Source == cancel.SourceDeadline:
			return http.StatusGatewayTimeout
		default:
			return http.StatusServiceUnavailable
		}
	}
	late := cancel.New(context.Background(), cancel.Timeout(0))
	defer late.Close()
	fmt.Println(status(fmt.Errorf("query: %w", cancel.Err(late))))
	fmt.Println(status(errors.New("query: no such table")))
	// Output:
	// 504
	// 500
}

// Timeout reports whether a deadline canceled the context, so that a retry may help.
func ExampleError_Timeout() {
	ctx := cancel.New(context.Background(), cancel.Timeout(0))
	defer ctx.Close()
	if e, ok := errors.AsType[*cancel.Error](cancel.Err(ctx)); ok {
		fmt.Println(e.Timeout())
	}
	// Output: true
}

// Because keeps the error of a command that the timeout killed as a detail of the
// TimeoutError.
func ExampleBecause() {
	run := func(ctx context.Context) error {
		<-ctx.Done()
		return cancel.Because(ctx, errors.New("signal: killed"))
	}
	err := cancel.FailAfter(context.Background(), 10*time.Millisecond, run, cancel.Name("convert"))
	fmt.Println(err)
	fmt.Printf("%+v\n", err)
	// Output:
	// timed out after 10ms (scope "convert")
	// timed out after 10ms (scope "convert")
	//     signal: killed
}

// A program logs the fields of a Reason, which say what canceled the scope and where.
func ExampleReason() {
	s := cancel.New(context.Background(), cancel.Name("import"))
	defer s.Close()
	s.Cancel(errors.New("replaced by a newer one"))
	if r, ok := cancel.ReasonOf(s); ok {
		fmt.Printf("source=%q scope=%q cause=%q file=%q\n", r.Source, r.Scope, r.Cause, filepath.Base(r.File))
	}
	// Output: source="cancel" scope="import" cause="replaced by a newer one" file="example_error_test.go"
}

func ExampleReason_String() {
	for _, r := range []cancel.Reason{
		{Source: cancel.SourceCancel, File: "/src/crawl.go", Line: 42},
		{Source: cancel.SourceDeadline, Scope: "fetch"},
		{Source: cancel.SourceTask, Task: "index"},
	} {
		fmt.Println(r.String())
	}
	// Output:
	// canceled at crawl.go:42
	// deadline of scope "fetch"
	// task "index" failed
}

// ReasonOf tells code deep inside what canceled the context further out.
func ExampleReasonOf() {
	s := cancel.New(context.Background(), cancel.Name("fetch"), cancel.Timeout(0))
	defer s.Close()
	ctx, stop := context.WithCancel(s)
	defer stop()
	if reason, ok := cancel.ReasonOf(ctx); ok {
		fmt.Println(reason.Source, reason.Scope)
		fmt.Println(reason)
	}
	// Output:
	// deadline fetch
	// deadline of scope "fetch"
}

// A server counts its canceled requests by the source of the cancellation.
func ExampleSource() {
	count := map[cancel.Source]int{}
	for _, end := range []func(s *cancel.Scope){
		func(s *cancel.Scope) { s.SetTimeout(0) },
		func(s *cancel.Scope) { s.Cancel(nil) },
		func(s *cancel.Scope) { s.SetTimeout(0) },
	} {
		request := cancel.New(context.Background())
		end(request)
		if r, ok := cancel.ReasonOf(request); ok {
			count[r.Source]++
		}
		request.Close()
	}
	fmt.Println(count)
	// Output: map[cancel:1 deadline:2]
}

// A TimeoutError is a net.Error, so code that does not import this package can tell that
// a retry may help.
func ExampleTimeoutError() {
	worthRetrying := func(err error) bool {
		e, ok := errors.AsType[net.Error](err)
		return ok && e.Timeout()
	}
	err := cancel.FailAfter(context.Background(), 2*time.Millisecond, cancel.Forever, cancel.Name("prices"))
	fmt.Println(err)
	fmt.Println(worthRetrying(fmt.Errorf("fetch: %w", err)))
	// Output:
	// timed out after 2ms (scope "prices")
	// true
}
