package check

import "fmt"

// Level is what a problem means for who takes the bundle.
type Level string

// An error is refused, a warning shown.
const (
	Error   Level = "error"
	Warning Level = "warning"
)

// Problem is one thing that is wrong with a bundle.
type Problem struct {
	Level Level
	// Rule names the rule, such as "format/annotations".
	Rule    string
	Message string
}

func (p Problem) String() string { return fmt.Sprintf("%s: %s: %s", p.Level, p.Rule, p.Message) }

// report collects problems.
type report struct{ problems []Problem }

func (r *report) error(rule, format string, args ...any) {
	r.problems = append(r.problems, Problem{Error, rule, fmt.Sprintf(format, args...)})
}

func (r *report) warn(rule, format string, args ...any) {
	r.problems = append(r.problems, Problem{Warning, rule, fmt.Sprintf(format, args...)})
}
