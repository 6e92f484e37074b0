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
	requestSize    = 56 // of an inet_diag_req_v2
	oldRequestSize = 60 // of an inet_diag_req
	messageSize    = 72
	tcpDiag        = 18 // TCPDIAG_GETSOCK
	infoKind       = 2  // INET_DIAG_INFO
	memoryKind     = 7  // INET_DIAG_SKMEMINFO
	drops          = 8  // SK_MEMINFO_DROPS

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
	told := false
	err = ask(fd, buf, requestOfAll(), func(s *Socket) {
		told = true
		fn(s)
	})
	if err == nil || told {
		return err
	}
	// A kernel that does not know the old request any more.
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		if err := ask(fd, buf, request(family), fn); err != nil {
			return err
		}
	}
	return nil
}

// ask sends a request and takes the answer.
func ask(fd int, buf, request []byte, fn func(*Socket)) error {
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("asking for sockets: %w", err)
	}
	return receive(fd, buf, fn)
}

// What is asked for: sockets in these states, with these attributes.
const (
	states     = 1<<established | 1<<closeWait | 1<<listen
	attributes = 1<<(infoKind-1) | 1<<(memoryKind-1)
)

// requestOfAll asks for the sockets of all families, as inet_diag_req_v2 cannot: for
// each request the kernel walks through its whole table of connections, which has
// hundreds of thousands of places however few there are.
func requestOfAll() []byte {
	b, r := header(tcpDiag, oldRequestSize)
	r[3] = attributes
	binary.NativeEndian.PutUint32(r[52:], states)
	return b
}

// request asks for the sockets of a family.
func request(family byte) []byte {
	b, r := header(unix.SOCK_DIAG_BY_FAMILY, requestSize)
	r[0], r[1], r[2] = family, unix.IPPROTO_TCP, attributes
	binary.NativeEndian.PutUint32(r[4:], states)
	return b
}

// header returns a message of a kind, and its body.
func header(kind uint16, size int) (message, body []byte) {
	b := make([]byte, unix.NLMSG_HDRLEN+size)
	ne := binary.NativeEndian
	ne.PutUint32(b, uint32(len(b)))
	ne.PutUint16(b[4:], kind)
	ne.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	return b, b[unix.NLMSG_HDRLEN:]
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
		case unix.SOCK_DIAG_BY_FAMILY, tcpDiag:
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
