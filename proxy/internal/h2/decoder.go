package h2

import "golang.org/x/net/http2/hpack"

// decoder reads header blocks (RFC 7541). Its table grows with what the peer
// puts into it. The well-known decoder of golang.org/x/net makes two strings of
// every literal; this one refers to the block and to reused memory.
type decoder struct {
	table table
	// begun: the table has a limit, which the peer may have made zero.
	begun bool
	// fresh is whether no field of the block was read yet, so that the size of
	// the table may change.
	fresh bool
	// updates is how often it has changed in this block.
	updates uint8
}

// text is a buffer that Huffman-coded text is written to.
type text []byte

// Write implements io.Writer.
func (t *text) Write(b []byte) (int, error) {
	*t = append(*t, b...)
	return len(b), nil
}

// texts is room for a field that is neither in the block nor in the table.
type texts struct{ name, value text }

func (d *decoder) begin() {
	if !d.begun {
		d.begun, d.table.limit = true, tableSize
	}
	d.fresh, d.updates = true, 0
}

// next reads the first representation of b. No field is had from a change of
// the table's size. The field is valid until the next call, and refers to b, to
// the tables and to room.
func (d *decoder) next(b []byte, room *texts) (f field, ok bool, rest []byte, err *Error) {
	switch c := b[0]; {
	case c&0x80 != 0:
		d.fresh = false
		i, rest, err := readInt(b, 7)
		if err != nil {
			return f, false, nil, err
		}
		f, err = d.at(i)
		return f, true, rest, err
	case c&0xc0 == 0x40:
		return d.literal(b, 6, room)
	case c&0xe0 == 0x20:
		rest, err = d.resize(b)
		return f, false, rest, err
	}
	return d.literal(b, 4, room)
}

func (d *decoder) at(i int) (field, *Error) {
	if i > 0 && i < len(staticTable) {
		return staticTable[i], nil
	}
	if i -= len(staticTable); i < 0 || i >= d.table.len() {
		return field{}, errCompression
	}
	return d.table.at(i), nil
}

// literal reads a literal whose index has so many bits; with six of them, it
// goes into the table.
func (d *decoder) literal(b []byte, bits uint8, room *texts) (f field, ok bool, rest []byte, err *Error) {
	d.fresh = false
	i, rest, err := readInt(b, bits)
	if err != nil {
		return f, false, nil, err
	}
	if i == 0 {
		f.name, rest, err = readString(rest, &room.name)
	} else if f, err = d.at(i); err == nil && i >= len(staticTable) {
		// Adding the field may evict the one that its name comes from.
		room.name = append(room.name[:0], f.name...)
		f.name = room.name
	}
	if err != nil {
		return f, false, nil, err
	}
	if f.value, rest, err = readString(rest, &room.value); err != nil {
		return f, false, nil, err
	}
	if bits == 6 {
		d.table.add(f)
	}
	return f, true, rest, nil
}

// resize reads a change of the table's size. There may be two of them, at the
// beginning of a block (RFC 7541, section 4.2).
func (d *decoder) resize(b []byte) ([]byte, *Error) {
	n, rest, err := readInt(b, 5)
	if err != nil {
		return nil, err
	}
	if d.updates++; !d.fresh || d.updates > 2 || n > tableSize {
		return nil, errCompression
	}
	d.table.setLimit(n)
	return rest, nil
}

// readInt reads an integer with a prefix of so many bits (RFC 7541, section
// 5.1). No sensible one has more than 28 bits behind its prefix.
func readInt(b []byte, bits uint8) (int, []byte, *Error) {
	if len(b) == 0 {
		return 0, nil, errCompression
	}
	limit := 1<<bits - 1
	n := int(b[0]) & limit
	if n < limit {
		return n, b[1:], nil
	}
	for i := 1; i < len(b) && i <= 4; i++ {
		n += int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			return n, b[i+1:], nil
		}
	}
	return 0, nil, errCompression
}

// readString reads a string literal (RFC 7541, section 5.2), which is put into
// room if it is Huffman-coded.
func readString(b []byte, room *text) (s, rest []byte, err *Error) {
	n, rest, err := readInt(b, 7)
	if err != nil || n > len(rest) {
		return nil, nil, errCompression
	}
	s, rest = rest[:n], rest[n:]
	if b[0]&0x80 == 0 {
		return s, rest, nil
	}
	*room = (*room)[:0]
	if _, err := hpack.HuffmanDecode(room, s); err != nil {
		return nil, nil, errCompression
	}
	return *room, rest, nil
}
