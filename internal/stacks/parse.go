package stacks

import (
	"strconv"
	"strings"
	"time"
)

// Parse returns the goroutines that are in the text. Lines that do not belong to the stack
// of a goroutine are ignored. If a log has put a prefix before each line, as long as the
// prefix of the first line of the goroutine, Parse removes it.
func Parse(text string) *Dump {
	d := &Dump{}
	p := parser{text: text}
	for p.next() {
		g, ok := parseHeader(p.line)
		if !ok {
			continue
		}
		start := p.start
		p.stack(&g)
		g.Text = strings.TrimRight(text[start:p.start], "\r\n")
		d.Goroutines = append(d.Goroutines, &g)
	}
	d.learn()
	return d
}

// A parser goes through the lines of a dump.
type parser struct {
	text  string
	start int // of the current line in the text
	end   int // of the current line
	line  string
}

// next goes to the next line, and reports whether there is one.
func (p *parser) next() bool {
	p.start = p.end
	if p.start >= len(p.text) {
		return false
	}
	line, _, found := strings.Cut(p.text[p.start:], "\n")
	p.end = p.start + len(line)
	if found {
		p.end++
	}
	p.line = strings.TrimSuffix(line, "\r")
	return true
}

// back makes the current line the next one.
func (p *parser) back() { p.end = p.start }

// stack reads the frames of g up to an empty line, the next goroutine, or the end. The
// current line is the header of g. After stack, the text of g ends where p.start is.
func (p *parser) stack(g *Goroutine) {
	prefix := headerAt(p.line)
	ancestors := false
	var frame *Frame // waits for its file and line
	for p.next() {
		line := p.line
		if prefix > 0 {
			line = line[min(prefix, len(line)):]
		}
		switch {
		case line == "":
			return
		case strings.HasPrefix(line, "goroutine "):
			if _, ok := parseHeader(line); ok {
				p.back()
				return
			}
		case strings.HasPrefix(line, "[originating from goroutine "):
			ancestors = true
		case ancestors:
		case line[0] == '\t':
			if frame != nil {
				frame.File, frame.Line = parsePlace(line[1:])
			}
			frame = nil
		case strings.HasPrefix(line, "created by "):
			g.Creator.Function, g.Parent, _ = strings.Cut(line[len("created by "):], " in goroutine ")
			frame = &g.Creator
		case strings.HasPrefix(line, "...") && strings.HasSuffix(line, " frames elided..."):
			g.Elided = true
		case line[len(line)-1] == ')':
			if at := strings.LastIndexByte(line, '('); at > 0 {
				g.Frames = append(g.Frames, Frame{Function: line[:at], Args: line[at+1 : len(line)-1]})
				frame = &g.Frames[len(g.Frames)-1]
			}
		}
	}
	p.start = p.end
}

// headerAt returns where in the line the header of a goroutine may begin, or -1.
func headerAt(line string) int { return strings.Index(line, "goroutine ") }

// parseHeader reads the first line of a goroutine, and reports whether it is one.
//
//	goroutine 7 gp=0x1 m=2 mp=0x3 [chan receive (durable), 2 minutes, synctest bubble 4] {key: value}:
//
// Only some lines have the addresses, and only some the labels, which Go 1.26 writes as
// labels:{"key": "value"} before the closing bracket.
func parseHeader(line string) (g Goroutine, ok bool) {
	at := headerAt(line)
	if at < 0 || !strings.HasSuffix(line, ":") {
		return g, false
	}
	rest := line[at+len("goroutine ") : len(line)-1]
	digits := 0
	for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
		digits++
	}
	open := strings.IndexByte(rest, '[')
	if digits == 0 || open < digits+1 || rest[digits] != ' ' {
		return g, false
	}
	g.ID = rest[:digits]
	rest = rest[open+1:]
	// A label may contain a bracket, so its text is cut off first. The state contains none.
	var labels string
	if status, l, found := strings.Cut(rest, " labels:{"); found && !strings.Contains(status, "]") {
		if l, found = strings.CutSuffix(l, "}]"); !found {
			return g, false
		}
		rest, labels = status, l
	} else {
		status, l, found := strings.Cut(rest, "]")
		if !found {
			return g, false
		}
		if l != "" {
			after, begins := strings.CutPrefix(l, " {")
			l, found = strings.CutSuffix(after, "}")
			if !begins || !found {
				return g, false
			}
		}
		rest, labels = status, l
	}
	g.parseStatus(rest)
	g.Labels = parseLabels(labels)
	return g, true
}

// parseStatus reads the part of the header in brackets.
func (g *Goroutine) parseStatus(status string) {
	state, rest, more := strings.Cut(status, ", ")
	for more {
		var part string
		part, rest, more = strings.Cut(rest, ", ")
		if n, ok := strings.CutSuffix(part, " minutes"); ok {
			minutes, _ := strconv.Atoi(n) // zero if it is not a number
			g.Blocked = time.Duration(minutes) * time.Minute
		} else if n, ok := strings.CutPrefix(part, "synctest bubble "); ok {
			g.Bubble = n
		}
	}
	for _, note := range []string{" (durable)", " (scan)", " (leaked)"} { // the runtime writes them in the opposite order
		state = strings.TrimSuffix(state, note)
	}
	g.State = state
}

// parseLabels reads a list of labels. Keys and values may be quoted.
func parseLabels(s string) (labels []Label) {
	for s != "" {
		var l Label
		l.Key, s = cutQuoted(s, ": ")
		l.Value, s = cutQuoted(s, ", ")
		labels = append(labels, l)
	}
	return labels
}

// cutQuoted cuts s at the first sep that is not quoted.
func cutQuoted(s, sep string) (before, after string) {
	if quoted, err := strconv.QuotedPrefix(s); err == nil {
		before, _ = strconv.Unquote(quoted) // QuotedPrefix has checked it
		return before, strings.TrimPrefix(s[len(quoted):], sep)
	}
	before, after, _ = strings.Cut(s, sep)
	return before, after
}

// parsePlace reads the second line of a frame.
func parsePlace(s string) (file string, line int) {
	s, _, _ = strings.Cut(s, " fp=0x")
	if at := strings.LastIndex(s, " +0x"); at >= 0 {
		s = s[:at]
	}
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return "", 0
	}
	line, err := strconv.Atoi(s[at+1:])
	if err != nil {
		return "", 0
	}
	return s[:at], line
}
