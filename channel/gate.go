//go:build !race

package channel

// A gate is needed with the race detector alone; see there.
type gate struct{}

func (gate) enter()      {}
func (gate) leave()      {}
func (gate) shut(func()) {}
func (gate) reopen()     {}
