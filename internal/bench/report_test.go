package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	var b bytes.Buffer
	c := circumstances{
		command: "go run ./internal/bench", rounds: 3, benchtime: 100 * time.Millisecond,
		version: "go1.26", platform: "linux/amd64", procs: 2, cpus: 4, cpu: "A Processor", speedups: []float64{1.9, 1.2, 1.8},
	}
	if err := report(&b, c, fixed()); err != nil {
		t.Fatal(err)
	}
	header, tables, _ := strings.Cut(b.String(), "\n## ")
	for _, want := range []string{"`go run ./internal/bench`", "go1.26 on linux/amd64", "GOMAXPROCS=2", "4 processors: A Processor", "1.8 times in the median, 1.2 times in the worst", "3 rounds of about 100ms"} {
		if !strings.Contains(header, want) {
			t.Errorf("no %q in header:\n%s", want, header)
		}
	}
	const want = `Items

| contestant | ns per item | spread | allocs/item | ratio to ours |
| --- | ---: | ---: | ---: | ---: |
| **ours** | 11.0 | 9 % | 0.00 | 1.00 |
| by hand | 22.0 | 9 % | 1.00 | 2.00 |
| other by hand | 9.00 | 11 % | 0.50 | 0.82 |
| peer | 110 | 9 % | 2.00 | 10.00 |

## Memory

| contestant | bytes per task | spread | allocs/item | ratio to ours |
| --- | ---: | ---: | ---: | ---: |
| bare | 2000 | 0 % | – | 0.97 |
| **ours** | 2060 | 0 % | – | 1.00 |

## Goals

| comparison | goal | wanted at most | measured | |
| --- | --- | ---: | ---: | --- |
| Items | ours / other by hand, the best by hand | 1.05 | 1.22 | **missed** |
| Items | ours / peer | 0.15 | 0.10 | met |
| Memory | ours / bare | 1.03 | 1.03 | met |
`
	if tables != want {
		t.Errorf("tables:\n%s\nwant:\n%s", tables, want)
	}
}

func TestFigure(t *testing.T) {
	for x, want := range map[float64]string{0: "0.00", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 123456: "123456"} {
		if got := figure(x); got != want {
			t.Errorf("figure(%v) = %q, want %q", x, got, want)
		}
	}
}
