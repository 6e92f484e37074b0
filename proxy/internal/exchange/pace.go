package exchange

// pace is how fast a client sends the body of its request, over a stretch of time
// in which nobody but the client was waited for. It is looked at by Ticks alone:
// what comes of a body costs nothing more for it.
//
// Without it one byte now and then, each before Limits.Body has passed, would hold a
// connection and that of a backend for ever.
type pace struct {
	// since is when the stretch began, or zero; had is what had come by then.
	since int64
	had   uint64
}

// dawdles reports whether the client has sent less within Limits.Body than it has
// to.
func (x *exchange) dawdles() bool {
	p, l := &x.pace, x.loop
	if !x.paced() {
		p.since = 0
		return false
	}
	if p.since > 0 {
		elapsed := l.now - p.since
		if elapsed < int64(l.limits.Body) {
			return false
		}
		if float64(x.requestLen-p.had) < float64(l.limits.Pace)*float64(elapsed)/1e9 {
			return true
		}
	}
	p.since, p.had = l.now, x.requestLen
	return false
}

// paced reports whether the client is to send more, with nothing but this to keep it
// from taking its time: not while others hold it back, nor where the rule's own
// timeouts bound the whole.
func (x *exchange) paced() bool {
	return !x.requestEnded && !x.converses() && x.deadline == 0 && x.tryDeadline == 0 &&
		x.wantsRequest() && !x.client.starved()
}
