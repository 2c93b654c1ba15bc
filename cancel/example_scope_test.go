package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"sync"
	"testing/fstest"
	"time"

	"github.com/grove-go/grove/cancel"
)

// An upload is canceled with the session that it belongs to.
func ExampleScope() {
	session := cancel.New(context.Background(), cancel.Name("session"))
	defer session.Close()
	upload := cancel.New(session, cancel.Name("upload"))
	defer upload.Close()

	session.Cancel(errors.New("logged out"))
	fmt.Println(upload)
	fmt.Println(upload.Err(), "-", context.Cause(upload))
	// Output:
	// context.Background.WithScope(session).WithScope(upload)
	// context canceled - logged out
}

// A context that the standard library derives from a scope is canceled with it.
func ExampleNew() {
	s := cancel.New(context.Background(), cancel.Name("crawl"))
	defer s.Close()
	ctx, stop := context.WithTimeout(s, time.Hour)
	defer stop()

	s.Cancel(errors.New("disk full"))
	fmt.Println(ctx.Err())
	fmt.Println(context.Cause(ctx))
	// Output:
	// context canceled
	// disk full
}

func ExampleScope_Run() {
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		s.Cancel(nil)
		return cancel.Forever(ctx)
	})
	fmt.Println("the scope's own cancellation ends here:", err)

	err = cancel.New(context.Background()).Run(func(context.Context) error {
		return errors.New("disk full")
	})
	fmt.Println("any other error passes:", err)
	// Output:
	// the scope's own cancellation ends here: <nil>
	// any other error passes: disk full
}

// Every scope below is canceled with the same cause.
func ExampleScope_Cancel() {
	errFound := errors.New("found")
	search := cancel.New(context.Background())
	defer search.Close()
	drawer := cancel.New(search)
	defer drawer.Close()

	search.Cancel(errFound)
	search.Cancel(errors.New("too late")) // the first one wins
	fmt.Println(errors.Is(context.Cause(drawer), errFound))
	// Output: true
}

// A shielded transaction goes on when the outer scope is canceled, until the shield is
// lowered.
func ExampleScope_SetShield() {
	outer := cancel.New(context.Background())
	defer outer.Close()
	transaction := cancel.New(outer, cancel.Shielded())
	defer transaction.Close()

	outer.Cancel(nil)
	fmt.Println("committing:", transaction.Err())
	transaction.SetShield(false)
	fmt.Println("committed:", transaction.Err())
	// Output:
	// committing: <nil>
	// committed: context canceled
}

// Each message moves the deadline of an idle timeout.
func ExampleScope_SetTimeout() {
	type message struct {
		text string
		next time.Duration // the time limit for the next message
	}
	messages := make(chan message, 2)
	messages <- message{"all is well", time.Minute}
	messages <- message{"still here", time.Millisecond}
	s := cancel.New(context.Background(), cancel.Timeout(time.Minute))
	err := s.Run(func(ctx context.Context) error {
		for {
			select {
			case m := <-messages:
				fmt.Println(m.text)
				s.SetTimeout(m.next)
			case <-ctx.Done():
				return cancel.Err(ctx)
			}
		}
	})
	fmt.Println("no further message:", err)
	// Output:
	// all is well
	// still here
	// no further message: <nil>
}

// A session ends after a minute unless the user has logged in.
func ExampleScope_SetDeadline() {
	session := cancel.New(context.Background(), cancel.Timeout(time.Minute))
	defer session.Close()
	session.SetDeadline(time.Time{}) // no deadline: the user has logged in
	_, limited := session.Deadline()
	fmt.Println(limited)
	// Output: false
}

// Deadline tells whether there is enough time left for another attempt.
func ExampleScope_Deadline() {
	const attempt = time.Minute
	s := cancel.New(context.Background(), cancel.Timeout(time.Second))
	defer s.Close()
	if deadline, ok := s.Deadline(); ok && time.Until(deadline) < attempt {
		fmt.Println("not enough time for another attempt")
	}
	// Output: not enough time for another attempt
}

func ExampleScope_Shutdown() {
	s := cancel.New(context.Background(), cancel.Name("server"))
	err := s.Run(func(ctx context.Context) error {
		s.Shutdown(time.Millisecond)
		<-ctx.Done() // ignores the stop, and is canceled after the grace
		fmt.Println(context.Cause(ctx))
		return cancel.Err(ctx)
	})
	fmt.Println(err)
	// Output:
	// grace expired
	// <nil>
}

// A cause says why the work is to stop.
func ExampleScope_StopCause() {
	s := cancel.New(context.Background(), cancel.Name("worker"))
	defer s.Close()
	s.StopCause(errors.New("a new version is there"))
	if ctx := cancel.UntilStop(s); ctx.Err() != nil {
		fmt.Println("no more jobs:", context.Cause(ctx))
	}
	// Output: no more jobs: a new version is there
}

// Stop reaches a backup behind a shield. It does not cancel any scope.
func ExampleScope_Stop() {
	server := cancel.New(context.Background())
	defer server.Close()
	backup := cancel.New(server, cancel.Shielded())
	defer backup.Close()

	server.Stop()
	stop := cancel.UntilStop(backup)
	<-stop.Done()
	fmt.Println(context.Cause(stop))
	fmt.Println(server.Err(), backup.Err())
	// Output:
	// asked to stop
	// <nil> <nil>
}

func ExampleScope_Close() {
	s := cancel.New(context.Background(), cancel.Name("crawl"))
	s.Close()
	// The cause says that the scope has ended.
	fmt.Println(context.Cause(s))
	fmt.Println(errors.Is(context.Cause(s), cancel.ErrClosed))
	// Output:
	// scope "crawl" has ended
	// true
}

func ExampleScope_IsEcho() {
	s := cancel.New(context.Background())
	defer s.Close()
	s.Cancel(nil)
	echo := fmt.Errorf("fetch: %w", cancel.Err(s))
	fmt.Println(s.IsEcho(echo))
	fmt.Println(s.IsEcho(errors.Join(echo, errors.New("disk full")))) // holds a real error
	// Output:
	// true
	// false
}

// WalkDir does not take a context. Returning Err from its callback ends the walk, and
// Absorb drops the error afterward.
func ExampleScope_Absorb() {
	files := fstest.MapFS{"a/key.pem": nil, "b/key.pem": nil}
	s := cancel.New(context.Background())
	defer s.Close()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "key.pem" {
			fmt.Println("found", path)
			s.Cancel(nil)
		}
		return cancel.Err(s)
	})
	fmt.Println(s.Absorb(err))
	// Output:
	// found a/key.pem
	// <nil>
}

// Read does not take a context. The function passed to OnDone closes the connection,
// which interrupts Read.
func ExampleScope_OnDone() {
	conn, peer := net.Pipe()
	defer peer.Close()
	s := cancel.New(context.Background())
	defer s.Close()
	stop := s.OnDone(func() { conn.Close() })
	defer stop()

	s.Cancel(nil)
	_, err := conn.Read(make([]byte, 1)) // would block if conn were open
	fmt.Println(err)
	// Output: io: read/write on closed pipe
}

// A worker pool cancels its workers and tells them which task failed.
func ExampleScope_CancelAs() {
	pool := cancel.New(context.Background(), cancel.Name("pool"))
	defer pool.Close()
	var workers sync.WaitGroup
	workers.Go(func() {
		pool.CancelAs(&cancel.Error{
			Err:    context.Canceled,
			Reason: cancel.Reason{Source: cancel.SourceTask, Task: "parser", Cause: errors.New("line 7: no such unit")},
		})
	})
	workers.Go(func() {
		<-pool.Done()
		fmt.Println("writer:", cancel.Err(pool))
	})
	workers.Wait()
	// Output: writer: context canceled: line 7: no such unit (task "parser" in scope "pool" failed)
}

// A scope of a server also ends when the client of the current request hangs up.
func ExampleScope_Follow() {
	request, hangUp := context.WithCancel(context.Background())
	s := cancel.New(context.Background(), cancel.Name("server"))
	defer s.Close()
	stop := s.Follow(request)
	defer stop()
	hangUp()
	<-s.Done()
	fmt.Println(s.Err())
	// Output: context canceled
}

// A log line begins with the name of the enclosing scope.
func ExampleScope_Name() {
	log := func(ctx context.Context, what string) {
		if s := cancel.FromContext(ctx); s != nil {
			what = s.Name() + ": " + what
		}
		fmt.Println(what)
	}
	s := cancel.New(context.Background(), cancel.Name("crawl"))
	defer s.Close()
	log(s, "begins")
	// Output: crawl: begins
}

// Values pass through a shield, so the clean-up of a canceled request has its user.
func ExampleScope_Value() {
	type user struct{}
	request := context.WithValue(context.Background(), user{}, "ada")
	s := cancel.New(request)
	err := s.Run(func(ctx context.Context) error {
		s.Cancel(nil)
		return cancel.Shield(ctx, time.Minute, func(ctx context.Context) error {
			fmt.Println("unlocking the files of", ctx.Value(user{}))
			return nil
		})
	})
	fmt.Println(err)
	// Output:
	// unlocking the files of ada
	// <nil>
}

// Path returns the names of the enclosing scopes, which identify a log line.
func ExamplePath() {
	request := cancel.New(context.Background(), cancel.Name("req-17"))
	defer request.Close()
	err := cancel.FailAfter(request, time.Minute, func(ctx context.Context) error {
		fmt.Println(cancel.Path(ctx))
		return nil
	}, cancel.Name("fetch"))
	fmt.Println(err)
	// Output:
	// req-17/fetch
	// <nil>
}

// A client's deadline and names reach the server in the headers of a request.
func ExampleInject() {
	serve := func(r *http.Request) {
		s := cancel.Extract(r.Context(), r.Header.Get, cancel.Name("orders"), cancel.Timeout(time.Minute))
		defer s.Close()
		left, _ := s.Deadline()
		fmt.Println(cancel.Path(s), "has", time.Until(left).Round(time.Second))
	}
	ctx := cancel.New(context.Background(), cancel.Name("req-17"), cancel.Timeout(2*time.Second))
	defer ctx.Close()
	req := &http.Request{Header: make(http.Header)}
	cancel.Inject(ctx, req.Header.Set)
	serve(req)
	// Output: req-17/orders has 2s
}

func ExampleExtract() {
	h := http.Header{"Grove-Budget": {"3600000"}} // an hour
	s := cancel.Extract(context.Background(), h.Get, cancel.Timeout(time.Minute))
	defer s.Close()
	deadline, _ := s.Deadline()
	fmt.Println(time.Until(deadline) <= time.Minute)
	// Output: true
}
