package variant

// PanicHeader is the response header, and PanicHostname the hostname of a listener, by
// which an object asks for the defect of Panics.
const (
	PanicHeader   = "X-Panics"
	PanicHostname = "panics.example.com"
)

// Panics is a defect of the operator: the translation of a rule that sets PanicHeader, and
// that of a listener of the hostname PanicHostname, panics in the midst of it.
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
}

// PanickingOperator is the operator that Panics is built into.
var PanickingOperator = Program{Folder: "operator", Name: "fleetgate", Image: "fleetgate.io/operator:v0.1.0-panics"}
