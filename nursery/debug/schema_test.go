package debug_test

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/nursery/debug"
)

var update = flag.Bool("update", false, "write docs/tasks.schema.json")

const schemaFile = "../../docs/tasks.schema.json"

// comments returns the comments of the fields of the types in a file, by Type.Field, and
// the comments of the types.
func comments(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, s := range decl.Specs {
			typ := s.(*ast.TypeSpec)
			found[typ.Name.Name] = strings.TrimSpace(decl.Doc.Text())
			for _, field := range typ.Type.(*ast.StructType).Fields.List {
				for _, name := range field.Names {
					found[typ.Name.Name+"."+name.Name] = strings.TrimSpace(field.Comment.Text())
				}
			}
		}
	}
	return found
}

// A schema is a part of a JSON schema.
type schema map[string]any

// schemaOf returns the schema of a type, and adds the schemas of the structures in it to defs.
func schemaOf(t *testing.T, typ reflect.Type, comments map[string]string, defs schema) schema {
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return schema{"type": "string", "format": "date-time"}
	case typ.Kind() == reflect.Pointer:
		return schemaOf(t, typ.Elem(), comments, defs)
	case typ.Kind() == reflect.Slice:
		return schema{"type": "array", "items": schemaOf(t, typ.Elem(), comments, defs)}
	case typ.Kind() == reflect.String:
		return schema{"type": "string"}
	case typ.Kind() == reflect.Bool:
		return schema{"type": "boolean"}
	case typ.Kind() == reflect.Int, typ.Kind() == reflect.Int64:
		return schema{"type": "integer"}
	case typ.Kind() != reflect.Struct:
		t.Fatalf("no schema for %v", typ)
	}
	ref := schema{"$ref": "#/$defs/" + typ.Name()}
	if defs[typ.Name()] != nil {
		return ref
	}
	properties, required := schema{}, []string{}
	def := schema{"type": "object", "description": comments[typ.Name()], "properties": properties}
	defs[typ.Name()] = def
	for f := range typ.Fields() {
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			t.Errorf("%v.%s has no name in JSON", typ, f.Name)
		}
		s := schemaOf(t, f.Type, comments, defs)
		if c := comments[typ.Name()+"."+f.Name]; c != "" {
			s["description"] = c
		}
		properties[name] = s
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	def["required"] = required
	return ref
}

// TestSchema compares docs/tasks.schema.json with the types.
func TestSchema(t *testing.T) {
	all := comments(t, "snapshot.go")
	defs := schema{}
	root := schemaOf(t, reflect.TypeFor[debug.Snapshot](), all, defs)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "The task tree of a program, version 1"
	root["$defs"] = defs
	want, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("docs/tasks.schema.json is not what the types say; run: go test ./nursery/debug -run TestSchema -update")
	}
}

// TestJSON checks that each field of a snapshot is in the schema and each that is required
// is there, and that the JSON form gives the same snapshot.
func TestJSON(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Defs map[string]struct {
			Properties map[string]json.RawMessage
			Required   []string
		} `json:"$defs"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	during(t, func(t *testing.T) {
		snapshot := debug.Take()
		data, err := json.Marshal(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(data, &object); err != nil {
			t.Fatal(err)
		}
		for _, name := range s.Defs["Snapshot"].Required {
			if object[name] == nil {
				t.Errorf("%q is missing or null", name)
			}
		}
		for name := range object {
			if s.Defs["Snapshot"].Properties[name] == nil {
				t.Errorf("%q is not in the schema", name)
			}
		}
		again := new(debug.Snapshot)
		if err := json.Unmarshal(data, again); err != nil {
			t.Fatal(err)
		}
		if text(t, again) != text(t, snapshot) {
			t.Errorf("the JSON form gives\n%s\nwant\n%s", text(t, again), text(t, snapshot))
		}
	})
}
