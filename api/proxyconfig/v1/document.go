package proxyconfig

import "encoding/json"

// Schema names the contract and its major version.
const Schema = "proxyconfig.fleetgate.io/v1"

// ConfigKey is the key of the ConfigMap, and so the name of the mounted file,
// that holds the encoded Document.
const ConfigKey = "config.json"

// Document is the envelope that is stored: it says whose configuration it
// carries, which of two is the newer one, and what its bytes hash to.
type Document struct {
	// Schema is the constant Schema. Another value is refused.
	Schema string `json:"schema"`
	// Gateway is the Gateway that the configuration was rendered for. A proxy
	// refuses a document whose UID is not its own Gateway's.
	Gateway Gateway `json:"gateway"`
	// Revision grows with every change of the content of one Gateway's
	// configuration. A proxy never goes back to a smaller one.
	Revision int64 `json:"revision"`
	// Requires names the features that a proxy must know. See KnownFeatures.
	Requires []string `json:"requires,omitempty"`
	// Hash is the lower-case hex SHA-256 of the compact JSON of Config.
	Hash string `json:"hash"`
	// Seal is the hash of the fields above, so that a damaged revision is
	// noticed as surely as a damaged configuration.
	Seal string `json:"seal"`
	// Config is the JSON of a Config.
	Config json.RawMessage `json:"config"`
}

// Gateway identifies a Gateway object.
type Gateway struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
}
