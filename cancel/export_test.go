//go:build explore

package cancel

// Kids returns how many scopes below are listed in s: those that have to be told, and
// have not been closed.
func Kids(s *Scope) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := s.kids; c != nil; c = c.next {
		n++
	}
	return n
}
