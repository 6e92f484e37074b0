package filter

import (
	"iter"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// Edits are the header changes that apply to one head, in their order: those
// of the rule, then those of its reference to the backend. Each may be nil.
type Edits [2]*HeaderEdits

// Empty reports whether there is nothing to change.
func (e *Edits) Empty() bool { return e[0] == nil && e[1] == nil }

// Drops reports whether a field that came with the message is replaced or
// removed. It implements h1.Dropper.
func (e *Edits) Drops(name []byte) bool {
	return e.dropsFrom(0, name)
}

func (e *Edits) dropsFrom(first int, name []byte) bool {
	for _, x := range e[first:] {
		if x != nil && (x.sets(name) || x.removes(name)) {
			return true
		}
	}
	return false
}

// AppendTo appends the field lines that the edits add. A line of an earlier
// edit is left out when a later one sets or removes its field.
func (e *Edits) AppendTo(out []byte) []byte {
	for i, x := range e {
		if x == nil {
			continue
		}
		out = e.appendLines(out, i, x.Set)
		out = e.appendLines(out, i, x.Add)
	}
	return out
}

func (e *Edits) appendLines(out []byte, i int, lines []HeaderLine) []byte {
	for j := range lines {
		if l := &lines[j]; e.adds(i, l) {
			out = append(out, l.Line...)
		}
	}
	return out
}

// Fields returns the fields that the edits add: what AppendTo writes, one by
// one.
func (e *Edits) Fields() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for i, x := range e {
			if x == nil || e.yields(i, x.Set, yield) && e.yields(i, x.Add, yield) {
				continue
			}
			return
		}
	}
}

func (e *Edits) yields(i int, lines []HeaderLine, yield func(name, value []byte) bool) bool {
	for j := range lines {
		l := &lines[j]
		if e.adds(i, l) && !yield(l.name(), l.value()) {
			return false
		}
	}
	return true
}

// adds reports whether a line of the i-th edits is written.
func (e *Edits) adds(i int, l *HeaderLine) bool {
	name := l.name()
	return !framing(name) && !e[i].removes(name) && !e.dropsFrom(i+1, name)
}

func (l *HeaderLine) name() []byte  { return l.Line[:len(l.Name)] }
func (l *HeaderLine) value() []byte { return l.Line[len(l.Name)+len(": ") : len(l.Line)-len("\r\n")] }

// framing reports whether a field belongs to the proxy alone: whatever a
// configuration says, it cannot change where a message ends.
func framing(name []byte) bool {
	switch h1.KindOf(name) {
	case h1.Host, h1.Connection, h1.KeepAlive, h1.Upgrade, h1.TE, h1.ContentLength, h1.TransferEncoding:
		return true
	}
	return false
}

func (x *HeaderEdits) sets(name []byte) bool {
	for i := range x.Set {
		if h1.EqualFold(name, x.Set[i].Name) {
			return true
		}
	}
	return false
}

func (x *HeaderEdits) removes(name []byte) bool {
	for _, n := range x.Remove {
		if h1.EqualFold(name, n) {
			return true
		}
	}
	return false
}
