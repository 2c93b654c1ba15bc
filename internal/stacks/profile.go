package stacks

import (
	"bytes"
	"runtime/pprof"
	"strconv"
	"strings"
)

// Profile returns the stacks of this program that differ, and how many goroutines have each.
// The program stands still for a moment alone. The frames have no arguments, and the
// goroutines have no state.
func Profile() (d *Dump, counts []int) {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		panic(err) // a Buffer returns no error
	}
	return ParseProfile(text.String())
}

// ParseProfile returns the stacks in the text of a goroutine profile with debug=1.
func ParseProfile(text string) (d *Dump, counts []int) {
	d = &Dump{}
	var g *Goroutine
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if frame, ok := strings.CutPrefix(line, "#\t"); ok && g != nil {
			g.profiled(frame)
		} else if labels, ok := strings.CutPrefix(line, "# labels: {"); ok && g != nil {
			g.Labels = profiledLabels(labels)
		} else if count, _, ok := strings.Cut(line, " @"); ok {
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 {
				continue
			}
			g = new(Goroutine)
			d.Goroutines, counts = append(d.Goroutines, g), append(counts, n)
		}
	}
	d.learn()
	return d, counts
}

// profiled adds a frame: an address, a function with an offset, and a place.
func (g *Goroutine) profiled(frame string) {
	parts := strings.FieldsFunc(frame, func(r rune) bool { return r == '\t' })
	if len(parts) != 3 {
		return
	}
	f := Frame{Function: parts[1], Args: "..."}
	if at := strings.LastIndex(f.Function, "+0x"); at >= 0 {
		f.Function = f.Function[:at]
	}
	f.File, f.Line = parsePlace(parts[2])
	g.Frames = append(g.Frames, f)
}

// profiledLabels reads labels as a profile has them, without the opening brace.
func profiledLabels(s string) (labels []Label) {
	for strings.HasPrefix(s, `"`) {
		var l Label
		l.Key, s = cutQuoted(s, ":")
		l.Value, s = cutQuoted(s, ", ")
		labels = append(labels, l)
	}
	return labels
}
