package proxyconfig

// The types of filters that answer or copy a request. A rule may have several
// mirrors; neither type may stand at a backend reference.
const (
	FilterCORS   FilterType = "CORS"
	FilterMirror FilterType = "Mirror"
)

// CORS tells browsers which other origins may use what the rule serves, and
// answers their preflight requests (Gateway API, HTTPCORSFilter; Fetch
// standard, CORS protocol).
type CORS struct {
	// AllowOrigins are "*" alone, or origins "scheme://host[:port]" whose host may
	// be "*" or begin with "*.", which stands for one or more labels.
	AllowOrigins []string `json:"allowOrigins,omitempty"`
	// AllowMethods, AllowHeaders and ExposeHeaders may hold "*" for all.
	AllowMethods  []string `json:"allowMethods,omitempty"`
	AllowHeaders  []string `json:"allowHeaders,omitempty"`
	ExposeHeaders []string `json:"exposeHeaders,omitempty"`
	// AllowCredentials lets browsers send cookies and the like.
	AllowCredentials bool `json:"allowCredentials,omitempty"`
	// MaxAgeSeconds is how long a preflight's answer may be kept; 5 by default.
	MaxAgeSeconds int32 `json:"maxAgeSeconds,omitempty"`
}

// Mirror sends a copy of requests to another backend, whose answers are thrown
// away (Gateway API, HTTPRequestMirrorFilter).
type Mirror struct {
	// Backend is the ID of one of Config.Backends. A mirror to one that is not
	// there is left out.
	Backend string `json:"backend"`
	// Fraction of the requests is copied; nil copies all.
	Fraction *Fraction `json:"fraction,omitempty"`
}

// Fraction is Numerator/Denominator. A percentage has the denominator 100.
type Fraction struct {
	Numerator   int32 `json:"numerator"`
	Denominator int32 `json:"denominator"`
}
