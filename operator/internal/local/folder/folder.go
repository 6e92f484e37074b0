package folder

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxFile bounds a file, so that a folder that holds something else by mistake
// is refused instead of read into memory.
const maxFile = 16 << 20

// Options of a Folder.
type Options struct {
	// Dir is the folder.
	Dir string
	// Scheme must know the kinds that the pipeline reads.
	Scheme *runtime.Scheme
	// Now gives the creation times; nil means time.Now.
	Now func() time.Time
}

// Folder reads a folder again and again and remembers what it read last. It is
// not safe for concurrent use.
type Folder struct {
	dir     string
	decoder *decoder
	files   map[string]file
	ids     *identities
}

// Loaded is the outcome of one Load.
type Loaded struct {
	// Objects are sorted by kind, namespace and name. They are shared with
	// later loads and must not be changed.
	Objects []client.Object
	// Problems are sorted by file and document.
	Problems []Problem
}

// New returns a Folder that has read nothing yet.
func New(opts Options) *Folder {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Folder{
		dir:     opts.Dir,
		decoder: newDecoder(opts.Scheme),
		files:   map[string]file{},
		ids:     newIdentities(opts.Now),
	}
}

// Load reads the folder. What cannot be read is a problem and leaves the
// objects that were read before in place.
func (f *Folder) Load() Loaded {
	names, err := f.list()
	if err != nil {
		return f.collect([]Problem{{Message: err.Error()}})
	}
	for name := range f.files {
		if !slices.Contains(names, name) {
			delete(f.files, name)
		}
	}
	for _, name := range names {
		f.files[name] = f.reread(name)
	}
	return f.collect(nil)
}

// list returns the names of the YAML files.
func (f *Folder) list() ([]string, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if IsYAML(e.Name()) && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// IsYAML says whether a file of that name is read. Names that begin with a dot
// are those of editors' temporary files.
func IsYAML(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(filepath.Base(name), ".")
}

// reread reads a file; while anything in it cannot be read, the objects that
// it held before and that are not among the readable ones stay.
func (f *Folder) reread(name string) file {
	before := f.files[name]
	content, err := readFile(filepath.Join(f.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return file{}
	}
	var now file
	if err != nil {
		now.problems = []Problem{{File: name, Message: err.Error()}}
	} else {
		now = f.decoder.decodeFile(name, content)
	}
	if len(now.problems) > 0 {
		now.keep(before.objects)
		now.keep(before.kept)
	}
	return now
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("the file has %d bytes, more than the %d that are read", info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

// keep adds those of the objects that the file does not hold in a newer form.
func (f *file) keep(objects []client.Object) {
	held := map[key]bool{}
	for _, o := range slices.Concat(f.objects, f.kept) {
		held[keyOf(o)] = true
	}
	for _, o := range objects {
		if !held[keyOf(o)] {
			f.kept = append(f.kept, o)
		}
	}
}

// collect merges the files. Of two objects with one identity the first in the
// order of files and documents counts, and a kept one only if there is no
// other.
func (f *Folder) collect(problems []Problem) Loaded {
	all := map[key]client.Object{}
	names := slices.Sorted(maps.Keys(f.files))
	for _, name := range names {
		problems = append(problems, f.files[name].problems...)
		for _, o := range f.files[name].objects {
			if _, taken := all[keyOf(o)]; taken {
				problems = append(problems, Problem{File: name, Object: nameOf(o), Message: "the object is defined twice; the first definition counts"})
				continue
			}
			all[keyOf(o)] = o
		}
	}
	for _, name := range names {
		for _, o := range f.files[name].kept {
			if _, taken := all[keyOf(o)]; !taken {
				all[keyOf(o)] = o
			}
		}
	}
	addNamespaces(all)
	f.ids.complete(all)
	return Loaded{Objects: sorted(all), Problems: problems}
}

// addNamespaces adds the namespaces that are used and not written down, so
// that a first folder needs none.
func addNamespaces(objects map[key]client.Object) {
	var missing []*corev1.Namespace
	for k := range objects {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: k.Namespace}}
		ns.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
		if _, ok := objects[keyOf(ns)]; k.Namespace != "" && !ok {
			missing = append(missing, ns)
		}
	}
	for _, ns := range missing {
		objects[keyOf(ns)] = ns
	}
}

func nameOf(o client.Object) string {
	name := o.GetName()
	if ns := o.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	return o.GetObjectKind().GroupVersionKind().Kind + " " + name
}

func sorted(objects map[key]client.Object) []client.Object {
	keys := slices.SortedFunc(maps.Keys(objects), func(a, b key) int {
		return cmp.Or(
			strings.Compare(a.Kind, b.Kind),
			strings.Compare(a.Group, b.Group),
			strings.Compare(a.Namespace, b.Namespace),
			strings.Compare(a.Name, b.Name),
		)
	})
	list := make([]client.Object, 0, len(keys))
	for _, k := range keys {
		list = append(list, objects[k])
	}
	return list
}
