package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

const dump = `SIGQUIT: quit
PC=0x46d6a1 m=0 sigcode=0

goroutine 1 [sync.WaitGroup.Wait, 12 minutes]:
github.com/grove-go/grove/nursery.(*Nursery).join(0xc000100180)
	/go/pkg/mod/github.com/grove-go/grove@v1.0.0/nursery/run.go:179 +0x45
github.com/grove-go/grove/nursery.(*Nursery).run(0xc000100180, {0x5df3b8, 0xc00001}, 0x5d)
	/go/pkg/mod/github.com/grove-go/grove@v1.0.0/nursery/run.go:110 +0x91
main.main()
	/src/app/main.go:30 +0x1d

goroutine 7 [chan receive, 12 minutes]:
main.poll(...)
	/src/app/main.go:17
github.com/grove-go/grove/nursery.(*Nursery).plain(0xc000100180, 0xc00001)
	/go/pkg/mod/github.com/grove-go/grove@v1.0.0/nursery/go.go:95 +0x5e
created by github.com/grove-go/grove/nursery.(*Nursery).Go in goroutine 1
	/go/pkg/mod/github.com/grove-go/grove@v1.0.0/nursery/go.go:31 +0xa5
`

const tree = `
1 nursery · 1 task · 0 queued · 0 canceled · 2 goroutines, 0 of them outside

nursery  main.go:30
└─ main.poll  g7  chan receive  for 12 minutes  main.go:17
`

func TestDraw(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dump.txt")
	if err := os.WriteFile(file, []byte(dump), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/goroutine?debug=2" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(dump))
	}))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	for _, c := range []struct{ name, source, stdin, want, err string }{
		{"standard input", "", dump, "dump" + tree, ""},
		{"a file", file, "", file + tree, ""},
		{"a URL", server.URL + "/goroutine?debug=2", "", server.URL + "/goroutine?debug=2" + tree, ""},
		{"a file that is not there", file + "x", "", "", "no such file"},
		{"an answer that is not a dump", server.URL + "/x", "", "", "404 Not Found"},
		{"a URL that is wrong", "http://\x7f", "", "", "invalid"},
		{"no goroutines", "", "hello\n", "", "no goroutines in the dump"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			err := draw(t.Context(), c.source, strings.NewReader(c.stdin), &out)
			if out.String() != c.want {
				t.Errorf("drew\n%s\nwant\n%s", &out, c.want)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("draw() = %v, want %q", err, c.err)
			}
		})
	}
}
