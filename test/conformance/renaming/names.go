package renaming

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Names knows which strings are names of objects. It is safe for concurrent use.
type Names struct{ known map[string]string }

// Read collects the names that the manifests give to objects, and those by which
// they refer to others. They are renamed by ROT13, which keeps their length, and
// the order of those that differ by a digit only, as ties are resolved by it.
func Read(manifests fs.FS) (*Names, error) {
	n := &Names{known: map[string]string{}}
	err := fs.WalkDir(manifests, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(file) != ".yaml" {
			return err
		}
		f, err := manifests.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := n.readFile(f); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return n, n.mirror()
}

func (n *Names) readFile(r io.Reader) error {
	decoder := yaml.NewDecoder(r)
	for {
		var object map[string]any
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if meta, ok := object["metadata"].(map[string]any); ok {
			n.add(meta["name"])
			n.add(meta["namespace"])
		}
		n.collect(object)
	}
}

// collect adds what references name, at any depth.
func (n *Names) collect(value any) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			n.collect(item)
		}
	case map[string]any:
		for key, item := range value {
			if strings.HasSuffix(key, "Ref") || strings.HasSuffix(key, "Refs") {
				n.addReferences(item)
			}
			n.collect(item)
		}
		n.add(value["secretName"])
	}
}

func (n *Names) addReferences(value any) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			n.addReferences(item)
		}
	case map[string]any:
		n.add(value["name"])
		n.add(value["namespace"])
	}
}

func (n *Names) add(value any) {
	if name, ok := value.(string); ok && name != "" {
		n.known[name] = rot13(name)
	}
}

// mirror adds the way back. A name that is another one's ROT13 would get lost.
func (n *Names) mirror() error {
	for name, other := range n.known {
		if _, ok := n.known[other]; ok {
			return fmt.Errorf("%q cannot be renamed to %q, which is a name as well", name, other)
		}
	}
	back := make(map[string]string, len(n.known))
	for name, other := range n.known {
		back[other] = name
	}
	for other, name := range back {
		n.known[other] = name
	}
	return nil
}

// Other returns the other name of one, and everything else as it is.
func (n *Names) Other(s string) string {
	if other, ok := n.known[s]; ok {
		return other
	}
	return s
}

func rot13(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return 'a' + (r-'a'+13)%26
		case 'A' <= r && r <= 'Z':
			return 'A' + (r-'A'+13)%26
		}
		return r
	}, s)
}
