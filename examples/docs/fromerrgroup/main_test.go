package fromerrgroup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	program.Child(child)
	testutil.Main(m)
}

// programs run as processes of a test, because they end the process.
var programs = map[string]func(){
	"stream in bubbles": streamInBubbles,
	"panic errgroup":    func() { panicking(waitErrgroup) },
	"panic run":         func() { panicking(waitRun) },
	"panic tomb":        func() { panicking(waitTomb) },
	"panic Grove":       func() { panicking(waitGrove) },
	"hang":              hang,
	"dying":             dying,
	"conc during Wait":  concDuringWait,
	"signal run":        shutDownRun,
	"signal errgroup":   func() { shutDown(signalErrgroup) },
	"signal Grove":      func() { shutDown(func(s server) error { signalGrove(s); return nil }) },
}

func child() { programs[os.Args[1]]() }

// Errors of the tests.
var (
	errFull = errors.New("disk full")
	errGone = errors.New("404: gone")
)

// A task is what all the libraries run, in one form or another.
type task = func(ctx context.Context) error

// fails returns a task that fails at once.
func fails(err error) task { return func(context.Context) error { return err } }

// waits is a task that waits to be canceled, and returns the error of its context.
func waits(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// takes returns a task that takes so long, canceled or not.
func takes(d time.Duration) task {
	return func(context.Context) error {
		time.Sleep(d)
		return nil
	}
}

// fetch gets a page. The page gone does not exist, and the page slow comes when ctx is
// done.
func fetch(ctx context.Context, url string) (string, error) {
	switch url {
	case "gone":
		return "", errGone
	case "slow":
		return "", waits(ctx)
	}
	return "page " + url, nil
}

// visit is fetch without the page.
func visit(ctx context.Context, url string) error {
	_, err := fetch(ctx, url)
	return err
}

// inBubble runs fn in virtual time. Its last parameter is the time that has passed.
func inBubble(t *testing.T, name string, fn func(t *testing.T, ctx context.Context, passed func() time.Duration)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			start := time.Now()
			fn(t, ctx, func() time.Duration { return time.Since(start) })
		})
	})
}

// item is how the error of a call for an item begins.
var item = regexp.MustCompile(`^item \d+: `)

// mustBe fails the test unless err is want, or wraps it, and says nothing more than the
// index of an item.
func mustBe(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || item.ReplaceAllString(err.Error(), "") != want.Error() {
		t.Errorf("error %q, want %q", fmt.Sprint(err), want)
	}
}

// mustTake fails the test unless so much time has passed.
func mustTake(t *testing.T, passed func() time.Duration, want time.Duration) {
	t.Helper()
	if got := passed(); got != want {
		t.Errorf("it took %v, want %v", got, want)
	}
}

// panicOf returns what fn panics with, or nil.
func panicOf(fn func()) (value any) {
	defer func() { value = recover() }()
	fn()
	return nil
}

// mustContain fails the test unless a text contains others.
func mustContain(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in\n%s", w, text)
		}
	}
}

// runTests runs tests, in this order, and ends the process.
func runTests(tests ...func(*testing.T)) {
	os.Args = os.Args[:1]
	var all []testing.InternalTest
	for i, f := range tests {
		all = append(all, testing.InternalTest{Name: "Test" + strconv.Itoa(i), F: f})
	}
	testing.Main(func(string, string) (bool, error) { return true, nil }, all, nil, nil)
}
