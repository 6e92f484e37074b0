package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// typ is a type of the API.
type typ struct {
	name, text string
	// underlying is what a type is that is no struct; empty for a struct.
	underlying string
	fields     []field
	rules      rules
}

// field is a field of a struct, by its name in YAML.
type field struct {
	name, text string
	// typ is the type as it is written for readers, and refers the type of the same
	// page that it leads to, if any.
	typ, refers string
	optional    bool
	rules       rules
}

// readTypes returns the types of a folder in the order in which they are read: that
// of the files' names, and within each as written.
func readTypes(folder string) ([]typ, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var types []typ
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), "_types.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, entry.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		types = append(types, typesOf(file)...)
	}
	if len(types) == 0 {
		return nil, fmt.Errorf("%s has no types", folder)
	}
	return withoutLists(types), nil
}

// withoutLists leaves out what only clients of the API see.
func withoutLists(types []typ) []typ {
	return slices.DeleteFunc(types, func(t typ) bool {
		return slices.ContainsFunc(types, func(of typ) bool { return t.name == of.name+"List" })
	})
}

func typesOf(file *ast.File) []typ {
	var types []typ
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, s := range decl.Specs {
			spec := s.(*ast.TypeSpec)
			text, rules := readComment(decl.Doc)
			t := typ{name: spec.Name.Name, text: text, rules: rules}
			if body, ok := spec.Type.(*ast.StructType); ok {
				t.fields = fieldsOf(body)
			} else {
				t.underlying, _ = written(spec.Type)
			}
			types = append(types, t)
		}
	}
	return types
}

// fieldsOf leaves out what every object has.
func fieldsOf(body *ast.StructType) []field {
	var fields []field
	for _, source := range body.Fields.List {
		name, options := jsonName(source)
		if name == "" || name == "metadata" {
			continue
		}
		text, rules := readComment(source.Doc)
		f := field{name: name, text: text, rules: rules, optional: slices.Contains(options, "omitempty")}
		f.typ, f.refers = written(source.Type)
		fields = append(fields, f)
	}
	return fields
}

// jsonName is empty for what is inlined.
func jsonName(f *ast.Field) (string, []string) {
	if f.Tag == nil {
		return "", nil
	}
	parts := strings.Split(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
	return parts[0], parts[1:]
}

// written returns a type for readers, and the name of the type of the same package
// that it is made of.
func written(e ast.Expr) (text, refers string) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return written(e.X)
	case *ast.ArrayType:
		text, refers = written(e.Elt)
		return "list of " + text, refers
	case *ast.MapType:
		key, _ := written(e.Key)
		text, refers = written(e.Value)
		return "map of " + key + " to " + text, refers
	case *ast.SelectorExpr:
		return e.X.(*ast.Ident).Name + "." + e.Sel.Name, ""
	case *ast.Ident:
		if ast.IsExported(e.Name) {
			return e.Name, e.Name
		}
		return plain(e.Name), ""
	}
	return fmt.Sprintf("%T", e), ""
}

func plain(name string) string {
	switch name {
	case "int32", "int64":
		return "integer"
	case "bool":
		return "boolean"
	}
	return name
}
