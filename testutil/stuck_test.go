package testutil_test

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/testutil"
)

// T1: Main reports a test that hangs outside a bubble.
func TestStuck(t *testing.T) {
	s, r := channel.New[string](0)
	defer s.Close()
	defer r.Close()
	stop := testutil.WatchStuck(50*time.Millisecond, func(report string) { _ = s.TrySend(report) })
	defer stop()
	report, err := r.Receive(t.Context()) // blocks until the report
	if err != nil || !strings.Contains(report, "a value (Receiver.Receive)") || !strings.Contains(report, "testutil_test.TestStuck") {
		t.Errorf("err = %v, and the report does not name this test:\n%s", err, report)
	}
}

// T1: a test that waits for another process or for a running goroutine is not stuck.
func TestNotStuck(t *testing.T) {
	var mu sync.Mutex
	var reports []string
	stop := testutil.WatchStuck(50*time.Millisecond, func(report string) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, report)
	})
	// The child takes longer than this watch's time limit, because each TestStuck waits
	// for its own watch to report.
	if out, err := exec.Command(os.Args[0], "-test.run=^TestStuck$", "-test.count=5").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	end := time.Now().Add(200 * time.Millisecond)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for time.Now().Before(end) {
		}
	}()
	<-done
	stop()
	mu.Lock()
	defer mu.Unlock()
	if len(reports) > 0 {
		t.Errorf(" reported a test that is not stuck:\n%s", strings.Join(reports, "\n"))
	}
}

// T1: a look that begins as the watch is stopped ends, and is the last one.
func TestStuckStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, first := range []string{"look", "stop", "look", "stop"} {
			stop := make(chan func(), 1)
			stopLater := func() { time.AfterFunc(time.Second, func() { (<-stop)() }) } // with the first look
			if first == "stop" {
				stopLater()
			}
			stop <- testutil.WatchStuck(10*time.Second, func(string) { t.Error("the watch reported after it was stopped") })
			if first == "look" {
				stopLater()
			}
			time.Sleep(time.Minute)
		}
	})
}

// T1: the time that a goroutine has waited makes no difference.
func TestOutline(t *testing.T) {
	stack := func(header string) string { return header + "\nmain.f(0x1)\n\t/f.go:1 +0x1\n" }
	a := testutil.Outline(stack("goroutine 7 [chan receive]:"))
	if b := testutil.Outline(stack("goroutine 7 [chan receive, 2 minutes]:")); a != b {
		t.Errorf("got %q and %q, want the same", a, b)
	}
	if b := testutil.Outline(stack("goroutine 7 [select]:")); a == b {
		t.Errorf("got %q for both, want a difference", a)
	}
}
