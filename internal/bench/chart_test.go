package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestChart(t *testing.T) {
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := chart(b, fixed()); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same results give another chart")
	}
	got := texts(t, &first)
	for _, want := range []string{"Items", "Memory", "by hand", "other by hand", "peer", "bare", "2.00", "0.82", "10.00", "0.97", "1×", "10×"} {
		if !slices.Contains(got, want) {
			t.Errorf("no text %q in the chart, it has %q", want, got)
		}
	}
	if slices.Contains(got, "ours") {
		t.Error("ours has a bar, which would always be 1")
	}
}

// texts returns the texts in an SVG.
func texts(t *testing.T, svg io.Reader) []string {
	t.Helper()
	var list []string
	inside := false
	for d := xml.NewDecoder(svg); ; {
		token, err := d.Token()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inside = token.Name.Local == "text"
		case xml.EndElement:
			inside = false
		case xml.CharData:
			if inside {
				list = append(list, strings.TrimSpace(string(token)))
			}
		}
	}
}

func TestMultiples(t *testing.T) {
	var got []string
	for _, tick := range (multiples{}).Ticks(0.15, 30) {
		got = append(got, tick.Label)
	}
	if want := []string{"0.2×", "0.5×", "1×", "2×", "5×", "10×", "20×"}; !slices.Equal(got, want) {
		t.Errorf("Ticks(0.15, 30) = %q, want %q", got, want)
	}
}
