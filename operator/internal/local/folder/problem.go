package folder

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/runtime"
)

// Problem is something in the folder that could not be read.
type Problem struct {
	// File is the name within the folder; empty when it is the folder itself.
	File string `json:"file,omitempty"`
	// Document counts from one; zero when it is the whole file.
	Document int `json:"document,omitempty"`
	// Object is "Kind namespace/name" as far as it is known.
	Object string `json:"object,omitempty"`
	// Field is the path of the field, where one is to blame.
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// String is the problem on one line.
func (p Problem) String() string {
	where := p.File
	if p.Document > 0 {
		where += fmt.Sprintf(" document %d", p.Document)
	}
	if p.Object != "" {
		where += " (" + p.Object + ")"
	}
	if p.Field != "" {
		where += " " + p.Field
	}
	if where == "" {
		return p.Message
	}
	return where + ": " + p.Message
}

// strictField finds the path in the messages of the strict decoder, such as
// `unknown field "spec.rules[0].match"`.
var strictField = regexp.MustCompile(`^(unknown|duplicate) field "([^"]*)"$`)

// decodeProblems turns the decoder's error into one problem for each field.
func decodeProblems(at Problem, err error) []Problem {
	strict, ok := runtime.AsStrictDecodingError(err)
	if !ok {
		return []Problem{typeProblem(at, err)}
	}
	var problems []Problem
	for _, e := range strict.Errors() {
		p := at
		p.Message = e.Error()
		if m := strictField.FindStringSubmatch(p.Message); m != nil {
			p.Field, p.Message = m[2], m[1]+" field"
		}
		problems = append(problems, p)
	}
	return problems
}

// typeProblem names the field of a value of the wrong type.
func typeProblem(at Problem, err error) Problem {
	at.Message = err.Error()
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		at.Field = jsonPath(mismatch.Field)
		at.Message = fmt.Sprintf("a %s is no %s", mismatch.Value, mismatch.Type)
	}
	return at
}

// jsonPath drops the names of embedded Go types from a path; they start with
// an upper-case letter, which no field of Kubernetes does.
func jsonPath(path string) string {
	steps := slices.DeleteFunc(strings.Split(path, "."), func(step string) bool {
		return step != "" && unicode.IsUpper(rune(step[0]))
	})
	return strings.Join(steps, ".")
}
