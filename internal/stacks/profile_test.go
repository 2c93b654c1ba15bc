package stacks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/grove-go/grove/internal/stacks"
)

func TestProfile(t *testing.T) {
	const profile = "goroutine profile: total 5\n" +
		"3 @ 0x47d96e 0x45f146\n" +
		"# labels: {\"grove\":\"a/b c\\\"]}, \", \"x\":\"y\"}\n" +
		"#\t0x4dc18e\tmain.(*T[...]).work+0xe\t\t/src/my app/main.go:5\n" +
		"#\t0x4dc19e\tmain.main+0x1e\n" +
		"\n" +
		"2 @ 0x1\n" +
		"-1 @ 0x1\nx @\n# labels: {bad\n#\t\n"
	d, counts := stacks.ParseProfile(profile)
	if !slices.Equal(counts, []int{3, 2}) || len(d.Goroutines) != 2 {
		t.Fatalf("the counts are %v, of %d stacks", counts, len(d.Goroutines))
	}
	g := d.Goroutines[0]
	if want := []stacks.Label{{Key: "grove", Value: "a/b c\"]}, "}, {Key: "x", Value: "y"}}; !slices.Equal(g.Labels, want) {
		t.Errorf("the labels are %q, want %q", g.Labels, want)
	}
	if want := (stacks.Frame{Function: "main.(*T[...]).work", Args: "...", File: "/src/my app/main.go", Line: 5}); len(g.Frames) != 1 || g.Frames[0] != want {
		t.Errorf("the frames are %+v, want %+v", g.Frames, want)
	}
	if d, counts := stacks.Profile(); len(counts) == 0 || !slices.ContainsFunc(d.Goroutines, func(g *stacks.Goroutine) bool {
		return strings.HasSuffix(d.At(g).Function, ".TestProfile")
	}) {
		t.Errorf("the profile of this program lacks this test: %+v", d)
	}
}

// FuzzParseProfile fails if ParseProfile panics, or if a count is not positive.
func FuzzParseProfile(f *testing.F) {
	f.Add("1 @ 0x1\n# labels: {\"a\":\"b\"}\n#\t0x1\tmain.main+0x1\t/a/b.go:1\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, counts := stacks.ParseProfile(text)
		if len(counts) != len(d.Goroutines) {
			t.Errorf("%d counts of %d stacks", len(counts), len(d.Goroutines))
		}
		for i, g := range d.Goroutines {
			d.At(g)
			d.Waits(g)
			if counts[i] < 1 {
				t.Errorf("a count is %d", counts[i])
			}
		}
	})
}
