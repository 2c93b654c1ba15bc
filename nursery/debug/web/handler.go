package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"expvar"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/grove-go/grove/nursery/debug"
)

// policy lets the page load its own files and snapshots, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page
var files embed.FS

// types are the content types of the files, and names the assets of the page.
var types = map[string]string{
	"tree.html": "text/html; charset=utf-8",
	"tree.js":   "text/javascript; charset=utf-8",
	"style.css": "text/css; charset=utf-8",
}

// Handler returns a handler that serves the task tree. It works below any prefix, which need
// not be stripped: it looks at the last element of the path alone. The path of the page ends
// in a slash, and a browser that asks for a path without it is redirected.
//
// Handler calls [debug.Enable], and the registry stays on until the program ends. The first
// call publishes [debug.Metrics] as the variable grove of package expvar, unless there is a
// variable of that name.
//
// The handler may be used by several goroutines at once. Handler panics if an option is nil.
func Handler(opts ...Option) http.Handler {
	h := &handler{recent: make(map[variant]*taken)}
	for _, o := range opts {
		if o == nil {
			panic("web: Handler: nil option")
		}
		o.apply(&h.config)
	}
	debug.Enable() // for good: the tree is wanted when something is wrong, which is not known beforehand
	publish()
	return h
}

// publish publishes the metrics, once.
var publish = sync.OnceFunc(func() {
	if expvar.Get("grove") == nil {
		expvar.Publish("grove", expvar.Func(func() any { return debug.Metrics() }))
	}
})

// A handler serves the tree.
type handler struct {
	config

	mu     sync.Mutex // guards the fields below
	recent map[variant]*taken
	taking *taking // the one under way that began last, or nil
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", policy)
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Vary", "Accept")
	if !hostAllowed(r) {
		http.Error(w, fmt.Sprintf("the host is %q; want an IP address or localhost", r.Host), http.StatusForbidden)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "want GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	switch name := path.Base(r.URL.Path); {
	case name == "tree.js" || name == "style.css":
		serveFile(w, r, name)
		return
	case strings.Contains(name, ".") && name != ".":
		http.NotFound(w, r) // a file such as favicon.ico
		return
	}
	p, err := parse(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if p.format == "html" {
		h.page(w, r)
		return
	}
	h.tree(w, r, p)
}

// hostAllowed reports whether the request may be from a page of the same origin. A foreign
// page that has its own name resolve to a loopback address sends that name as the host.
func hostAllowed(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return true
	}
	host := (&url.URL{Host: r.Host}).Hostname()
	_, err := netip.ParseAddr(host)
	return err == nil || strings.EqualFold(host, "localhost")
}

// page serves the page, at a path that ends in a slash: the addresses of its files are
// relative.
func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	asked := r.URL // without the prefix, if a handler has stripped it
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		asked = u
	}
	if p := asked.EscapedPath(); !strings.HasSuffix(p, "/") {
		target := "./" + p[strings.LastIndex(p, "/")+1:] + "/"
		if asked.RawQuery != "" {
			target += "?" + asked.RawQuery
		}
		w.Header().Set("Location", target) // http.Redirect makes it absolute, without the prefix
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	serveFile(w, r, "tree.html")
}

// serveFile serves a file of the page.
func serveFile(w http.ResponseWriter, r *http.Request, name string) {
	data, err := files.ReadFile("page/" + name)
	if err != nil {
		panic(err) // the names are constants
	}
	send(w, r, types[name], data)
}

// tree serves a snapshot.
func (h *handler) tree(w http.ResponseWriter, r *http.Request, p params) {
	s := h.take(r.Context(), p.variant)
	if s == nil {
		return
	}
	if p.under != "" {
		if s = under(s, p.under); s == nil {
			http.Error(w, fmt.Sprintf("there is no %s; it has returned, or shares an entry with tasks that are alike (unfold=1)", p.under), http.StatusNotFound)
			return
		}
	}
	if p.warnings {
		s = warningsOf(s)
	}
	if p.format == "json" {
		if p.stack != nil {
			s = withStacks(s, p.stack)
		}
		data, err := json.Marshal(s)
		if err != nil {
			panic(err) // a snapshot has no values that JSON does not know
		}
		send(w, r, "application/json", append(data, '\n'))
		return
	}
	var text bytes.Buffer
	if err := s.WriteText(&text); err != nil {
		panic(err) // a Buffer returns no error
	}
	body := text.Bytes()
	if p.warnings { // without the head and the empty lines
		_, body, _ = bytes.Cut(body, []byte("\n\n"))
		body = bytes.TrimSuffix(body, []byte("\n"))
	}
	send(w, r, "text/plain; charset=utf-8", body)
}

// send sends an answer. The server drops the body of an answer to HEAD.
func send(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		// A client that has gone needs no answer.
		_, _ = io.Copy(w, bytes.NewReader(body))
	}
}
