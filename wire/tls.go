package wire

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// alpn is the protocol name of PostgreSQL over TLS.
const alpn = "postgresql"

// LoadTLS reads a certificate chain and its private key, both PEM, and makes the
// server's TLS configuration of them (TLS 1.2 or newer). The errors name the file
// and what is wrong with it.
func LoadTLS(certFile, keyFile string) (*tls.Config, error) {
	certPEM, err := readPEM("certificate", certFile, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(keyFile); err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o027 != 0 {
		return nil, fmt.Errorf("TLS private key file %q may be read or written by others (mode %04o): make it 0600, or 0640 if a group needs it",
			keyFile, st.Mode().Perm())
	}
	keyPEM, err := readPEM("private key", keyFile, "")
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("TLS certificate file %q and private key file %q: %w", certFile, keyFile, err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{alpn},
	}, nil
}

// readPEM reads a file that must hold PEM; want is the type of the first block, or
// empty for any private key.
func readPEM(what, file, want string) ([]byte, error) {
	b, err := os.ReadFile(file)
	var pe *fs.PathError
	switch {
	case errors.As(err, &pe):
		return nil, fmt.Errorf("TLS %s file %q: %w", what, file, pe.Err)
	case err != nil:
		return nil, fmt.Errorf("TLS %s file %q: %w", what, file, err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("TLS %s file %q holds no PEM block", what, file)
	}
	if want != "" && block.Type != want {
		return nil, fmt.Errorf("TLS %s file %q starts with a %q block, not with a certificate", what, file, block.Type)
	}
	if want == "" && block.Type == "CERTIFICATE" {
		return nil, fmt.Errorf("TLS %s file %q holds a certificate, not a private key", what, file)
	}
	return b, nil
}
