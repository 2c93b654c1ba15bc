package web

import "net/http"

// Kept returns how many snapshots a [Handler] keeps in memory.
func Kept(h http.Handler) int {
	handler := h.(*handler)
	handler.mu.Lock()
	defer handler.mu.Unlock()
	return len(handler.recent)
}
