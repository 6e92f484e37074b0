package node

import (
	"encoding/binary"
	"fmt"

	"github.com/fleetgate/fleetgate/bpf"
)

// flow is what a frame of KindFlow carries. Both sides run on one machine, and
// from programs of one layout, which Version stands for.
type flow struct {
	Key  bpf.L4FlowKey
	Flow bpf.L4Flow
}

// flowSize is that of an encoded flow in bytes.
var flowSize = binary.Size(flow{})

// EncodeFlow appends a flow to the buffer.
func EncodeFlow(buffer []byte, key bpf.L4FlowKey, f *bpf.L4Flow) ([]byte, error) {
	buffer, err := binary.Append(buffer, binary.LittleEndian, flow{key, *f})
	if err != nil {
		return nil, fmt.Errorf("encoding a flow: %w", err)
	}
	return buffer, nil
}

// DecodeFlow reads a flow.
func DecodeFlow(payload []byte) (bpf.L4FlowKey, *bpf.L4Flow, error) {
	if len(payload) != flowSize {
		return bpf.L4FlowKey{}, nil, fmt.Errorf("%w: a flow of %d bytes instead of %d", ErrMalformed, len(payload), flowSize)
	}
	var f flow
	if _, err := binary.Decode(payload, binary.LittleEndian, &f); err != nil {
		return bpf.L4FlowKey{}, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return f.Key, &f.Flow, nil
}
