// Package flags checks the flags of the examples.
package flags

import (
	"cmp"
	"fmt"
)

// Within returns an error that names a flag unless its value is from least to most. A value
// that is not a number is an error.
func Within[T cmp.Ordered](name string, value, least, most T) error {
	if value >= least && value <= most {
		return nil
	}
	return fmt.Errorf("-%s: must be from %v to %v, got %v", name, least, most, value)
}
