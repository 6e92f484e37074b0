package h2

import "strconv"

// Code is an error code of HTTP/2 (RFC 9113, section 7).
type Code uint32

// The error codes.
const (
	NoError Code = iota
	ProtocolError
	InternalError
	FlowControlError
	SettingsTimeout
	StreamClosed
	FrameSizeError
	RefusedStream
	Cancel
	CompressionError
	ConnectError
	EnhanceYourCalm
	InadequateSecurity
	HTTP11Required
)

var codeNames = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
	"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// String returns the name that the RFC gives the code.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "code " + strconv.FormatUint(uint64(c), 10)
}

// Error is why a connection ended. Its values are made once, so that ending one
// costs no allocation.
type Error struct {
	Code   Code
	Reason string
}

// Error implements error.
func (e *Error) Error() string { return e.Code.String() + ": " + e.Reason }

func protocol(reason string) *Error { return &Error{ProtocolError, reason} }
func calm(reason string) *Error     { return &Error{EnhanceYourCalm, reason} }

// The reasons to end a connection.
var (
	errPreface       = protocol("malformed connection preface")
	errFirstFrame    = protocol("first frame is not SETTINGS")
	errStreamID      = protocol("frame on a stream that it may not be on")
	errIdle          = protocol("frame on an idle stream")
	errOrder         = protocol("stream identifier is not above the last one")
	errPadding       = protocol("padding longer than the frame")
	errContinuation  = protocol("header block is not followed by its CONTINUATION")
	errPush          = protocol("PUSH_PROMISE")
	errSetting       = protocol("setting out of its range")
	errIncrement     = protocol("window update by zero")
	errDependency    = protocol("stream depends on itself")
	errGoAway        = protocol("GOAWAY with a higher last stream than before")
	errFrameSize     = &Error{FrameSizeError, "frame of a wrong size"}
	errFlowControl   = &Error{FlowControlError, "flow-control window overrun"}
	errWindow        = &Error{FlowControlError, "flow-control window too large"}
	errClosed        = &Error{StreamClosed, "HEADERS on a closed stream"}
	errCompression   = &Error{CompressionError, "malformed header block"}
	errResets        = calm("too many streams reset")
	errControl       = calm("too many control frames")
	errQueued        = calm("answers to control frames are not read")
	errContinuations = calm("header block in too many frames")
	errBlock         = calm("header block too large")
	errTransport     = &Error{NoError, "transport closed"}
)
