package process

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// maxTail bounds how much of a log is looked at for its last line.
const maxTail = 1024

// lastLine returns the last line of a file that is not empty, shortened to its
// end if it is long; nothing if the file cannot be read.
func lastLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxTail {
		if _, err := f.Seek(-maxTail, io.SeekEnd); err != nil {
			return ""
		}
	}
	tail, err := io.ReadAll(io.LimitReader(f, maxTail))
	if err != nil {
		return ""
	}
	tail = bytes.TrimSpace(tail)
	return strings.ToValidUTF8(string(tail[bytes.LastIndexByte(tail, '\n')+1:]), "")
}
