package h2

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// decodeAll returns the fields of a block as "name: value" lines.
func decodeAll(d *decoder, b []byte) (string, *Error) {
	var out strings.Builder
	var room texts
	d.begin()
	for len(b) > 0 {
		f, ok, rest, err := d.next(b, &room)
		if err != nil {
			return "", err
		}
		if ok {
			out.WriteString(string(f.name) + ": " + string(f.value) + "\n")
		}
		b = rest
	}
	return out.String(), nil
}

// What the encoder of golang.org/x/net writes is read as it was, through many
// evictions and changes of the table's size.
func TestDecoderAgreesWithEncoder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	var d decoder
	for range 2000 {
		block.Reset()
		if rng.IntN(20) == 0 {
			enc.SetMaxDynamicTableSize(uint32(rng.IntN(tableSize + 1)))
		}
		want := ""
		for range rng.IntN(10) {
			f := hpack.HeaderField{Name: strings.Repeat("n", 1+rng.IntN(5)), Value: strings.Repeat("v", rng.IntN(2)*rng.IntN(900)), Sensitive: rng.IntN(9) == 0}
			if rng.IntN(3) == 0 {
				f.Name, f.Value = "accept-encoding", "gzip, deflate"
			}
			enc.WriteField(f)
			want += f.Name + ": " + f.Value + "\n"
		}
		got, err := decodeAll(&d, block.Bytes())
		if err != nil || got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
		if d.table.size > d.table.limit || cap(d.table.bytes) > 4*tableSize {
			t.Fatalf("the table holds %d of %d in %d bytes", d.table.size, d.table.limit, cap(d.table.bytes))
		}
	}
}

// What our encoder writes is read by the decoder of golang.org/x/net.
func TestEncoderAgreesWithDecoder(t *testing.T) {
	fields := []hpack.HeaderField{
		{Name: ":status", Value: "200"}, {Name: ":status", Value: "299"}, {Name: "content-type", Value: "text/plain"},
		{Name: "x-long", Value: strings.Repeat("x", 20000)}, {Name: strings.Repeat("n", 200), Value: ""}, {Name: "cookie", Value: "a", Sensitive: true},
	}
	out := appendStatus(nil, 200)
	out = appendStatus(out, 299)
	for _, f := range fields[2:] {
		out = appendField(out, []byte(strings.ToUpper(f.Name)), []byte(f.Value))
	}
	got, err := hpack.NewDecoder(0, nil).DecodeFull(out)
	if err != nil || len(got) != len(fields) {
		t.Fatalf("got %d fields, %v", len(got), err)
	}
	for i := range got {
		if got[i] != fields[i] {
			t.Errorf("got %.60v, want %.60v", got[i], fields[i])
		}
	}
	for i, f := range staticTable[1:] {
		if f.name[0] == ':' {
			continue
		}
		out := appendField(nil, f.name, []byte("v"))
		if got, err := hpack.NewDecoder(0, nil).DecodeFull(out); err != nil || got[0].Name != string(f.name) || len(out) > 5 {
			t.Errorf("entry %d: got %v, %v in %d bytes", i+1, got, err, len(out))
		}
	}
}

func TestIntegers(t *testing.T) {
	for _, n := range []int{0, 1, 30, 31, 126, 127, 128, 254, 255, 1337, 1 << 20, 1<<28 - 1} {
		for bits := uint8(4); bits < 8; bits++ {
			got, rest, err := readInt(append(appendInt(nil, 0, bits, n), 'x'), bits)
			if got != n || string(rest) != "x" || err != nil {
				t.Errorf("%d in %d bits: got %d, %q, %v", n, bits, got, rest, err)
			}
		}
	}
	for _, in := range []string{"", "\x7f", "\x7f\x80", "\x7f\xff\xff\xff\xff\x7f", "\x7f\x80\x80\x80\x80\x00"} {
		if _, _, err := readInt([]byte(in), 7); err == nil {
			t.Errorf("%q was read", in)
		}
	}
}

// FuzzDecoder checks that blocks which are taken, one after the other as they
// share a table, are read as golang.org/x/net reads them.
func FuzzDecoder(f *testing.F) {
	p := newPeer()
	f.Add(p.fields(with(get, "x: y", "x: z")...), p.fields(with(get, "x: y", "cookie: a")...))
	f.Add([]byte("\x20\x3f\xe1\x1f\x40\x01a\x01b\xbe"), []byte("\xbe\x7e\x01c\xbe\xbf"))
	f.Add([]byte("\x3f\x20\x40\x03abc\x83\x8c\xf1\xe3"), []byte("\x10\x81\x1f\x00\x0f\x2f\x01x"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var ours decoder
		theirs := hpack.NewDecoder(tableSize, nil)
		for _, block := range [][]byte{first, second} {
			got, failed := decodeAll(&ours, block)
			if failed != nil || ours.updates > 1 {
				// The other one takes a single change of the table's size, where
				// RFC 7541, section 4.2, has two.
				return
			}
			fields, err := theirs.DecodeFull(block)
			if err != nil {
				t.Fatalf("%q was taken: %v", block, err)
			}
			var want strings.Builder
			for _, f := range fields {
				want.WriteString(f.Name + ": " + f.Value + "\n")
			}
			if got != want.String() {
				t.Fatalf("%q is %q, want %q", block, got, want.String())
			}
			if ours.table.size > ours.table.limit || ours.table.limit > tableSize {
				t.Fatalf("the table holds %d of %d", ours.table.size, ours.table.limit)
			}
		}
	})
}
