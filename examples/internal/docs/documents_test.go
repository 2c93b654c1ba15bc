package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents returns all documents of the repository.
func documents(t *testing.T) (files []string) {
	err := filepath.WalkDir("../../..", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestLinks checks that the targets of links in the repository exist.
func TestLinks(t *testing.T) {
	count := 0
	for _, d := range documents(t) {
		links, bad := broken(t, d)
		count += links
		for _, l := range bad {
			t.Errorf("%s links to %s, which is not there", d, l)
		}
	}
	if count < 50 {
		t.Errorf("found %d links, want the links of all documents", count)
	}
}

// TestNames checks that names of the library in documents exist.
func TestNames(t *testing.T) {
	const library = "github.com/grove-go/grove/"
	exported := Exported(t, map[string]string{
		"cancel": library + "cancel", "nursery": library + "nursery", "channel": library + "channel", "testutil": library + "testutil",
	})
	count := 0
	for _, d := range documents(t) {
		for _, m := range regexp.MustCompile(`\b(cancel|nursery|channel|testutil)\.([A-Z]\w*)`).FindAllStringSubmatch(read(t, d), -1) {
			count++
			if !exported[m[1]][m[2]] {
				t.Errorf("%s names %s, which is not there", d, m[0])
			}
		}
	}
	if count < 100 {
		t.Errorf("found %d names, want the names of all documents", count)
	}
}

func TestBroken(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "there.md", "# The `first` one\n```\n# no heading\n```\n")
	write(t, "doc.md", strings.Join([]string{
		"[a](there.md) [b](there.md#the-first-one) [c](#own) [d](https://go.dev/x)",
		"## Own",
		"[e](gone.md) [f](there.md#no-heading) [g](#other)",
		"![h](gone.svg)",
		"```", "m[i](x)", "```",
	}, "\n"))
	links, bad := broken(t, "doc.md")
	if got := strings.Join(bad, " "); links != 7 || got != "gone.md there.md#no-heading #other gone.svg" {
		t.Errorf("broken() = %d, %q", links, got)
	}
}

var (
	code    = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_ -]`) // in the anchor of a heading
)

// broken returns the number of links to the same repository in a document, and the links
// without a target.
func broken(t *testing.T, document string) (links int, bad []string) {
	for _, m := range link.FindAllStringSubmatch(prose(t, document), -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		links++
		name, anchor, _ := strings.Cut(m[1], "#")
		target := document
		if name != "" {
			target = filepath.Join(filepath.Dir(document), name)
		}
		if _, err := os.Stat(target); err != nil || anchor != "" && !hasAnchor(t, target, anchor) {
			bad = append(bad, m[1])
		}
	}
	return links, bad
}

func hasAnchor(t *testing.T, document, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(prose(t, document), -1) {
		if strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}

// prose returns a document without its blocks of code.
func prose(t *testing.T, document string) string {
	return code.ReplaceAllString(read(t, document), "")
}
