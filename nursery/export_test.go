package nursery

import "reflect"

// Keys returns the number of computations that callers can join.
func (s *Shared[K, V]) Keys() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// Sizes are the sizes of what nurseries and tasks allocate.
var Sizes = map[string]uintptr{
	"Nursery":  reflect.TypeFor[Nursery]().Size(),
	"settings": reflect.TypeFor[settings]().Size(),
	"taskInfo": reflect.TypeFor[taskInfo]().Size(),
}

// CutOff returns when Main cancels even if its report hangs.
var CutOff = cutOff
