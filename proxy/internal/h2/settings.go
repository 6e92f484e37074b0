package h2

import (
	"encoding/binary"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// The settings (RFC 9113, section 6.5.2, and RFC 8441, section 3).
const (
	settingPush       = 0x2
	settingMaxStreams = 0x3
	settingWindow     = 0x4
	settingMaxFrame   = 0x5
	settingMaxHead    = 0x6
	settingConnect    = 0x8
)

// announce sends our settings and opens the connection's window, which SETTINGS
// cannot.
func (c *Conn) announce() {
	at := len(c.Out)
	c.Out = appendFrameHeader(c.Out, 0, typeSettings, 0, 0)
	c.setting(settingWindow, streamWindow)
	c.setting(settingMaxHead, h1.MaxHead)
	if c.role == Server {
		c.setting(settingMaxStreams, c.maxStreams)
		c.setting(settingConnect, 1)
	} else {
		c.setting(settingPush, 0)
	}
	c.Out[at+2] = byte(len(c.Out) - at - frameHeader)
	c.Out = appendWindowUpdate(c.Out, 0, connWindow-defaultWindow)
}

func (c *Conn) setting(id uint16, value int) {
	c.Out = binary.BigEndian.AppendUint16(c.Out, id)
	c.Out = binary.BigEndian.AppendUint32(c.Out, uint32(value))
}

func (c *Conn) settings(f *frame) *Error {
	if f.id != 0 {
		return errStreamID
	}
	if len(f.payload)%6 != 0 || f.has(flagAck) && len(f.payload) > 0 {
		return errFrameSize
	}
	if err := c.chargeControl(); err != nil || f.has(flagAck) {
		return err
	}
	for p := f.payload; len(p) > 0; p = p[6:] {
		if err := c.apply(binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])); err != nil {
			return err
		}
	}
	c.Out = appendFrameHeader(c.Out, 0, typeSettings, flagAck, 0)
	c.wake()
	return c.answer()
}

// apply takes a setting of the peer's. Its SETTINGS_HEADER_TABLE_SIZE and
// SETTINGS_MAX_FRAME_SIZE change nothing: our encoder has no table, and our
// frames have the size that every peer takes.
func (c *Conn) apply(id uint16, value uint32) *Error {
	switch id {
	case settingPush:
		if value > 1 || value == 1 && c.role == Client {
			return errSetting
		}
	case settingMaxStreams:
		if c.role == Client {
			c.maxStreams = int(min(value, maxStream))
		}
	case settingWindow:
		return c.applyWindow(value)
	case settingMaxFrame:
		if value < maxFrame || value >= 1<<24 {
			return errSetting
		}
	case settingConnect:
		if value > 1 || value == 0 && c.connect {
			return errSetting
		}
		c.connect = value == 1
	}
	return nil
}

// applyWindow moves the windows of all streams, which may become negative (RFC
// 9113, section 6.9.2).
func (c *Conn) applyWindow(value uint32) *Error {
	if value > maxWindow {
		return errWindow
	}
	by := int(value) - c.initialWindow
	c.initialWindow = int(value)
	for _, s := range c.streams.list {
		if s.sendWindow+by > maxWindow {
			return errWindow
		}
		s.sendWindow += by
		c.mayWake(s)
	}
	return nil
}
