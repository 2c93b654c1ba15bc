package cancel

// Kids returns how many scopes are in the list of s.
func Kids(s *Scope) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := s.kids; c != nil; c = c.next {
		n++
	}
	return n
}

// Hubs returns how many registrations with foreign contexts scopes share.
func Hubs() int {
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	return len(hubs.byDone)
}
