package h1

import "bytes"

// Told returns what the sender of a request tells of the client before it, in
// the fields called name (lower case): several are joined by ", ". Such fields
// do not travel on by themselves, for anybody can send them.
func (r *Request) Told(name string) []byte {
	var v []byte
	for i := range r.n {
		f := &r.fields[i]
		if f.kind != Forwarded || !EqualFold(r.name(f), name) {
			continue
		}
		if v == nil {
			v = r.valueOf(f)
			continue
		}
		r.joined = append(append(append(r.joined[:0], v...), ", "...), r.valueOf(f)...)
		v = r.joined
	}
	return v
}

// LastItem splits the last item off a comma separated list. The rest is nil if
// there was but one.
func LastItem(list []byte) (rest, item []byte) {
	i := bytes.LastIndexByte(list, ',')
	if i < 0 {
		return nil, trimOWS(list)
	}
	return list[:i], trimOWS(list[i+1:])
}
