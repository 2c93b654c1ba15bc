package debug

import (
	"time"

	"github.com/grove-go/grove/internal/live"
)

// Counters are figures about the nurseries that the registry knows or knew. Figures that
// count from the start of the program never decrease.
type Counters struct {
	Nurseries  int // open now
	Tasks      int // running now
	Queued     int // waiting now for their turn under a limit
	Stragglers int // running now in nurseries that have been canceled

	Closed   uint64 // nurseries that have closed
	Finished uint64 // tasks of closed nurseries
	Failed   uint64 // closed nurseries that failed
	Panicked uint64 // closed nurseries that had a panic
	Canceled uint64 // closed nurseries that were canceled

	// CancelLatency is how long nurseries took to close after their scope was canceled, by
	// name. The nurseries beyond the first 1,000 names share the name "(other)".
	CancelLatency map[string]Latency
}

// A Latency is a histogram of durations.
type Latency struct {
	Count   uint64        // number of durations
	Sum     time.Duration // of all durations
	Buckets []Bucket      // by length, the shortest first
}

// A Bucket counts the durations that are shorter than Below, and not shorter than Below of
// the bucket before. In the last bucket Below is 0, and Count counts all longer durations.
type Bucket struct {
	Below time.Duration
	Count uint64
}

// Metrics returns figures about nurseries. They are zero unless the registry is on or was
// on; see [Enable]. Metrics does not stop the program. Its cost grows with the number of open
// nurseries. It may be called by several goroutines at once.
func Metrics() Counters {
	t := live.ReadTotals()
	c := Counters{
		Closed: t.Nurseries, Finished: t.Tasks, Failed: t.Failed, Panicked: t.Panicked, Canceled: t.Canceled,
		CancelLatency: make(map[string]Latency),
	}
	for name, h := range t.Latency {
		l := Latency{Sum: h.Sum}
		for i, n := range h.Counts {
			b := Bucket{Below: time.Millisecond << i, Count: n}
			if i == len(h.Counts)-1 {
				b.Below = 0
			}
			l.Count += n
			l.Buckets = append(l.Buckets, b)
		}
		c.CancelLatency[name] = l
	}
	for _, r := range live.Nurseries() {
		info := live.DescribeNursery(r.Self)
		c.Nurseries++
		c.Tasks += info.Running
		c.Queued += info.Queued
		if live.CanceledAt(info.Scope) != 0 {
			c.Stragglers += info.Running
		}
	}
	return c
}
