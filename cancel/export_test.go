package cancel

import "reflect"

// Kids returns the number of scopes in the list of s.
func Kids(s *Scope) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := s.kids; c != nil; c = c.next {
		n++
	}
	return n
}

// Hubs returns the number of shared registrations with foreign contexts.
func Hubs() int {
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	return len(hubs.byDone)
}

// Sizes are the sizes of what scopes and their ends allocate.
var Sizes = map[string]uintptr{
	"Scope": reflect.TypeFor[Scope]().Size(),
	"end":   reflect.TypeFor[end]().Size(),
}
