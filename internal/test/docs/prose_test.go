package docs_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// patterns are words that make prose hard to read, with the number of them that a thousand words
// may have.
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

// TestProse bounds the rates of patterns, in the comments of the library, in the comments of
// the examples, and in the documents.
func TestProse(t *testing.T) {
	for _, part := range []struct {
		name  string
		dirs  []string
		read  func(path string) ([]line, error)
		least int // words that the test must find
	}{
		{"comments of the library", []string{"cancel", "nursery", "channel", "testutil"}, comments, 30_000},
		{"comments below internal", []string{"internal"}, comments, 5_000},
		{"comments of the examples", []string{"examples"}, comments, 5_000},
		{"documents", []string{"."}, document, 20_000},
	} {
		t.Run(part.name, func(t *testing.T) {
			words := 0
			hits := make(map[string][]string)
			for _, dir := range part.dirs {
				err := filepath.WalkDir(filepath.Join("../../..", dir), func(path string, entry fs.DirEntry, err error) error {
					if err != nil || entry.IsDir() {
						return err
					}
					lines, err := part.read(path)
					for _, l := range lines {
						words += len(strings.Fields(l.text))
						for _, p := range patterns {
							for range p.re.FindAllString(strings.TrimSpace(l.text), -1) {
								hits[p.name] = append(hits[p.name], fmt.Sprintf("%s:%d: %s", path, l.number, l.text))
							}
						}
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if words < part.least {
				t.Fatalf("%d words were found, want %d at least", words, part.least)
			}
			for _, p := range patterns {
				if rate := 1000 * float64(len(hits[p.name])) / float64(words); rate > p.most {
					t.Errorf("%s: %.2f of 1,000 words, want %.2f at most:\n%s", p.name, rate, p.most, strings.Join(hits[p.name], "\n"))
				}
			}
		})
	}
}

// A line is a line of prose.
type line struct {
	number int
	text   string
}

// comments returns the comments of a Go file, without the code in them. Files of other kinds
// and tests have none.
func comments(path string) (lines []line, err error) {
	if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
		return nil, nil
	}
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, group := range f.Comments {
		for _, c := range group.List {
			text, isLine := strings.CutPrefix(c.Text, "//")
			if isLine && !strings.HasPrefix(strings.TrimPrefix(text, " "), "\t") {
				lines = append(lines, line{set.Position(c.Pos()).Line, text})
			}
		}
	}
	return lines, nil
}

// document returns the lines of a Markdown file, without code.
func document(path string) (lines []line, err error) {
	if !strings.HasSuffix(path, ".md") {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	inCode := false
	for i, text := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(strings.TrimSpace(text), "```") {
			inCode = !inCode
		} else if !inCode {
			lines = append(lines, line{i + 1, text})
		}
	}
	return lines, nil
}
