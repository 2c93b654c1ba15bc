package testutil_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
)

func TestBubble(t *testing.T) {
	t.Run("T1/time is virtual and the context is a root scope", func(t *testing.T) {
		var root *cancel.Scope
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			root = cancel.FromContext(ctx)
			if root == nil || root.Name() != t.Name() {
				t.Errorf("FromContext(ctx) = %v, want a scope named %q", root, t.Name())
			}
			start := time.Now()
			if err := cancel.Sleep(ctx, time.Hour); err != nil {
				t.Errorf("Sleep() = %v, want nil", err)
			}
			if d := time.Since(start); d != time.Hour {
				t.Errorf("an hour took %v", d)
			}
		})
		if err := context.Cause(root); !errors.Is(err, cancel.ErrClosed) {
			t.Errorf("Cause() after the bubble = %v, want ErrClosed", err)
		}
	})
}

// A recorder is a testing.TB that records errors instead of failing.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()        {}
func (r *recorder) Error(a ...any) { r.errors = append(r.errors, fmt.Sprint(a...)) }
func (r *recorder) Cleanup(func()) {}
func (r *recorder) Errorf(f string, a ...any) {
	r.errors = append(r.errors, fmt.Sprintf(f, a...))
}

func leakOne(block chan struct{}) { go func() { <-block }() }

func TestVerifyNone(t *testing.T) {
	t.Run("T1/a leak is reported with its stack", func(t *testing.T) {
		block := make(chan struct{})
		leakOne(block)
		r := &recorder{TB: t}
		testutil.VerifyNone(r)
		close(block)
		if len(r.errors) == 0 || !strings.Contains(r.errors[0], "leakOne") {
			t.Errorf("VerifyNone reported %q, want the stack of leakOne", r.errors)
		}
	})
	t.Run("T1/without a leak it is silent", func(t *testing.T) {
		r := &recorder{TB: t}
		testutil.VerifyNone(r)
		if len(r.errors) > 0 {
			t.Errorf("VerifyNone reported %q, want nothing", r.errors)
		}
	})
}

// inChild is an environment variable that selects the test that fails in a child process.
const inChild = "GROVE_TESTUTIL_CHILD"

// child runs a test in a child process, where it must fail, and returns the output.
func child(t *testing.T, test, what string, flags ...string) string {
	t.Helper()
	c := exec.Command(os.Args[0], append([]string{"-test.run", "^" + test + "$"}, flags...)...)
	c.Env = append(os.Environ(), inChild+"="+what)
	out, err := c.CombinedOutput()
	if err == nil {
		t.Errorf("the child passed; its output:\n%s", out)
	}
	return string(out)
}

// profiled runs the leaking child with the runtime's leak profile. It runs once per
// process because the build takes a while.
var profiled = sync.OnceValues(func() (out string, err error) {
	c := exec.Command("go", "test", "-vet=off", "-run", "^TestMainReportsLeaks$", ".")
	c.Env = append(os.Environ(), inChild+"=leak", "GOEXPERIMENT=goroutineleakprofile")
	b, err := c.CombinedOutput()
	if len(b) == 0 && err != nil {
		b = []byte(err.Error())
	}
	return string(b), err
})

// leaksForCertain is part of Main's output if the runtime supports the leak profile.
const leaksForCertain = "the runtime reports as leaked:\ngoroutine "

func TestMainReportsLeaks(t *testing.T) {
	if os.Getenv(inChild) == "leak" {
		leakOne(make(chan struct{}))
		return
	}
	knows := pprof.Lookup("goroutineleak") != nil
	t.Run("T1/with stacks", func(t *testing.T) {
		out := child(t, "TestMainReportsLeaks", "leak")
		if !strings.Contains(out, "testutil: Main: found unexpected goroutines:\nGoroutine ") || !strings.Contains(out, "leakOne") {
			t.Errorf("Main did not report the leak; it printed:\n%s", out)
		}
		if knows != strings.Contains(out, leaksForCertain) {
			t.Errorf("leak profile supported: %v; Main printed:\n%s", knows, out)
		}
	})
	if knows { // the subtest above covers it
		return
	}
	t.Run("T1/with the runtime's leak profile", func(t *testing.T) {
		t.Parallel()
		out, err := profiled()
		if err == nil {
			t.Errorf("the child passed; its output:\n%s", out)
		}
		if strings.Contains(out, "unknown GOEXPERIMENT") {
			t.Fatalf("this toolchain does not support GOEXPERIMENT=goroutineleakprofile:\n%s", out)
		}
		_, certain, found := strings.Cut(out, leaksForCertain)
		if !found || !strings.Contains(certain, "leakOne") {
			t.Errorf("Main did not report the leak from the runtime's profile; it printed:\n%s", out)
		}
	})
}
