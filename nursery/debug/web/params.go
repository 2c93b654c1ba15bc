package web

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// params are what a request asks for.
type params struct {
	variant
	format   string          // text, json or html
	warnings bool            // the warnings alone
	under    string          // ID of a node, or ""
	stack    map[string]bool // IDs of the tasks that have their stacks, or nil for all
}

// A variant is a kind of snapshot.
type variant struct{ noStacks, unfold bool }

// parse returns what a request asks for, or an error if a parameter has a bad value.
func parse(r *http.Request) (params, error) {
	var p params
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return p, fmt.Errorf("bad query: %w", err)
	}
	for name, values := range query {
		if name == "stack" {
			p.stack = make(map[string]bool)
			for _, id := range values {
				p.stack[id] = true
			}
			continue
		}
		if len(values) > 1 {
			return p, fmt.Errorf("%s: want one value, got %q", name, values)
		}
		value, err := values[0], error(nil)
		switch name {
		case "format":
			p.format = value
			if value != "text" && value != "json" && value != "html" {
				err = fmt.Errorf("format: want text, json or html, got %q", value)
			}
		case "stacks":
			p.noStacks, err = flag(name, value)
			p.noStacks = !p.noStacks
		case "unfold":
			p.unfold, err = flag(name, value)
		case "warnings":
			p.warnings, err = flag(name, value)
		case "under":
			p.under = value
			if !nodeID.MatchString(value) {
				err = fmt.Errorf("under: want the ID of a nursery or a task, got %q", value)
			}
		}
		if err != nil {
			return p, err
		}
	}
	if p.format == "" {
		p.format = accepted(r.Header.Values("Accept"))
	}
	return p, nil
}

// nodeID matches the IDs of nurseries and tasks.
var nodeID = regexp.MustCompile(`^([nt][0-9a-f]+|g[0-9]+)$`)

// flag returns the value of a parameter that is 0 or 1.
func flag(name, value string) (bool, error) {
	if value != "0" && value != "1" {
		return false, fmt.Errorf("%s: want 0 or 1, got %q", name, value)
	}
	return value == "1", nil
}

// accepted returns the form with the highest quality, and the first of equals. A client that
// names none of the three, such as curl, gets text.
func accepted(headers []string) string {
	best, form := 0.0, "text"
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		mediaType, p, err := mime.ParseMediaType(part)
		if err != nil {
			continue // as for a type that is not served
		}
		quality := 1.0
		if q, ok := p["q"]; ok {
			if quality, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if f := forms[mediaType]; f != "" && quality > best {
			best, form = quality, f
		}
	}
	return form
}

// forms are the forms of an answer, by media type.
var forms = map[string]string{"text/html": "html", "application/json": "json", "text/plain": "text"}
