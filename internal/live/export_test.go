package live

// Reset sets the totals to zero.
func Reset() {
	totals.mu.Lock()
	defer totals.mu.Unlock()
	totals.Totals = Totals{}
}
