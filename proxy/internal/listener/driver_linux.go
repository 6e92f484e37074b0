//go:build !portable

package listener

import (
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/epoll"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// loops is the driver of package epoll.
type loops struct{ engine *epoll.Engine }

func newFastest(s *Set, states []*exchange.Loop, epoch time.Time) (driver, error) {
	e, err := epoll.New(epoll.Options{Loops: states, Epoch: epoch, Bind: s.opts.Bind, Gate: s.opts.Gate, Sockets: s.opts.Sockets})
	if err != nil {
		return nil, err
	}
	return loops{e}, nil
}

func (l loops) open(port uint16) error   { return l.engine.Open(port) }
func (l loops) shut(port uint16)         { l.engine.Shut(port) }
func (l loops) closeIdle()               { l.engine.CloseIdle() }
func (l loops) queues() []overload.Queue { return l.engine.Queues() }
func (l loops) close()                   { l.engine.Close() }
