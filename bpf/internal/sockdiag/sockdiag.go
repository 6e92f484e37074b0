package sockdiag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is a listening one, or one end of an established connection, which the
// other side may have closed its half of.
type Socket struct {
	Local, Remote netip.AddrPort
	Listening     bool
	// Queued and Limit are those of a listening socket's accept queue, and Dropped how
	// often it has turned down what came for it since it was made; that begins anew
	// after 2^32.
	Queued, Limit, Dropped uint32
	// RTT is the smoothed round-trip time, zero when nothing was measured yet.
	RTT time.Duration
	// Retransmitting says that the oldest segment was sent again, and still is
	// not acknowledged.
	Retransmitting bool
	// Cookie names the socket for as long as the kernel runs.
	Cookie uint64
	// Received is the payload in bytes that has come, and Acknowledged the sequence
	// numbers that the other side has acknowledged: the payload that was sent, and of
	// who has connected the SYN.
	Received, Acknowledged uint64
}

// The layouts of linux/inet_diag.h.
const (
	requestSize = 56
	messageSize = 72
	infoKind    = 2 // INET_DIAG_INFO
	memoryKind  = 7 // INET_DIAG_SKMEMINFO
	drops       = 8 // SK_MEMINFO_DROPS

	established, closeWait, listen = 1, 8, 10
)

// bufferSize is that of the kernel's portions, of which none is larger.
const bufferSize = 32 << 10

// Each calls fn for each socket of the network namespace. The Socket is valid
// only during the call. Sockets that come or go meanwhile may be missed.
func Each(fn func(*Socket)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fmt.Errorf("asking for sockets: %w", err)
	}
	defer unix.Close(fd)
	// The kernel answers at once; this is for where it never does.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		return fmt.Errorf("asking for sockets: %w", err)
	}
	buf := make([]byte, bufferSize)
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		if err := unix.Sendto(fd, request(family), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return fmt.Errorf("asking for sockets: %w", err)
		}
		if err := receive(fd, buf, fn); err != nil {
			return err
		}
	}
	return nil
}

// request asks for all sockets of a family in the states that are told of.
func request(family byte) []byte {
	b := make([]byte, unix.NLMSG_HDRLEN+requestSize)
	ne := binary.NativeEndian
	ne.PutUint32(b, uint32(len(b)))
	ne.PutUint16(b[4:], unix.SOCK_DIAG_BY_FAMILY)
	ne.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	r := b[unix.NLMSG_HDRLEN:]
	r[0], r[1], r[2] = family, unix.IPPROTO_TCP, 1<<(infoKind-1)|1<<(memoryKind-1)
	ne.PutUint32(r[4:], 1<<established|1<<closeWait|1<<listen)
	return b
}

// receive takes the answer to one request.
func receive(fd int, buf []byte, fn func(*Socket)) error {
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("being told of sockets: %w", err)
		}
		if done, err := parse(buf[:n], fn); done || err != nil {
			return err
		}
	}
}

var errMalformed = errors.New("the kernel's answer about sockets is malformed")

// parse takes one portion and says whether it was the last.
func parse(b []byte, fn func(*Socket)) (done bool, err error) {
	ne := binary.NativeEndian
	for len(b) >= unix.NLMSG_HDRLEN {
		size, kind := ne.Uint32(b), ne.Uint16(b[4:])
		if size < unix.NLMSG_HDRLEN || int(size) > len(b) {
			return false, errMalformed
		}
		body := b[unix.NLMSG_HDRLEN:size]
		switch kind {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			if len(body) < 4 {
				return false, errMalformed
			}
			return false, fmt.Errorf("asking for sockets: %w", unix.Errno(-int32(ne.Uint32(body))))
		case unix.SOCK_DIAG_BY_FAMILY:
			if len(body) < messageSize {
				return false, errMalformed
			}
			s := socketOf(body)
			fn(&s)
		}
		b = b[min(len(b), aligned(int(size))):]
	}
	return false, nil
}

func aligned(n int) int { return (n + 3) &^ 3 }

// socketOf reads an inet_diag_msg with the attributes behind it.
func socketOf(m []byte) Socket {
	ne, be := binary.NativeEndian, binary.BigEndian
	s := Socket{
		Local:     netip.AddrPortFrom(address(m[0], m[8:24]), be.Uint16(m[4:])),
		Remote:    netip.AddrPortFrom(address(m[0], m[24:40]), be.Uint16(m[6:])),
		Listening: m[1] == listen,
	}
	s.Cookie = ne.Uint64(m[44:])
	if s.Listening {
		s.Queued, s.Limit = ne.Uint32(m[56:]), ne.Uint32(m[60:])
	}
	for a := m[messageSize:]; len(a) >= unix.SizeofRtAttr; {
		size := int(ne.Uint16(a))
		if size < unix.SizeofRtAttr || size > len(a) {
			break
		}
		switch content := a[unix.SizeofRtAttr:size]; ne.Uint16(a[2:]) {
		case infoKind:
			s.measure(content)
		case memoryKind:
			if s.Listening && len(content) >= 4*(drops+1) {
				s.Dropped = ne.Uint32(content[4*drops:])
			}
		}
		a = a[min(len(a), aligned(size)):]
	}
	if m[1] == closeWait && s.Received > 0 {
		s.Received-- // the other side's FIN
	}
	return s
}

func address(family byte, b []byte) netip.Addr {
	if family == unix.AF_INET {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.AddrFrom16([16]byte(b)).Unmap()
}

// measure takes a tcp_info, which older kernels have less of.
func (s *Socket) measure(info []byte) {
	const retransmits, rtt = unsafe.Offsetof(unix.TCPInfo{}.Retransmits), unsafe.Offsetof(unix.TCPInfo{}.Rtt)
	const acked, received = unsafe.Offsetof(unix.TCPInfo{}.Bytes_acked), unsafe.Offsetof(unix.TCPInfo{}.Bytes_received)
	if len(info) < int(rtt)+4 {
		return
	}
	s.Retransmitting = info[retransmits] > 0
	s.RTT = time.Duration(binary.NativeEndian.Uint32(info[rtt:])) * time.Microsecond
	if len(info) >= int(received)+8 {
		s.Acknowledged, s.Received = binary.NativeEndian.Uint64(info[acked:]), binary.NativeEndian.Uint64(info[received:])
	}
}
