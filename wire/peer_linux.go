package wire

import (
	"net"
	"syscall"
	"unsafe"
)

// pollfd is struct pollfd of poll(2).
type pollfd struct {
	fd      int32
	events  int16
	revents int16
}

const (
	pollErr   = 0x8
	pollHup   = 0x10
	pollRDHup = 0x2000
)

// poll asks for the state of a connection's socket without waiting or reading.
func poll(nc net.Conn, events int16) int16 {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return 0
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	var p pollfd
	_ = rc.Control(func(fd uintptr) {
		p = pollfd{fd: int32(fd), events: events}
		var now syscall.Timespec
		syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	})
	return p.revents
}

// peerGone reports whether the other end has closed the connection, also when
// bytes are still waiting to be read.
func peerGone(nc net.Conn) bool { return poll(nc, pollRDHup)&(pollRDHup|pollHup|pollErr) != 0 }

// hasInput reports whether bytes are waiting to be read.
func hasInput(nc net.Conn) bool { return poll(nc, 0x1)&0x1 != 0 }
