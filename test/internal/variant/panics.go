package variant

// PanicHeader is the response header by which a rule asks for the defect of Panics.
const PanicHeader = "X-Panics"

// Panics is a defect of the operator: the translation of a rule that sets PanicHeader
// panics, in the midst of it and with half of the rule read.
var Panics = Edit{
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
}

// PanickingOperator is the operator that Panics is built into.
var PanickingOperator = Program{Folder: "operator", Name: "fleetgate", Image: "fleetgate.io/operator:v0.1.0-panics"}
