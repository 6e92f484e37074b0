package attack

import (
	"context"
	"crypto/tls"
	"sync"
	"time"
)

// Attack is one way to misuse a proxy.
type Attack struct {
	// Name is that of the test; numbers of CVEs are in comments.
	Name string
	// Within is how soon the proxy has to end each connection of the attack,
	// counted from when it was opened. Zero: it does not have to, as what the
	// connection does is slow rather than wrong.
	Within time.Duration
	// run attacks until the context ends, or the connection is over. It is
	// called again as long as there is time.
	run func(context.Context, *Attacker)
}

// Report is what an attacker did, and what the proxy did about it.
type Report struct {
	Connections, Streams int
	// Lasted is how long the longest connection was left open, and Open how many
	// the proxy never ended. Connections that need not end are not counted.
	Lasted time.Duration
	Open   int
	// Trouble is why the attack could not be made.
	Trouble string
}

// Attacker is what an attack is made with. It is safe for concurrent use.
type Attacker struct {
	// Plain and TLS are the addresses of the proxy's ports.
	Plain, TLS string
	// Patience is how long a connection is kept up when the proxy does not end it.
	Patience time.Duration

	mu     sync.Mutex
	report Report
}

// Make makes the attack over and over for a while, and reports.
func (a *Attacker) Make(attack Attack, during time.Duration) Report {
	ctx, cancel := context.WithTimeout(context.Background(), during)
	defer cancel()
	for ctx.Err() == nil && a.report.Trouble == "" {
		attack.run(ctx, a)
	}
	return a.report
}

// opened counts connections and streams.
func (a *Attacker) opened(connections, streams int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report.Connections += connections
	a.report.Streams += streams
}

// closed notes how long a connection that is to end has lasted, and whether it
// was the proxy that ended it.
func (a *Attacker) closed(lasted time.Duration, byProxy bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report.Lasted = max(a.report.Lasted, lasted)
	if !byProxy {
		a.report.Open++
	}
}

// trouble notes that the attack cannot be made.
func (a *Attacker) trouble(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report.Trouble = err.Error()
}

// clientTLS trusts anybody: an attacker does not care whom it talks to.
func clientTLS() *tls.Config { return &tls.Config{InsecureSkipVerify: true, ServerName: host} }

// host is what attackers ask for.
const host = "a.example"

// All are the attacks, in the order of the tests.
func All() []Attack {
	var all []Attack
	for _, some := range [][]Attack{resets(), floods(), blocks(), stalls(), handshakes(), http1()} {
		all = append(all, some...)
	}
	return all
}
