package custody

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// timeout bounds each step: both sides are processes of one container, and do little
// between two packets.
const timeout = 5 * time.Second

// mostSockets is what fits beside one packet (SCM_MAX_FD).
const mostSockets = 253

// verb is what a packet says of a port.
type verb byte

const (
	// held comes from the Holder, with sockets, and end after the last of them.
	held verb = iota + 1
	end
	// keep and drop come from the Client, and are answered by done.
	keep
	drop
	done
)

// message is one packet.
type message struct {
	verb verb
	port uint16
	fds  []int
}

const messageBytes = 3

func send(conn *net.UnixConn, m message) error {
	packet := binary.BigEndian.AppendUint16([]byte{byte(m.verb)}, m.port)
	var rights []byte
	if len(m.fds) > 0 {
		rights = unix.UnixRights(m.fds...)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	_, _, err := conn.WriteMsgUnix(packet, rights, nil)
	return err
}

// receive reads one packet. Its sockets are the caller's.
func receive(conn *net.UnixConn) (m message, err error) {
	packet, beside := make([]byte, messageBytes), make([]byte, unix.CmsgSpace(4*mostSockets))
	n, nb, _, _, err := conn.ReadMsgUnix(packet, beside)
	if err != nil {
		return m, err
	}
	if m.fds, err = descriptors(beside[:nb]); err != nil {
		return m, err
	}
	if n != messageBytes {
		CloseAll(m.fds)
		return message{}, fmt.Errorf("a packet of %d bytes", n)
	}
	m.verb, m.port = verb(packet[0]), binary.BigEndian.Uint16(packet[1:])
	return m, nil
}
