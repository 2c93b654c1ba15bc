package main

import (
	"bufio"
	"os"
	"runtime"
	"strings"
	"time"
)

// circumstances are the conditions of a run, for the header of the report.
type circumstances struct {
	command   string
	rounds    int
	benchtime time.Duration
	version   string // of Go
	platform  string
	procs     int       // GOMAXPROCS
	cpus      int       // that there are
	cpu       string    // their model; empty: not known
	speedups  []float64 // before each comparison
}

// thisRun returns the circumstances of a run with the given options. They do not identify a
// machine among others of its kind.
func thisRun(o options, speedups []float64) circumstances {
	return circumstances{
		command:   o.command,
		rounds:    o.rounds,
		benchtime: o.benchtime,
		version:   runtime.Version(),
		platform:  runtime.GOOS + "/" + runtime.GOARCH,
		procs:     runtime.GOMAXPROCS(0),
		cpus:      runtime.NumCPU(),
		cpu:       cpuModel(),
		speedups:  speedups,
	}
}

// cpuModel returns the model of the first processor, if this system reports it as Linux
// does.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
