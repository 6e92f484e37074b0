package attack

import (
	"errors"

	"golang.org/x/net/http2"

	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// burstSize is how many times an attack is written before the attacker looks
// whether it still has a connection.
const burstSize = 64

// repeated makes a burst of many of one thing.
func repeated(one func(*session) error) func(*session) error {
	return func(s *session) error {
		for range burstSize {
			if err := one(s); err != nil {
				return err
			}
		}
		return nil
	}
}

// resets are the attacks that open streams only to have them reset. Each stream
// costs the proxy a request, and the attacker nothing that a limit on parallel
// streams would count.
func resets() []Attack {
	made := func(name string, one func(*session) error) Attack {
		return Attack{Name: name, Within: cutOff, run: flood{burst: repeated(one)}.run}
	}
	return []Attack{
		// CVE-2023-44487.
		made("rapid reset", rapidReset),
		{Name: "rapid reset, TLS", Within: cutOff, run: flood{secure: true, burst: repeated(rapidReset)}.run},
		// The same, with the proxy to reset what is malformed.
		made("malformed heads", func(s *session) error { return s.open(true, "X-Upper", "case") }),
		// CVE-2025-8671: the proxy resets each stream, as its client breaks a rule.
		made("window update of zero", func(s *session) error {
			return errors.Join(s.open(true), s.Framer.WriteRawFrame(http2.FrameWindowUpdate, 0, s.stream, make([]byte, 4)))
		}),
		made("window beyond its bound", func(s *session) error {
			return errors.Join(s.open(true), s.Framer.WriteWindowUpdate(s.stream, 1<<31-1))
		}),
		made("data after the end", func(s *session) error {
			return errors.Join(s.open(true), s.Framer.WriteData(s.stream, true, []byte("x")))
		}),
		made("stream that depends on itself", func(s *session) error {
			return errors.Join(s.open(true), s.Framer.WritePriority(s.stream, http2.PriorityParam{StreamDep: s.stream}))
		}),
		made("priority of a wrong length", func(s *session) error {
			return errors.Join(s.open(true), s.Framer.WriteRawFrame(http2.FramePriority, 0, s.stream, make([]byte, 4)))
		}),
		made("head twice", func(s *session) error {
			return errors.Join(s.open(false), s.Framer.WriteHeaders(http2.HeadersFrameParam{
				StreamID: s.stream, BlockFragment: wire.Block(), EndHeaders: true,
			}))
		}),
	}
}

func rapidReset(s *session) error {
	return errors.Join(s.open(true), s.Framer.WriteRSTStream(s.stream, http2.ErrCodeCancel))
}
