//go:build !linux

package wire

import "net"

// peerGone reports whether the other end has closed the connection; where the
// system offers no cheap way to ask, writing finds out.
func peerGone(net.Conn) bool { return false }

// hasInput reports whether bytes are waiting to be read; unknown here. What a client
// sends in plain text ahead of a TLS handshake then fails the handshake.
func hasInput(net.Conn) bool { return false }
