package replication

import (
	"bytes"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// raftLogger gives consensus a logger that writes to ours.
func raftLogger(l *slog.Logger) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Info, DisableTime: true, Output: slogWriter{l}})
}

// slogWriter takes lines such as "[WARN]  text: key=value".
type slogWriter struct{ log *slog.Logger }

// Write implements io.Writer.
func (w slogWriter) Write(b []byte) (int, error) {
	line := string(bytes.TrimSpace(b))
	for _, level := range []struct {
		prefix string
		log    func(string, ...any)
	}{{"[ERROR]", w.log.Error}, {"[WARN]", w.log.Warn}} {
		if rest, ok := bytes.CutPrefix(bytes.TrimSpace(b), []byte(level.prefix)); ok {
			level.log("consensus: " + string(bytes.TrimSpace(rest)))
			return len(b), nil
		}
	}
	w.log.Debug("consensus: " + line)
	return len(b), nil
}
