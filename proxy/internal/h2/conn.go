package h2

// The windows that we announce and the streams that we accept.
const (
	streamWindow      = 64 << 10
	connWindow        = 1 << 20
	defaultWindow     = 65535 // RFC 9113, section 6.9.2
	defaultMaxStreams = 100
	defaultMaxOutput  = 64 << 10
)

// Options are what connections have in common.
type Options struct {
	// Pool is the memory that the connections of one thread share; there has to
	// be one.
	Pool *Pool
	// MaxStreams is how many streams a client may have open, 100 if zero.
	MaxStreams int
	// MaxOutput is how much Out may hold before Stream.Send takes no more,
	// 64 KiB if zero.
	MaxOutput int
}

// The phases of a connection.
const (
	atPreface uint8 = iota
	atFirstFrame
	open
)

// Conn is one HTTP/2 connection. The zero value has to be initialized by Init.
type Conn struct {
	// Out is the frames to send. The owner writes them, empties Out and calls
	// Written; it may put a buffer of its own in Out's place when it is empty.
	Out []byte

	h         Handler
	pool      *Pool
	maxOutput int
	role      Role
	phase     uint8
	// blocked is whether the transport holds unsent bytes.
	blocked bool
	// goingAway is whether the peer sent GOAWAY, draining whether we did.
	goingAway bool
	draining  drain
	// connect is whether the peer takes extended CONNECT.
	connect bool
	// silent is whether the peer was told that our encoder has no table.
	silent bool
	// turn is whether Send is called for a stream whose turn it is.
	turn bool

	err   *Error
	now   int64
	pings pings
	// expectedSince is when what has begun to arrive did.
	expectedSince int64
	// in is the beginning of a frame whose rest has not arrived.
	in      []byte
	block   block
	decoder decoder
	streams streams
	waiting queue
	// reset are streams that we reset and whose frames may still arrive.
	reset   resetIDs
	resets  bucket
	control bucket
	queued  int
	headAt  int

	// lastPeer is the highest stream that the peer opened, skipped the one
	// before it in the order of opening; what lies between never was open.
	lastPeer, skipped uint32
	nextID            uint32
	// goAwayLast is the last stream that the sender of a GOAWAY deals with.
	goAwayLast uint32
	maxStreams int
	// live is how many streams the handler has not released.
	live int

	sendWindow, recvWindow int
	unacked                int
	initialWindow          int
}

// Init makes c a new connection in a role and puts what such a connection says
// first into Out. Now is the time in nanoseconds on the clock of Receive.
func (c *Conn) Init(role Role, o *Options, h Handler, now int64) {
	*c = Conn{Out: c.Out[:0], h: h, role: role, pool: o.Pool, now: now, expectedSince: now, headAt: -1, goAwayLast: maxStream,
		maxOutput: o.MaxOutput, maxStreams: o.MaxStreams,
		sendWindow: defaultWindow, recvWindow: connWindow, initialWindow: defaultWindow,
		resets: newBucket(now, resetRate, resetCapacity), control: newBucket(now, controlRate, controlCapacity)}
	if c.maxOutput == 0 {
		c.maxOutput = defaultMaxOutput
	}
	if c.maxStreams == 0 {
		c.maxStreams = defaultMaxStreams
	}
	if role == Client {
		c.phase, c.nextID, c.maxStreams = atFirstFrame, 1, defaultMaxStreams
		c.Out = append(c.Out, preface...)
	}
	c.announce()
}

// Err returns why the connection has ended, or nil. It is then to be closed
// once Out is written.
func (c *Conn) Err() *Error { return c.err }

// Streams returns how many streams are open.
func (c *Conn) Streams() int { return len(c.streams.list) }

// Trim gives up the memory that an idle connection does not need.
func (c *Conn) Trim() {
	if len(c.streams.list) == 0 {
		c.streams.list = nil
	}
	if len(c.Out) == 0 {
		c.Out = nil
	}
}

// Closed says that the transport was closed: all streams are reset.
func (c *Conn) Closed() {
	if c.err == nil {
		c.err = errTransport
		c.resetAll(Cancel)
	}
}

// Fail ends the connection with an error of the owner's, by a GOAWAY.
func (c *Conn) Fail(err *Error) { c.fail(err) }

func (c *Conn) fail(err *Error) {
	if c.err != nil {
		return
	}
	c.err = err
	last := c.lastPeer
	if c.draining == drained {
		last = min(last, c.goAwayLast)
	}
	c.Out = appendGoAway(c.Out, last, err.Code, err.Reason)
	c.resetAll(err.Code)
}

func (c *Conn) resetAll(code Code) {
	c.dropInput()
	for n := len(c.streams.list); n > 0; n = len(c.streams.list) {
		s := c.streams.list[n-1]
		c.remove(s)
		c.h.Reset(s, code, false)
	}
	c.decoder = decoder{}
}

func (c *Conn) dropInput() {
	if c.in != nil {
		c.pool.putBuffer(c.in)
	}
	if c.block.bytes != nil {
		c.pool.putBuffer(c.block.bytes)
	}
	c.in, c.block = nil, block{}
}

// Written says that the owner has written what it took from Out; all is whether
// the transport took all of it. Until it has, Send takes nothing. The owner
// calls Written again when the rest has gone, and writes again what that has
// put into Out.
func (c *Conn) Written(all bool) {
	c.blocked = !all
	if all {
		c.queued = 0
		c.wake()
	}
}
