package h2

// field is a header field, as a part of memory that others own.
type field struct{ name, value []byte }

// tableSize is SETTINGS_HEADER_TABLE_SIZE, whose default we keep.
const tableSize = 4096

// entry is a field of a table as offsets into its bytes.
type entry struct {
	at          uint32
	name, value uint16
}

func (e entry) size() int { return int(e.name) + int(e.value) + 32 }

// table is a dynamic table of HPACK (RFC 7541, section 2.3.2). The zero value
// is empty, holds no memory and admits nothing before its limit is set.
type table struct {
	bytes   []byte
	entries []entry // oldest first
	evicted int     // entries at the front that are gone
	size    int
	limit   int
}

func (t *table) len() int { return len(t.entries) - t.evicted }

// at returns the i-th newest field, counted from zero. It is valid until the
// next call of add.
func (t *table) at(i int) field {
	e := t.entries[len(t.entries)-1-i]
	v := e.at + uint32(e.name)
	return field{t.bytes[e.at:v:v], t.bytes[v : v+uint32(e.value)]}
}

func (t *table) setLimit(n int) {
	t.limit = n
	t.evict(0)
}

// evict makes room for a field of n bytes.
func (t *table) evict(n int) {
	for t.len() > 0 && t.size+n > t.limit {
		t.size -= t.entries[t.evicted].size()
		t.evicted++
	}
	if t.len() == 0 {
		t.entries, t.bytes, t.evicted = t.entries[:0], t.bytes[:0], 0
	}
}

// add copies f, which must not be a part of the table, into it. A field larger
// than the table empties it (RFC 7541, section 4.4).
func (t *table) add(f field) {
	n := len(f.name) + len(f.value)
	t.evict(n + 32)
	if n+32 > t.limit {
		return
	}
	if len(t.entries) == cap(t.entries) || len(t.bytes)+n > cap(t.bytes) {
		t.compact()
	}
	t.entries = append(t.entries, entry{uint32(len(t.bytes)), uint16(len(f.name)), uint16(len(f.value))})
	t.bytes = append(append(t.bytes, f.name...), f.value...)
	t.size += n + 32
}

// compact reuses the memory of evicted fields once it is at least half of all,
// so that what is moved is less than what was added since.
func (t *table) compact() {
	if t.evicted == 0 || t.evicted < t.len() {
		return
	}
	from := t.entries[t.evicted].at
	t.bytes = t.bytes[:copy(t.bytes, t.bytes[from:])]
	t.entries = t.entries[:copy(t.entries, t.entries[t.evicted:])]
	for i := range t.entries {
		t.entries[i].at -= from
	}
	t.evicted = 0
}
