package otlp

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// partial says that a collector took a batch but for some of its spans, which are
// not to be sent again (OTLP, section "Partial Success").
type partial struct{ rejected uint64 }

// Error implements error.
func (p *partial) Error() string { return fmt.Sprintf("the collector rejected %d spans", p.rejected) }

// rejectedIn reads an ExportTraceServiceResponse, as far as it says what was
// rejected. What makes no sense rejects nothing.
func rejectedIn(answer []byte) error {
	const partialSuccess, rejectedSpans = 1, 1
	message, ok := field(answer, partialSuccess, protowire.BytesType)
	if !ok {
		return nil
	}
	inner, _ := protowire.ConsumeBytes(message)
	number, ok := field(inner, rejectedSpans, protowire.VarintType)
	if !ok {
		return nil
	}
	if rejected, n := protowire.ConsumeVarint(number); n > 0 && rejected > 0 {
		return &partial{rejected}
	}
	return nil
}

// field returns what follows the tag of a field.
func field(message []byte, wanted protowire.Number, of protowire.Type) (value []byte, ok bool) {
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, false
		}
		message = message[n:]
		if number == wanted && typ == of {
			return message, true
		}
		if n = protowire.ConsumeFieldValue(number, typ, message); n < 0 {
			return nil, false
		}
		message = message[n:]
	}
	return nil, false
}
