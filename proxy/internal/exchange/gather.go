package exchange

import "slices"

// writer is one side of an exchange that gathers what it sends in the course of
// an event, so that it is sent as one.
type writer interface {
	write(b []byte)
}

// gathered is what writers are to be sent.
type gathered struct {
	// out is what outFor is sent next.
	out    []byte
	outFor writer
	// holding: one read brings the data of many exchanges in turns, as HTTP/2 does,
	// in pieces as little as who sends them likes. parked is what others than outFor
	// are sent when the read has been dealt with.
	holding bool
	parked  []parcel
}

// parcel is what a writer is sent.
type parcel struct {
	to  writer
	out []byte
}

// hold has what is gathered wait for unhold, or until it is flushed.
func (l *Loop) hold() { l.holding = true }

// unhold sends all that was gathered.
func (l *Loop) unhold() {
	l.holding = false
	l.flushOut()
	for i, p := range l.parked {
		l.parked[i] = parcel{}
		p.to.write(p.out)
		l.free(p.out)
	}
	l.parked = l.parked[:0]
}

// gather returns what w is to be sent, to be appended to and put into out.
//
// As long as it was not sent w does not know that it is too much, and more of it is
// asked for: so it is never much.
func (l *Loop) gather(w writer) []byte {
	if l.outFor != w {
		if l.holding {
			l.park()
			l.fetch(w)
		} else {
			l.flushOut()
		}
		l.outFor = w
	}
	if l.holding && len(l.out) >= directWrite {
		l.flushOut()
		l.outFor = w
	}
	return l.out
}

// send has w sent b: with what follows, if it is little.
func (l *Loop) send(w writer, b []byte) {
	out := l.gather(w)
	if len(b) < directWrite {
		l.out = append(out, b...)
		return
	}
	l.flushOut()
	w.write(b)
}

// directWrite is the size from which bytes are not copied just to save a system
// call.
const directWrite = 16 << 10

// park puts aside what was gathered.
func (l *Loop) park() {
	if len(l.out) > 0 {
		l.parked = append(l.parked, parcel{l.outFor, l.out})
		l.out = l.buffer()
	}
}

// fetch goes on with what was put aside for w, if anything was.
func (l *Loop) fetch(w writer) {
	if i := l.isParked(w); i >= 0 {
		l.free(l.out)
		l.out = l.parked[i].out
		l.parked = slices.Delete(l.parked, i, i+1)
	}
}

func (l *Loop) isParked(w writer) int {
	return slices.IndexFunc(l.parked, func(p parcel) bool { return p.to == w })
}

// flushOut sends what was gathered last.
func (l *Loop) flushOut() {
	if len(l.out) > 0 {
		l.outFor.write(l.out)
	}
	l.resetOut()
}

func (l *Loop) resetOut() {
	l.out, l.outFor = l.out[:0], nil
	if cap(l.out) > maxBufferSize {
		l.out = nil
	}
}

// discardFor forgets what was gathered for w, whose connection is closed.
func (l *Loop) discardFor(w writer) {
	if l.outFor == w {
		l.resetOut()
	} else if i := l.isParked(w); i >= 0 {
		l.free(l.parked[i].out)
		l.parked = slices.Delete(l.parked, i, i+1)
	}
}

// flushFor sends what was gathered for w.
func (l *Loop) flushFor(w writer) {
	if l.outFor != w && l.isParked(w) >= 0 {
		l.gather(w)
	}
	if l.outFor == w {
		l.flushOut()
	}
}
