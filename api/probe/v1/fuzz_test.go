package probe

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzMessages reads any packet as each of the messages. What is taken says the
// same after it was encoded and read again, and the tables of an update do so in
// parts of which none is too large.
func FuzzMessages(f *testing.F) {
	for _, m := range []any{
		Hello{ABI: ABI, Instance: "i", Point: 4096, HasCgroup: true, CgroupPath: "/a"},
		Welcome{ABI: ABI, Mode: ModeShared},
		Update{Amendment: Amendment{Tables: tablesOf(3, "n"), Gone: Gone{Backends: []uint32{1}}}, Last: true},
	} {
		packet, err := Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	f.Add([]byte(`{"abi":1,"future":[{}]} trailing`))
	f.Add([]byte(`{"endpoints":[{"address":"[fe80::1%eth0]:1","backend":4294967295}],"ports":[{}]}`))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) > MaxMessage {
			return
		}
		again[Hello](t, packet)
		again[Welcome](t, packet)
		if u := again[Update](t, packet); u != nil {
			checkSplit(t, &Amendment{Tables: u.Tables}, u.Tables.Split())
			checkSplit(t, &u.Amendment, u.Amendment.Split())
		}
	})
}

// again decodes a packet, and what it was decoded to; nil if it is no message.
func again[M any](t *testing.T, packet []byte) *M {
	first, second := new(M), new(M)
	if Decode(packet, first) != nil {
		return nil
	}
	encoded, err := Encode(first)
	if err != nil {
		return first // names that take more room when they are escaped
	}
	if err := Decode(encoded, second); err != nil {
		t.Fatalf("%q became %q: %v", packet, encoded, err)
	}
	if twice, err := Encode(second); err != nil || !bytes.Equal(twice, encoded) {
		t.Errorf("%q became %q, and that %q: %v", packet, encoded, twice, err)
	}
	return first
}

// checkSplit puts the parts of tables or of an amendment together again.
func checkSplit(t *testing.T, want *Amendment, updates []Update) {
	var got Amendment
	for i, u := range updates {
		if u.Last != (i == len(updates)-1) {
			t.Errorf("update %d of %d: Last is %v", i, len(updates), u.Last)
		}
		if len(u.Series)+len(u.Backends)+len(u.Ports) > 2*labelsPerUpdate || len(u.Endpoints)+len(u.Gone.Endpoints) > endpointsPerUpdate {
			t.Errorf("update %d is too large", i)
		}
		got.Add(&u)
	}
	if diff := cmp.Diff(*want, got, cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// recordsOf makes records of bytes, which the fields take in turn.
func recordsOf(in []byte) (records []Record) {
	const size = 44
	for ; len(in) >= size && len(records) < 64; in = in[size:] {
		le := binary.LittleEndian
		records = append(records, Record{
			Series: le.Uint32(in), Backend: le.Uint32(in[4:]), Status: le.Uint16(in[8:]) & statusMask,
			Method: Method(in[10] & methodMask), Protocol: Protocol(in[10] >> 4 & protocolMask), Flags: Flags(in[11]),
			Duration: le.Uint64(in[12:]), Upstream: le.Uint64(in[20:]), RequestBytes: le.Uint64(in[28:]), ResponseBytes: le.Uint64(in[36:]),
		})
	}
	return records
}

// told is what becomes of one identifier's requests.
type told struct {
	requests, in, out uint64
}

// FuzzTable counts any requests in a table, and compares it with plain sums: each
// request is in one outcome that says of it what the record did, and in the cells
// of its series and its backend; and what is cleared is gone, and nothing else.
func FuzzTable(f *testing.F) {
	one := make([]byte, 44)
	for i := range one {
		one[i] = byte(i)
	}
	f.Add(one, uint32(1))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0, 2, 0, 0, 0, 200, 0, 0x11}, 12), uint32(1))
	f.Add(bytes.Repeat([]byte{0xff}, 132), uint32(0))
	table := new(Table)
	f.Fuzz(func(t *testing.T, in []byte, gone uint32) {
		empty(table)
		series, backends, outcomes := map[uint32]told{}, map[uint32]uint64{}, map[Outcome]uint64{}
		records := recordsOf(in)
		table.Observe(records)
		for _, r := range records {
			checkOutcome(t, &r)
			checkBucket(t, r.Duration)
			outcomes[r.Outcome()]++
			s := series[bounded(r.Series)]
			series[bounded(r.Series)] = told{s.requests + 1, s.in + r.RequestBytes, s.out + r.ResponseBytes}
			if b := bounded(r.Backend); b != 0 {
				backends[b]++
			}
		}
		checkTable(t, table, series, backends, outcomes)
		gone = bounded(gone)
		table.Clear(func(id uint32) bool { return id == gone }, func(uint32) bool { return false })
		delete(series, gone)
		for o := range outcomes {
			if o.Series() == gone {
				delete(outcomes, o)
			}
		}
		checkTable(t, table, series, backends, outcomes)
	})
}

// empty clears what the table has counted: most of its 17 MB were never touched.
func empty(table *Table) {
	all := func(uint32) bool { return true }
	table.Clear(all, all)
	clear(table.outcomes[:])
}

// checkOutcome compares an outcome with its record, which it is packed from.
func checkOutcome(t *testing.T, r *Record) {
	o := r.Outcome()
	if o == 0 || o.Series() != bounded(r.Series) || o.Backend() != bounded(r.Backend) ||
		o.Status() != r.Status || o.Method() != r.Method || o.Protocol() != r.Protocol || o.Flags() != r.Flags {
		t.Errorf("%+v has outcome %x", r, o)
	}
	var c Call
	if len(c.Fill([]Record{*r})) > 0 || c.Registers[0]&(1<<formShift-1) != uint64(o&^OverflowOutcome) || c.Registers[0]>>formShift == 0 {
		t.Errorf("%+v packs to %x", r, c.Registers)
	}
}

func checkTable(t *testing.T, table *Table, series map[uint32]told, backends map[uint32]uint64, outcomes map[Outcome]uint64) {
	got := map[Outcome]uint64{}
	for o, n := range table.Outcomes() {
		got[o] += n
	}
	if diff := cmp.Diff(outcomes, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	// Besides those that were counted, some that others might be taken for.
	ids := map[uint32]bool{0: true, 1: true, MaxSeries - 1: true}
	for o := range outcomes {
		ids[o.Series()], ids[o.Backend()] = true, true
	}
	for id := range ids {
		var c Cell
		table.ReadSeries(id, &c)
		if want := series[id]; requestsOf(&c) != want.requests || c.RequestBytes != want.in || c.ResponseBytes != want.out {
			t.Errorf("series %d: got %d requests of %d and %d bytes, want %+v", id, requestsOf(&c), c.RequestBytes, c.ResponseBytes, want)
		}
		table.ReadBackend(id, &c)
		if requestsOf(&c) != backends[id] {
			t.Errorf("backend %d: got %d requests, want %d", id, requestsOf(&c), backends[id])
		}
	}
}

// checkBucket compares the bucket of a duration with the bounds that it has in
// real numbers.
func checkBucket(t *testing.T, ns uint64) {
	const near = 1e-5
	i, s := BucketOf(ns), float64(ns)/1e9
	below, above := math.Pow(2, float64(i-80)/4), math.Pow(2, float64(i-79)/4)
	if i < 0 || i >= Buckets || i > 0 && s < below*(1-near) || i < Buckets-1 && s > above*(1+near) {
		t.Errorf("%d ns are in bucket %d, from %v s to %v s", ns, i, below, above)
	}
}

func requestsOf(c *Cell) (n uint64) {
	for i := range c.Class {
		n += c.Class[i].Count()
	}
	return n
}
