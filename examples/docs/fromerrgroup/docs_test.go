package fromerrgroup_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grove-go/grove/examples/internal/docs"
)

const document = "../../../docs/from-errgroup.md"

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// mustContainDoc fails the test unless the document has the text.
func mustContainDoc(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(read(t, document), text) {
		t.Errorf("the document does not have %s", text)
	}
}

// quote returns a text as the document shows it in a line.
func quote(text string) string { return "`" + strings.ReplaceAll(text, "\n", `\n`) + "`" }

func TestDocument(t *testing.T) {
	text := read(t, document)
	t.Run("its Go is compiled here", func(t *testing.T) {
		docs.Blocks(t, document, "*_test.go")
	})
	t.Run("its output is the output of an example", func(t *testing.T) {
		var tests strings.Builder
		for _, f := range glob(t, "*_test.go") {
			tests.WriteString(read(t, f))
		}
		shown := 0
		for _, b := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
			if b[1] != "" || strings.HasPrefix(b[2], "$ ") {
				continue
			}
			shown++
			lines := "\t// " + strings.ReplaceAll(strings.TrimSuffix(b[2], "\n"), "\n", "\n\t// ") + "\n"
			if !strings.Contains(tests.String(), lines) {
				t.Errorf("no example has the output\n%s", b[2])
			}
		}
		if shown == 0 {
			t.Error("it shows no output")
		}
	})
	t.Run("each statement has its test, and each test is named", func(t *testing.T) {
		named := regexp.MustCompile("`((Test|Example_)\\w+)`").FindAllStringSubmatch(text, -1)
		var names []string
		for _, n := range named {
			names = append(names, n[1])
		}
		var tests []string
		for _, f := range glob(t, "*_test.go") {
			for _, m := range regexp.MustCompile(`(?m)^func ((Test|Example_)\w+)\(`).FindAllStringSubmatch(read(t, f), -1) {
				tests = append(tests, m[1])
			}
		}
		for _, n := range names {
			if !slices.Contains(tests, n) {
				t.Errorf("it names %s, which is not there", n)
			}
		}
		for _, n := range tests {
			if strings.HasPrefix(n, "Test") && n != "TestMain" && n != "TestDocument" && !slices.Contains(names, n) {
				t.Errorf("it does not name %s", n)
			}
		}
	})
	t.Run("what it names is there", func(t *testing.T) {
		known := docs.Exported(t, packages)
		for _, m := range regexp.MustCompile(`\b([a-z]\w*)\.([A-Z]\w*)`).FindAllStringSubmatch(text, -1) {
			if names, ok := known[m[1]]; ok && !names[m[2]] {
				t.Errorf("there is no %s", m[0])
			}
		}
		for _, m := range regexp.MustCompile("`([A-Z]\\w*\\.[A-Z]\\w*)").FindAllStringSubmatch(text, -1) {
			if !known["cancel"][m[1]] && !known["nursery"][m[1]] && !known["nursery/errgroup"][m[1]] && !known["channel"][m[1]] {
				t.Errorf("there is no %s", m[1])
			}
		}
	})
	t.Run("the versions are the versions of the tests", func(t *testing.T) {
		mod := read(t, "../../go.mod")
		modules := regexp.MustCompile("`(\\S+ v\\S+)`").FindAllStringSubmatch(text, -1)
		if len(modules) != 5 {
			t.Errorf("it has the versions of %d modules, want 5", len(modules))
		}
		for _, m := range modules {
			if !strings.Contains(mod, "\t"+m[1]+"\n") {
				t.Errorf("go.mod does not have %s", m[1])
			}
		}
	})
}

// packages are the packages that the document names.
var packages = map[string]string{
	"cancel":       "github.com/grove-go/grove/cancel",
	"channel":      "github.com/grove-go/grove/channel",
	"nursery":      "github.com/grove-go/grove/nursery",
	"testutil":     "github.com/grove-go/grove/testutil",
	"errgroup":     "golang.org/x/sync/errgroup",
	"semaphore":    "golang.org/x/sync/semaphore",
	"singleflight": "golang.org/x/sync/singleflight",
	"iter":         "github.com/sourcegraph/conc/iter",
	"panics":       "github.com/sourcegraph/conc/panics",
	"pool":         "github.com/sourcegraph/conc/pool",
	"stream":       "github.com/sourcegraph/conc/stream",
	"run":          "github.com/oklog/run",
	"tomb":         "gopkg.in/tomb.v2",
	"suture":       "github.com/thejerf/suture/v4",

	"nursery/errgroup": "github.com/grove-go/grove/nursery/errgroup", // errgroup is the other one
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("files of %s: %v, %v", pattern, files, err)
	}
	return files
}
