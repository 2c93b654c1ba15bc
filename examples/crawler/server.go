package main

import (
	"fmt"
	"net/http"
	"os"
)

// installation returns the site for a crawl without a URL: the folders src and doc of root,
// and a page with links to both.
func installation(root string) http.Handler {
	files := http.FileServerFS(os.DirFS(root))
	mux := http.NewServeMux()
	mux.Handle("GET /src/", files)
	mux.Handle("GET /doc/", files)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// The client may have gone.
		_, _ = fmt.Fprint(w, `<!doctype html><title>Go</title><a href="doc/">doc</a> <a href="src/">src</a>`)
	})
	return mux
}
