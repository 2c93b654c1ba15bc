package main

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// All files of the page exist, and have the right types and the policy.
func TestPage(t *testing.T) {
	get := func(path string) (*http.Response, string) {
		w := httptest.NewRecorder()
		page().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		answer := w.Result()
		b, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(b)
	}
	_, index := get("/")
	found := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(index, -1)
	if len(found) < 3 {
		t.Fatalf("the page refers to %q, want three files at least", found)
	}
	types := map[string]string{"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
	for _, f := range found {
		answer, _ := get("/" + f[1])
		_, ext, _ := strings.Cut(f[1], ".")
		if got := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || !strings.HasPrefix(got, types[ext]) || types[ext] == "" {
			t.Errorf("%s: %s, type %q, want %q", f[1], answer.Status, got, types[ext])
		}
		if got := answer.Header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'; script-src 'self';") {
			t.Errorf("%s: the policy is %q", f[1], got)
		}
	}
	if answer, _ := get("/nothing"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("%s for what is not there, want 404", answer.Status)
	}
	names, err := fs.ReadDir(files, "page")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n.Name() != "index.html" && !strings.Contains(index, n.Name()) {
			t.Errorf("nothing refers to %s", n.Name())
		}
	}
}
