package conditions

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with an object. Several may break the
// same condition.
type Problem struct {
	// Type is the condition that is broken, such as "Accepted".
	Type string
	// Reason is the CamelCase reason of the condition.
	Reason string
	// Message names the field, and the object that the field refers to.
	Message string
}

// Problems are those of one node, in the order in which its fields were read.
// The first one of a type gives the condition its reason.
type Problems []Problem

// Add appends a problem, unless the very same one is already there: a route
// that names a missing Service in ten rules says so once for each field.
func (p *Problems) Add(typ, reason, format string, args ...any) {
	problem := Problem{Type: typ, Reason: reason, Message: fmt.Sprintf(format, args...)}
	for _, have := range *p {
		if have == problem {
			return
		}
	}
	*p = append(*p, problem)
}

// Has says whether any problem breaks the condition.
func (p Problems) Has(typ string) bool {
	_, ok := p.First(typ)
	return ok
}

// First returns the first problem that breaks the condition.
func (p Problems) First(typ string) (Problem, bool) {
	for _, problem := range p {
		if problem.Type == typ {
			return problem, true
		}
	}
	return Problem{}, false
}

// maxMessage is below the 32768 bytes that the API server allows. A condition
// is read by people: what does not fit here is not read anyway.
const maxMessage = 1024

// Message joins the messages of all problems that break the condition.
func (p Problems) Message(typ string) string {
	var messages []string
	for _, problem := range p {
		if problem.Type == typ {
			messages = append(messages, problem.Message)
		}
	}
	return Join(messages)
}

// Join makes one message of several, and says how many it had to leave out.
func Join(messages []string) string {
	var joined strings.Builder
	for i, message := range messages {
		if joined.Len() > 0 && joined.Len()+len(message) > maxMessage {
			fmt.Fprintf(&joined, "; and %d more", len(messages)-i)
			break
		}
		if joined.Len() > 0 {
			joined.WriteString("; ")
		}
		joined.WriteString(clip(message))
	}
	return joined.String()
}

func clip(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}
