package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// epoch is the time of everything in an image: a real time would change the
// digest with every build.
var epoch = time.Unix(0, 0).UTC()

// baseFiles are part of every image, unless the Spec has a file of that path.
func baseFiles() []File {
	return []File{
		{Path: "/etc/passwd", Content: fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:%d:%[1]d:nonroot:/:/sbin/nologin\n", Nonroot)},
		{Path: "/etc/group", Content: fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", Nonroot)},
	}
}

// layer returns the image's only layer, as an uncompressed tar.
func layer(files []File) ([]byte, error) {
	files = withBase(files)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, folder := range folders(files) {
		if err := w.WriteHeader(folderHeader(folder)); err != nil {
			return nil, fmt.Errorf("adding folder %s: %w", folder, err)
		}
	}
	for _, f := range files {
		if err := writeFile(w, f); err != nil {
			return nil, fmt.Errorf("adding file %s: %w", f.Path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("ending the layer: %w", err)
	}
	return b.Bytes(), nil
}

// withBase adds the base files and sorts by path. The argument is not changed.
func withBase(files []File) []File {
	all := slices.Clone(files)
	for _, base := range baseFiles() {
		if !slices.ContainsFunc(files, func(f File) bool { return f.Path == base.Path }) {
			all = append(all, base)
		}
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// folders returns all parents of the files and /tmp, parents first.
func folders(files []File) []string {
	set := map[string]bool{"/tmp": true}
	for _, f := range files {
		for d := path.Dir(f.Path); d != "/"; d = path.Dir(d) {
			set[d] = true
		}
	}
	var all []string
	for d := range set {
		all = append(all, d)
	}
	// A parent is a prefix of its children and so sorts before them.
	slices.Sort(all)
	return all
}

func folderHeader(folder string) *tar.Header {
	mode := int64(0o755)
	if folder == "/tmp" {
		mode = 0o1777
	}
	return &tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(folder, "/") + "/", Mode: mode, ModTime: epoch, Format: tar.FormatPAX}
}

func writeFile(w *tar.Writer, f File) error {
	mode := f.Mode.Perm()
	if mode == 0 {
		mode = 0o644
	}
	header := &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     strings.TrimPrefix(f.Path, "/"),
		Mode:     int64(mode),
		Size:     int64(len(f.Content)),
		ModTime:  epoch,
		Format:   tar.FormatPAX,
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err := w.Write(f.Content)
	return err
}
