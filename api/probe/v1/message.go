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
	// Amends says that the sensor understands amendments. The proxy tells one that
	// does not its whole tables instead, whenever they change.
	Amends bool `json:"amends,omitempty"`
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
// start from one and stay below MaxSeries. Of an address with several backends the
// first counts.
type Tables struct {
	Series    []Series   `json:"series,omitempty"`
	Backends  []Backend  `json:"backends,omitempty"`
	Endpoints []Endpoint `json:"endpoints,omitempty"`
	Ports     []Port     `json:"ports,omitempty"`
}

// Amendment is what has changed in tables that were told before: what is gone, and then
// what comes in addition or in place of what an identifier stood for. Ports do not
// change by one.
type Amendment struct {
	Tables
	Gone Gone `json:"gone,omitzero"`
}

// Gone is what there is no more. An address may go on belonging to other backends.
type Gone struct {
	Backends  []uint32   `json:"backends,omitempty"`
	Endpoints []Endpoint `json:"endpoints,omitempty"`
}

// Add puts an Update, which is a part of one, to those before it.
func (a *Amendment) Add(u *Update) {
	a.Series = append(a.Series, u.Series...)
	a.Backends = append(a.Backends, u.Backends...)
	a.Endpoints = append(a.Endpoints, u.Endpoints...)
	a.Ports = append(a.Ports, u.Ports...)
	a.Gone.Backends = append(a.Gone.Backends, u.Gone.Backends...)
	a.Gone.Endpoints = append(a.Gone.Endpoints, u.Gone.Endpoints...)
}

// Empty says that nothing has changed.
func (a *Amendment) Empty() bool {
	return len(a.Series)+len(a.Backends)+len(a.Endpoints)+len(a.Gone.Backends)+len(a.Gone.Endpoints) == 0
}

// Update is a part of the proxy's tables, or of an amendment. The parts up to and
// including the one marked Last replace whatever was told before, or amend it.
type Update struct {
	Amendment
	// Amends is the same in all parts of one telling.
	Amends bool `json:"amends,omitempty"`
	Last   bool `json:"last,omitempty"`
}

// Entries per update, so that none exceeds MaxMessage however long the names:
// the names of a series can take 1,300 bytes, an endpoint takes 90, an identifier six.
const (
	labelsPerUpdate    = 32
	endpointsPerUpdate = 400
	goneIDsPerUpdate   = 1000
)

// Split divides the tables into updates. It always returns at least one, and
// only the final one is Last.
func (t *Tables) Split() []Update { return split(Amendment{Tables: *t}, false) }

// Split divides the amendment into updates. It always returns at least one, and
// only the final one is Last.
func (a *Amendment) Split() []Update { return split(*a, true) }

func split(rest Amendment, amends bool) []Update {
	var updates []Update
	for {
		u := Update{Amends: amends}
		u.Series, rest.Series = cut(rest.Series, labelsPerUpdate)
		if len(u.Series) == 0 {
			u.Backends, rest.Backends = cut(rest.Backends, labelsPerUpdate)
			u.Ports, rest.Ports = cut(rest.Ports, labelsPerUpdate)
		}
		if len(u.Series)+len(u.Backends)+len(u.Ports) == 0 {
			u.Gone.Backends, rest.Gone.Backends = cut(rest.Gone.Backends, goneIDsPerUpdate)
			u.Gone.Endpoints, rest.Gone.Endpoints = cut(rest.Gone.Endpoints, endpointsPerUpdate)
			u.Endpoints, rest.Endpoints = cut(rest.Endpoints, endpointsPerUpdate-len(u.Gone.Endpoints))
		}
		u.Last = rest.Empty() && len(rest.Ports) == 0
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
