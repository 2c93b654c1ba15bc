//go:build !race

package channel

import "github.com/grove-go/grove/internal/point"

// A gate is needed with the race detector alone; see there.
type gate struct{}

func (gate) enter()      {}
func (gate) leave()      {}
func (gate) shut(func()) {}
func (gate) reopen()     {}

// point is a point that lies between enter and leave, or shut and reopen.
func (gate) point(name string) { point.Here(name) }
