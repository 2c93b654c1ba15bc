package cancel

// Echoes is IsEcho for a scope that has ended, with predicates.
func (s *Scope) Echoes(err error, is ...func(error) bool) bool { return s.full().echoes(err, is) }
