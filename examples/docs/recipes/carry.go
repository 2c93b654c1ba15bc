package recipes

import (
	"net/http"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A Carrier is a transport that passes the scope of each request on to the server.
type Carrier struct{ Next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (c Carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context()) // the request belongs to the caller
	cancel.Inject(r.Context(), r.Header.Set)
	return c.Next.RoundTrip(r)
}

// Carried returns a handler that calls next in a scope with the deadline and the path of
// the client. No request takes longer than limit.
func Carried(next http.Handler, name string, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := cancel.Extract(r.Context(), r.Header.Get, cancel.Name(name), cancel.Timeout(limit))
		defer s.Close()
		next.ServeHTTP(w, r.WithContext(s))
	})
}
