package filter

// HeaderEdits are compiled header changes. They are immutable.
type HeaderEdits struct {
	// Set, Add and Remove are in order; Names are lower case for comparing,
	// Lines are complete field lines "Name: value\r\n" for writing.
	Set, Add []HeaderLine
	Remove   []string
}

// HeaderLine is one field ready to be written.
type HeaderLine struct {
	Name string
	Line []byte
}

// PathRewrite replaces the whole path, or the prefix that was matched.
type PathRewrite struct {
	Full   bool
	Prefix bool
	Value  string
}

// Redirect is a compiled redirect. It is immutable.
type Redirect struct {
	Scheme   string
	Hostname string
	Port     uint16
	Path     *PathRewrite
	Status   int
}

// Rewrite is a compiled URL rewrite. It is immutable.
type Rewrite struct {
	Hostname string
	Path     *PathRewrite
}
