package live

import (
	"context"
	"maps"
	"math/bits"
	"sync"
	"time"
)

// CanceledAt returns when a *cancel.Scope was canceled, by Now, or 0 if it was not. Package
// cancel sets CanceledAt when it is initialized.
var CanceledAt func(scope context.Context) int64

// Totals count what has happened in nurseries with a record that have closed.
type Totals struct {
	Nurseries uint64
	Tasks     uint64
	Failed    uint64 // nurseries that failed
	Panicked  uint64 // nurseries that had a panic
	Canceled  uint64 // nurseries that were canceled
	Latency   map[string]Histogram
}

// Buckets is the number of buckets of a Histogram.
const Buckets = 20

// A Histogram counts how long canceled nurseries took to close. Bucket i counts times below
// 2 to the power of i milliseconds, down to the limit of the bucket before. The last bucket
// counts all longer times.
type Histogram struct {
	Counts [Buckets]uint64
	Sum    time.Duration
}

// MaxNames is how many names of nurseries Totals distinguishes. All others share the name
// Other.
const MaxNames = 1000

// Other is the name of nurseries beyond MaxNames.
const Other = "(other)"

var totals struct {
	mu sync.Mutex
	Totals
}

// A Summary has the data of a closed nursery for the totals.
type Summary struct {
	Name     string
	Tasks    int
	Failed   bool
	Panicked bool
	Canceled int64 // when the scope was canceled, by Now, or 0
}

// count adds a nursery to the totals.
func count(s Summary) {
	latency := time.Duration(0)
	if s.Canceled != 0 {
		latency = max(0, time.Duration(Now()-s.Canceled))
	}
	totals.mu.Lock()
	defer totals.mu.Unlock()
	t := &totals.Totals
	t.Nurseries++
	t.Tasks += uint64(s.Tasks)
	if s.Failed {
		t.Failed++
	}
	if s.Panicked {
		t.Panicked++
	}
	if s.Canceled == 0 {
		return
	}
	t.Canceled++
	if t.Latency == nil {
		t.Latency = make(map[string]Histogram)
	}
	h, known := t.Latency[s.Name]
	if !known && len(t.Latency) >= MaxNames {
		s.Name = Other
		h = t.Latency[Other]
	}
	h.Counts[min(bits.Len64(uint64(latency/time.Millisecond)), Buckets-1)]++
	h.Sum += latency
	t.Latency[s.Name] = h
}

// ReadTotals returns a copy of the totals.
func ReadTotals() Totals {
	totals.mu.Lock()
	defer totals.mu.Unlock()
	t := totals.Totals
	t.Latency = maps.Clone(t.Latency)
	return t
}
