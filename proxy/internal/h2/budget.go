package h2

// bucket is a token bucket (capacity tokens, refilled in time and by what the
// connection does for a good purpose) that things without a purpose of their
// own are paid from.
type bucket struct {
	tokens, rate, capacity int32
	filled                 int64
}

const second = int64(1e9)

func newBucket(now int64, rate, capacity int32) bucket {
	return bucket{tokens: capacity, rate: rate, capacity: capacity, filled: now}
}

// give puts tokens back.
func (b *bucket) give(n int32) { b.tokens = min(b.tokens+n, b.capacity) }

// spend takes a token, and reports whether there was one.
func (b *bucket) spend(now int64) bool {
	if b.tokens == 0 {
		b.refill(now)
	}
	if b.tokens == 0 {
		return false
	}
	b.tokens--
	return true
}

// refill gives what has become due; it is looked for when the bucket is empty
// alone, which makes spending cheap.
func (b *bucket) refill(now int64) {
	seconds := (now - b.filled) / second
	if seconds <= 0 {
		return
	}
	b.filled = now
	b.give(int32(min(seconds*int64(b.rate), int64(b.capacity))))
}

// The budgets of a connection.
const (
	// A stream that is reset, by the client or because of what it sent, costs
	// one (rapid reset, MadeYouReset); one that ends well gives one back.
	resetRate, resetCapacity = 20, 200
	// A frame that carries nothing costs one: SETTINGS, PING, PRIORITY,
	// WINDOW_UPDATE, empty DATA and unknown ones.
	controlRate, controlCapacity = 100, 1000
	// Clients acknowledge and probe in step with what they get and ask for.
	perDataSent, perDataReceived, perHead = 4, 1, 4

	// maxQueued is how many answers may wait for a transport that is blocked.
	maxQueued = 1000
	// maxContinuations is how many frames a header block may go on for.
	maxContinuations = 32
	// maxBlock bounds a header block as it is sent, maxDecoded what it stands
	// for (RFC 9113, section 6.5.2). Beyond h1.MaxHead the block is read for the
	// sake of the table, and the stream refused.
	maxBlock, maxDecoded = 64 << 10, 256 << 10
	// maxInterim is how many interim responses one response may have.
	maxInterim = 16
)

// chargeReset pays for a stream that was reset because of the peer. Backends
// are not charged: what they reset was our request.
func (c *Conn) chargeReset() *Error {
	if c.role == Server && !c.resets.spend(c.now) {
		return errResets
	}
	return nil
}

// chargeControl pays for a frame that carries nothing.
func (c *Conn) chargeControl() *Error {
	if !c.control.spend(c.now) {
		return errControl
	}
	return nil
}

// answer notes that a frame is sent in answer to one.
func (c *Conn) answer() *Error {
	if c.queued++; c.queued > maxQueued {
		return errQueued
	}
	return nil
}
