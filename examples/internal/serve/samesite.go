package serve

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// SameSite returns a handler that refuses requests which pages of other sites make a
// browser send:
//
//   - A request that changes something and comes from another origin gets status 403; see
//     [http.CrossOriginProtection].
//   - A request on the loopback interface gets status 421 unless its Host names that
//     interface. Otherwise a site with a name that leads to 127.0.0.1 (DNS rebinding) could
//     read all answers, because its pages would have the same origin as the server.
//
// A proxy on the same machine must therefore send a Host such as localhost.
func SameSite(h http.Handler) http.Handler {
	h = http.NewCrossOriginProtection().Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if local != nil && local.IP.IsLoopback() && !namesLoopback(r.Host) {
			http.Error(w, "this server does not answer for that host", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// namesLoopback reports whether the Host of a request is localhost or an address of the
// loopback interface.
func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
