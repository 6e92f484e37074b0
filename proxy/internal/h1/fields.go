package h1

import (
	"bytes"
	"iter"
)

// Fields returns the fields that travel on, in their order, but for those that
// d, which may be nil, leaves out: what AppendFields writes, one by one.
func (h *Head) Fields(d Dropper) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for i := range h.n {
			f := &h.fields[i]
			if f.dropped || d != nil && d.Drops(h.name(f)) {
				continue
			}
			if !yield(h.name(f), h.valueOf(f)) {
				return
			}
		}
	}
}

// TrailerFields returns the fields of a trailer section (see Decoder.Trailer)
// that may travel on in one: what AppendLastChunk writes, one by one.
func TrailerFields(section []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for len(section) > 0 {
			name, line := trailerLine(section)
			section = section[len(line):]
			if !allowedInTrailer(name) {
				continue
			}
			value := trimOWS(bytes.TrimSuffix(line[len(name)+1:], []byte("\r\n")))
			if !yield(name, value) {
				return
			}
		}
	}
}
