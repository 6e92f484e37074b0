package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
)

// Limits of the conversation over the sensor's socket, which is of type
// SOCK_SEQPACKET: each message is one packet of JSON.
const (
	// MaxMessage bounds the size of one message in bytes.
	MaxMessage = 64 << 10
	// MaxDescriptors bounds the descriptors that come with one message.
	MaxDescriptors = 2
)

// The modes that a Welcome can tell.
const (
	// ModeUprobe: the sensor has attached to the probe function.
	ModeUprobe = "uprobe"
	// ModeShared: the proxy counts in the Table whose descriptor comes along.
	ModeShared = "shm"
)

// Hello is the proxy's first message. With it come the descriptor of its
// executable and, if HasCgroup, that of its cgroup v2 directory.
type Hello struct {
	ABI int `json:"abi"`
	// Instance is a random name of the process: a proxy that connects again
	// with the same one has kept its identifiers.
	Instance string `json:"instance"`
	// Point is the attach point's offset in the executable, zero when there
	// is none on this architecture.
	Point uint64 `json:"point,omitempty"`
	// HasCgroup says that a directory's descriptor follows the executable's.
	HasCgroup bool `json:"hasCgroup,omitempty"`
	// CgroupPath is the process's path in the cgroup v2 hierarchy as the
	// process sees it; it may be relative to a cgroup namespace.
	CgroupPath string `json:"cgroupPath,omitempty"`
}

// Welcome is the sensor's only message. In mode ModeShared it carries the
// descriptor of a Table.
type Welcome struct {
	ABI  int    `json:"abi"`
	Mode string `json:"mode"`
}

// Series labels a series.
type Series struct {
	ID       uint32 `json:"id"`
	Listener string `json:"listener"`
	// Kind is that of the route, or KindHandshakes.
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Rule is the rule's name or its index.
	Rule string `json:"rule"`
}

// Backend labels a backend: one port of a Service.
type Backend struct {
	ID        uint32 `json:"id"`
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	Port      int32  `json:"port"`
}

// Endpoint says which backend an address belongs to.
type Endpoint struct {
	Address netip.AddrPort `json:"address"`
	Backend uint32         `json:"backend"`
}

// Port labels a local port by the listener that it serves.
type Port struct {
	Number   uint16 `json:"number"`
	Listener string `json:"listener"`
}

// Tables is all that the sensor needs to put names to numbers. Identifiers
// start from one and stay below MaxSeries.
type Tables struct {
	Series    []Series   `json:"series,omitempty"`
	Backends  []Backend  `json:"backends,omitempty"`
	Endpoints []Endpoint `json:"endpoints,omitempty"`
	Ports     []Port     `json:"ports,omitempty"`
}

// Update is a part of the proxy's tables. The parts up to and including the
// one marked Last replace whatever was told before.
type Update struct {
	Tables
	Last bool `json:"last,omitempty"`
}

// Entries per update, so that none exceeds MaxMessage however long the names:
// the names of a series can take 1,300 bytes, an endpoint takes 90.
const (
	labelsPerUpdate    = 32
	endpointsPerUpdate = 400
)

// Split divides the tables into updates. It always returns at least one, and
// only the final one is Last.
func (t *Tables) Split() []Update {
	var updates []Update
	rest := *t
	for {
		var u Update
		u.Series, rest.Series = cut(rest.Series, labelsPerUpdate)
		if len(u.Series) == 0 {
			u.Backends, rest.Backends = cut(rest.Backends, labelsPerUpdate)
			u.Ports, rest.Ports = cut(rest.Ports, labelsPerUpdate)
		}
		if len(u.Series)+len(u.Backends)+len(u.Ports) == 0 {
			u.Endpoints, rest.Endpoints = cut(rest.Endpoints, endpointsPerUpdate)
		}
		u.Last = len(rest.Series)+len(rest.Backends)+len(rest.Endpoints)+len(rest.Ports) == 0
		updates = append(updates, u)
		if u.Last {
			return updates
		}
	}
}

func cut[T any](s []T, n int) (head, tail []T) {
	n = min(n, len(s))
	return s[:n], s[n:]
}

// Encode returns the packet of a message: a Hello, a Welcome or an Update.
func Encode(message any) ([]byte, error) {
	packet, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encoding message: %w", err)
	}
	if len(packet) > MaxMessage {
		return nil, fmt.Errorf("message of %d bytes exceeds %d", len(packet), MaxMessage)
	}
	return packet, nil
}

// Decode reads a packet into a message of the expected kind. Fields that are
// not known are left out, so that either side may be the newer one.
func Decode(packet []byte, message any) error {
	if err := json.NewDecoder(bytes.NewReader(packet)).Decode(message); err != nil {
		return fmt.Errorf("decoding message: %w", err)
	}
	return nil
}
