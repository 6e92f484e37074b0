package apply

import (
	"reflect"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestAgrees(t *testing.T) {
	tests := []struct {
		name, desired, live string
		want                bool
	}{
		{"equal", `{a: 1, b: [x]}`, `{a: 1, b: [x]}`, true},
		{"a field was added", `{a: 1}`, `{a: 1, b: 2}`, true},
		{"a field was changed", `{a: 1}`, `{a: 2}`, false},
		{"a field was removed", `{a: 1, b: 2}`, `{a: 1}`, false},
		{"a nested field was changed", `{a: {b: {c: 1}}}`, `{a: {b: {c: 2, d: 3}}}`, false},
		{"a field has another type", `{a: {b: 1}}`, `{a: 1}`, false},
		{"a container was injected in front", `{c: [{name: proxy, image: p}]}`, `{c: [{name: mesh}, {name: proxy, image: p}]}`, true},
		{"our container was changed", `{c: [{name: proxy, image: p}]}`, `{c: [{name: proxy, image: evil}]}`, false},
		{"our container was removed", `{c: [{name: proxy}, {name: sensor}]}`, `{c: [{name: proxy}]}`, false},
		{"mounts are told apart by path", `{m: [{name: v, mountPath: /a}, {name: v, mountPath: /b}]}`,
			`{m: [{name: v, mountPath: /b}, {name: t, mountPath: /token}, {name: v, mountPath: /a}]}`, true},
		{"an item was added to a list of values", `{args: [a]}`, `{args: [a, b]}`, false},
		{"an item was added to a list without names", `{rules: [{verbs: [get]}]}`, `{rules: [{verbs: [get]}, {verbs: ["*"]}]}`, false},
		{"an item without a name was defaulted", `{ports: [{port: 80}]}`, `{ports: [{port: 80, protocol: TCP}]}`, true},
		{"an empty list was wanted", `{a: []}`, `{a: [x]}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			desired, live := parse(t, tt.desired), parse(t, tt.live)
			if got := agrees(desired, live); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := reflect.DeepEqual(project(desired, live), any(desired)); got != tt.want {
				t.Errorf("what is projected says %v, want %v", got, tt.want)
			}
		})
	}
}

func TestOverlay(t *testing.T) {
	tests := []struct{ name, desired, live, want string }{
		{"fields of others stay", `{a: {b: 1}}`, `{a: {b: 2, c: 3}, d: 4}`, `{a: {b: 1, c: 3}, d: 4}`},
		{"items of others stay, behind ours", `{p: [{name: a, port: 1}]}`, `{p: [{name: x}, {name: a, port: 2, node: 3}]}`,
			`{p: [{name: a, port: 1, node: 3}, {name: x}]}`},
		{"a double goes", `{p: [{name: a, port: 1}]}`, `{p: [{name: a, port: 2}, {name: a, port: 1}]}`, `{p: [{name: a, port: 1}]}`},
		{"other lists are ours", `{args: [a]}`, `{args: [b, c]}`, `{args: [a]}`},
		{"another type gives way", `{a: {b: 1}, l: [{name: x}]}`, `{a: 7, l: 8}`, `{a: {b: 1}, l: [{name: x}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			desired := parse(t, tt.desired)
			got := overlay(desired, parse(t, tt.live)).(map[string]any)
			if digest(got) != digest(parse(t, tt.want)) {
				t.Errorf("got %v, want %s", got, tt.want)
			}
			if !agrees(desired, got) {
				t.Error("what was put over does not agree")
			}
		})
	}
}

func TestPrune(t *testing.T) {
	got := parse(t, `{a: null, spec: {strategy: {}, emptyDir: {}, template: {metadata: {creationTimestamp: null}}}, list: [{resources: {}, x: null}]}`)
	prune(got)
	want := parse(t, `{spec: {emptyDir: {}, template: {}}, list: [{}]}`)
	if digest(got) != digest(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}
