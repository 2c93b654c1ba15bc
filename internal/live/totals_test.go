package live_test

import (
	"strconv"
	"testing"

	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestTotals(t *testing.T) {
	live.Reset()
	closed := func(s live.Summary) {
		n := live.New(t)
		n.Open()
		n.Close(s)
	}
	for i := range live.MaxNames + 10 {
		closed(live.Summary{Name: strconv.Itoa(i), Tasks: 2, Failed: i == 0, Panicked: i == 1, Canceled: live.Now()})
	}
	closed(live.Summary{Name: "not canceled"})
	got := live.ReadTotals()
	if got.Nurseries != live.MaxNames+11 || got.Canceled != live.MaxNames+10 || got.Tasks != 2*got.Canceled || got.Failed != 1 || got.Panicked != 1 {
		t.Errorf("%d nurseries, %d canceled, %d tasks, %d failed, %d panicked", got.Nurseries, got.Canceled, got.Tasks, got.Failed, got.Panicked)
	}
	if len(got.Latency) != live.MaxNames+1 {
		t.Errorf("%d names, want %d and one for the others", len(got.Latency), live.MaxNames)
	}
	others := uint64(0)
	for _, n := range got.Latency[live.Other].Counts {
		others += n
	}
	if others != 10 {
		t.Errorf("%d nurseries are among the others, want 10", others)
	}
	if n := len(live.Nurseries()); n != 0 {
		t.Errorf("%d nurseries are left", n)
	}
}
