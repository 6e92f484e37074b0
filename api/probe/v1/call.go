package probe

// Call is what the registers of one call of the probe function hold: up to four finished
// requests, as a call that a probe sits on enters the kernel once for all of them.
//
// A record takes three registers: its Outcome; Duration and, above it, ResponseBytes; and
// Upstream with RequestBytes. One of which something does not fit takes a call of its
// own, in five: Outcome, Duration, Upstream, RequestBytes and ResponseBytes. The highest
// four bits of the first register of each record say which form it has. The zero value
// holds nothing.
type Call struct {
	Registers [12]uint64
	used      int
}

// The forms of a record. Zero is none.
const (
	formShift = 60
	formBrief = 2
	formLong  = 3
)

const (
	// timeBits are 18 minutes of nanoseconds, and the bits above them 16 MiB.
	timeBits   = 40
	briefWords = 3
)

// Fill puts records into a call that holds nothing, from the first on, and returns those
// for which there is no room. There is room for any single one.
func (c *Call) Fill(records []Record) (rest []Record) {
	for len(records) > 0 && c.add(&records[0]) {
		records = records[1:]
	}
	return records
}

// add puts a record into the call, unless there is no room for it.
func (c *Call) add(r *Record) bool {
	what := uint64(r.Outcome() &^ OverflowOutcome)
	if (r.Duration|r.Upstream)>>timeBits|(r.RequestBytes|r.ResponseBytes)>>(64-timeBits) != 0 {
		return c.addLong(what, r)
	}
	if c.used > len(c.Registers)-briefWords {
		return false
	}
	words := c.Registers[c.used:][:briefWords]
	words[0] = what | formBrief<<formShift
	words[1] = r.Duration | r.ResponseBytes<<timeBits
	words[2] = r.Upstream | r.RequestBytes<<timeBits
	c.used += briefWords
	return true
}

func (c *Call) addLong(what uint64, r *Record) bool {
	if c.used > 0 {
		return false
	}
	c.Registers = [...]uint64{what | formLong<<formShift, r.Duration, r.Upstream, r.RequestBytes, r.ResponseBytes, 11: 0}
	c.used = len(c.Registers)
	return true
}
