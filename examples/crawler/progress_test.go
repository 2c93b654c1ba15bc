package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := drawProgress(&out, 4)
	for range 3 {
		p.add()
	}
	if got := out.String(); !strings.Contains(got, "crawling") || !strings.Contains(got, "1/4") {
		t.Errorf("the line is %q, want a count of 4", got)
	}
	p.done()
	if lines := strings.Split(out.String(), "\r"); strings.TrimSpace(lines[len(lines)-1]) != "" {
		t.Errorf("the line is left as %q, want nothing", lines[len(lines)-1])
	}
}

// Into a file goes no progress line.
func TestNoProgress(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := newProgress(f, 3)
	p.add()
	p.done()
	if info, err := f.Stat(); err != nil || info.Size() > 0 {
		t.Errorf("%d bytes were written (%v), want none", info.Size(), err)
	}
}
