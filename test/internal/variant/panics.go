package variant

// By these an object asks for the defect of Panics: a rule by a response header, a listener
// by its hostname, a policy or an XBackend by its name, and parameters by a label of pods.
const (
	PanicHeader   = "X-Panics"
	PanicHostname = "panics.example.com"
	PanicName     = "panics"
	PanicLabel    = "panics"
)

// Panics is a defect of the operator: the translation of what asks for it panics in the
// midst of it.
var Panics = []Edit{
	{
		File: "operator/internal/graph/rule.go",
		Old:  "\trule.checkTimeouts(at)\n",
		New: `	for _, filter := range rule.HTTP.Filters {
		if headers := filter.ResponseHeaderModifier; headers != nil {
			for _, header := range headers.Set {
				if header.Name == "` + PanicHeader + `" {
					panic("a defect that was built in")
				}
			}
		}
	}
	rule.checkTimeouts(at)
`,
	},
	{
		File: "operator/internal/graph/listener.go",
		Old:  "\tl.checkHostname()\n",
		New: `	if source.Hostname != nil && *source.Hostname == "` + PanicHostname + `" {
		panic("a defect that was built in")
	}
	l.checkHostname()
`,
	},
	{
		File: "operator/internal/graph/broken.go",
		Old:  "\twhy, broken := b.in.Broken[store.ObjectKey{Kind: p.Kind, NamespacedName: p.Name()}]\n",
		New: `	why, broken := b.in.Broken[store.ObjectKey{Kind: p.Kind, NamespacedName: p.Name()}]
	if !broken && p.Meta.Name == "` + PanicName + `" {
		panic("a defect that was built in")
	}
`,
	},
	{
		File: "operator/internal/parameters/merge.go",
		Old:  "\tm.overlays(layer, spec, reserved)\n",
		New: `	if spec.Pod != nil && spec.Pod.Labels["` + PanicLabel + `"] != "" {
		panic("a defect that was built in")
	}
	m.overlays(layer, spec, reserved)
`,
	},
}

// PanickingOperator is the operator that Panics is built into.
var PanickingOperator = Program{Folder: "operator", Name: "fleetgate", Image: "fleetgate.io/operator:v0.1.0-panics"}
