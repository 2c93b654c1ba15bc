package main

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestCompare(t *testing.T) {
	t.Run("each round begins with another contestant", func(t *testing.T) {
		var order []string
		c := comparison{name: "c", unit: perOp, size: 1}
		for _, name := range []string{"a", "b", "c"} {
			c.contestants = append(c.contestants, contestant{name: name, run: func(j job) error {
				order = append(order, name)
				return repeat(func(j job) error { return nil })(j)
			}})
		}
		if _, err := compare(c, 3, time.Microsecond); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a", "b", "c", "b", "c", "a", "c", "a", "b"}; !slices.Equal(order, want) {
			t.Errorf("order = %q, want %q", order, want)
		}
	})
	t.Run("a sample for each round, by item", func(t *testing.T) {
		c := comparison{unit: perItem, size: 10, contestants: []contestant{{name: "a", run: repeat(allocate)}}}
		r, err := compare(c, 2, time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.samples[0]) != 2 {
			t.Fatalf("%d samples, want 2", len(r.samples[0]))
		}
		for _, s := range r.samples[0] {
			if s.value <= 0 || s.allocs < 1 || s.allocs > 1.5 {
				t.Errorf("sample = %v, want some time and an allocation", s)
			}
		}
	})
	t.Run("bytes of a task", func(t *testing.T) {
		c := comparison{unit: bytesPerTask, size: 1000, contestants: []contestant{{name: "a", run: goroutineParked}}}
		r, err := compare(c, 1, time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.samples[0][0].value; got < 1000 || got > 20_000 {
			t.Errorf("%v bytes, want the size of a goroutine", got)
		}
	})
	t.Run("an error names the contestant", func(t *testing.T) {
		broken := errors.New("broken")
		c := comparison{name: "c", unit: perOp, contestants: []contestant{{name: "a", run: func(job) error { return broken }}}}
		_, err := compare(c, 1, time.Millisecond)
		if !errors.Is(err, broken) || err.Error() != "c: a: broken" {
			t.Errorf("compare() = %v, want c: a: broken", err)
		}
	})
}

// allocate allocates once for each item.
func allocate(j job) error {
	kept := make([]*int, 0, 16) // on the stack
	for i := range j.size {
		kept = append(kept, new(j.do(i)))
	}
	sink(kept)
	return nil
}

//go:noinline
func sink([]*int) {}
