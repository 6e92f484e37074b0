package app

import (
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// observers tells several observers of a request, one after the other.
type observers []traffic.Observer

// RequestDone implements traffic.Observer.
func (o observers) RequestDone(d *traffic.Done) {
	for _, observer := range o {
		observer.RequestDone(d)
	}
}

// HandshakeDone implements traffic.HandshakeObserver.
func (o observers) HandshakeDone(h traffic.Handshake) {
	for _, observer := range o {
		traffic.TellHandshake(observer, h)
	}
}

// TurnDone implements traffic.TurnObserver.
func (o observers) TurnDone() {
	for _, observer := range o {
		traffic.TellTurn(observer)
	}
}
