package docs_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// patterns are words that make a comment hard to read, with how many of them a thousand
// words of comment may have.
var patterns = []struct {
	name string
	re   *regexp.Regexp
	most float64
}{
	{"people for goroutines", regexp.MustCompile(`(?i)\b(who|whoever|whose|whom|nobody|somebody|everybody|anybody)\b`), 0.5},
	{"pronouns without a noun", regexp.MustCompile(`(?i)\b(that|those) of\b|\bthose (that|who)\b|\bone (that|which|of which)\b`), 0.5},
	{"also if", regexp.MustCompile(`(?i)\balso (if|when|for)\b`), 0},
	{"is no", regexp.MustCompile(`(?i)\b(is|are|was) no (failure|echo|error|cancellation|reason|scope|such|more|other|nursery)\b`), 0.2},
	{"in which", regexp.MustCompile(`(?i)\b(in|of|by|for|to|from|with|on) which\b`), 0.6},
	{"a clause as the subject", regexp.MustCompile(`(^|[.:] )(What|Whoever|Who) (is|was|has|are|counts|comes)\b`), 0.1},
}

// TestProse bounds the rates of patterns in the comments of the library.
func TestProse(t *testing.T) {
	words := 0
	hits := make(map[string][]string)
	root := "../../.."
	for _, dir := range []string{"cancel", "nursery", "channel", "testutil", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			for _, group := range f.Comments {
				for _, c := range group.List {
					text, isLine := strings.CutPrefix(c.Text, "//")
					if !isLine || strings.HasPrefix(strings.TrimPrefix(text, " "), "\t") {
						continue // code
					}
					words += len(strings.Fields(text))
					for _, p := range patterns {
						for range p.re.FindAllString(strings.TrimSpace(text), -1) {
							hits[p.name] = append(hits[p.name], set.Position(c.Pos()).String()+":"+text)
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if words < 10_000 {
		t.Fatalf("%d words of comment were found", words)
	}
	for _, p := range patterns {
		if rate := 1000 * float64(len(hits[p.name])) / float64(words); rate > p.most {
			t.Errorf("%s: %.2f of 1,000 words, want %.2f at most:\n%s", p.name, rate, p.most, strings.Join(hits[p.name], "\n"))
		}
	}
}
