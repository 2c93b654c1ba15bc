package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/grove-go/grove/cancel"
)

// The options of a caller override the defaults of a function that calls New.
func ExampleOption() {
	session := func(ctx context.Context, opts ...cancel.Option) *cancel.Scope {
		defaults := []cancel.Option{cancel.Name("session"), cancel.Timeout(time.Hour)}
		return cancel.New(ctx, append(defaults, opts...)...) // the last one holds
	}
	s := session(context.Background(), cancel.Name("admin"), cancel.Deadline(time.Time{}))
	defer s.Close()
	_, limited := s.Deadline()
	fmt.Println(s.Name(), limited)
	// Output: admin false
}

// The name of a scope appears in its errors, which tells two deadlines apart.
func ExampleName() {
	request := cancel.New(context.Background(), cancel.Name("request"), cancel.Timeout(time.Hour))
	defer request.Close()
	upload := cancel.New(request, cancel.Name("upload"), cancel.Timeout(0))
	defer upload.Close()
	fmt.Println(cancel.Err(upload))
	// Output: context deadline exceeded (deadline of scope "upload")
}

// A timeout limits the life of a connection, which spans several function calls.
func ExampleTimeout() {
	conn := cancel.New(context.Background(), cancel.Timeout(time.Millisecond))
	defer conn.Close()
	<-conn.Done()
	fmt.Println(conn.Err())
	// Output: context deadline exceeded
}

// A request may have a deadline. The zero time stands for none.
func ExampleDeadline() {
	for _, deadline := range []time.Time{{}, time.Date(2009, 11, 10, 23, 0, 0, 0, time.UTC)} {
		s := cancel.New(context.Background(), cancel.Deadline(deadline))
		fmt.Println(s.Err())
		s.Close()
	}
	// Output:
	// <nil>
	// context deadline exceeded
}

// A shielded transaction goes on when its request is canceled. Its own Cancel still
// works.
func ExampleShielded() {
	request := cancel.New(context.Background())
	defer request.Close()
	transaction := cancel.New(request, cancel.Shielded())
	defer transaction.Close()

	request.Cancel(nil)
	fmt.Println(transaction.Err())
	transaction.Cancel(nil)
	fmt.Println(transaction.Err())
	// Output:
	// <nil>
	// context canceled
}

// Canceling the scope closes the listener, and Accept then fails with an error
// that does not mention the cancellation.
func ExampleEchoIf() {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()

	isClosed := func(err error) bool { return errors.Is(err, net.ErrClosed) }
	s := cancel.New(ctx, cancel.EchoIf(isClosed))
	err = s.Run(func(context.Context) error {
		s.OnDone(func() { listener.Close() })
		s.Cancel(nil)
		_, err := listener.Accept()
		return err
	})
	fmt.Println(err)
	// Output: <nil>
}
