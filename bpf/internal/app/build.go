package app

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// errBuild says that the executable is not the proxy that the sensor was built
// with. Its records may mean something else, whatever it says of itself.
var errBuild = errors.New("the executable is not the proxy of the sensor's build")

// The note by which the Go linker tells the build ID (see cmd/internal/buildid).
const (
	noteOwner   = "Go\x00\x00"
	noteBuildID = 4
	// maxNotes bounds the size of a segment of notes that is read.
	maxNotes = 64 << 10
)

// checkBuild makes sure that the file has the build ID, if there is one to have.
func checkBuild(exe *os.File, want string) error {
	if want == "" {
		return nil
	}
	got, err := buildID(exe)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: build ID %.100q", errBuild, got)
	}
	return nil
}

// buildID returns the Go build ID of an executable. Nothing in the file is
// trusted.
func buildID(exe io.ReaderAt) (string, error) {
	file, err := elf.NewFile(exe)
	if err != nil {
		return "", fmt.Errorf("reading the proxy's executable: %w", err)
	}
	for _, segment := range file.Progs {
		if segment.Type != elf.PT_NOTE || segment.Filesz > maxNotes {
			continue
		}
		notes := make([]byte, segment.Filesz)
		if _, err := segment.ReadAt(notes, 0); err != nil {
			continue
		}
		if id, ok := goNote(notes, file.ByteOrder); ok {
			return id, nil
		}
	}
	return "", fmt.Errorf("%w: it has no build ID", errBuild)
}

// goNote looks through notes, each of which has the sizes of its owner and of its
// content, its type, and both of these, padded to four bytes.
func goNote(notes []byte, order binary.ByteOrder) (id string, ok bool) {
	const head = 12
	padded := func(n uint64) uint64 { return (n + 3) &^ 3 }
	for len(notes) >= head {
		owner, size, kind := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:])), order.Uint32(notes[8:])
		notes = notes[head:]
		if padded(owner)+size > uint64(len(notes)) {
			return "", false
		}
		content := notes[padded(owner):][:size]
		if kind == noteBuildID && bytes.Equal(notes[:owner], []byte(noteOwner)) {
			return string(content), true
		}
		notes = notes[min(padded(owner)+padded(size), uint64(len(notes))):]
	}
	return "", false
}
