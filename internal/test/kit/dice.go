package kit

import (
	"math/rand/v2"
	"sync"
	"time"
)

// A Dice is a source of random numbers. It is safe for use by multiple goroutines
// simultaneously.
type Dice struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

// NewDice returns a Dice. Its numbers depend on the seed and the number of the stream.
func NewDice(seed, stream uint64) *Dice { return &Dice{rnd: rand.New(rand.NewPCG(seed, stream))} }

// Roll returns a number from 0 to n-1.
func (d *Dice) Roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.IntN(n)
}

// Micros returns a duration of less than n microseconds, in whole microseconds.
func (d *Dice) Micros(n int) time.Duration { return time.Duration(d.Roll(n)) * time.Microsecond }
