package main

import "context"

// A unit is what the figures of a comparison count.
type unit string

const (
	perItem      unit = "ns per item"
	perOp        unit = "ns per operation"
	bytesPerTask unit = "bytes per task"
)

// A comparison gives contestants the same job.
type comparison struct {
	name        string
	unit        unit
	size        int                    // of the job
	limit       int                    // of the job; 0: GOMAXPROCS
	work        func() func(i int) int // returns the work for an item; nil: no work
	contestants []contestant           // the first of ours is compared with the others
	goals       []goal
}

// A contestant is a way to do a job.
type contestant struct {
	name string
	ours bool // of the library, not a peer
	run  func(job) error
}

// A goal is a ratio that one of our contestants should have to a peer. If there are several
// peers, the peer with the best median counts.
type goal struct {
	ours   string
	peers  []string
	atMost float64 // ours divided by the peer's
}

// A job is the work of a contestant: while loop returns true, call do once for each index
// from 0 to size-1.
type job struct {
	ctx   context.Context
	loop  func() bool
	size  int
	limit int             // how many calls of do may run at a time
	do    func(i int) int // safe for concurrent use

	pause, resume func() // pause the measurement

	took func(results []int) // called by a map with the results of do, in order
	take func(r int)         // called by a stream with each result of do, one at a time
}

// repeat makes a contestant's run of a function that does the job once.
func repeat(once func(job) error) func(job) error {
	return func(j job) error {
		for j.loop() {
			if err := once(j); err != nil {
				return err
			}
		}
		return nil
	}
}
