package proxyconfig

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestSettingsThatAreSoundStay(t *testing.T) {
	for _, s := range []*Settings{sampleSettings(), {}, {AccessLog: &AccessLog{}, Limits: &ConnectionLimits{}, Timeouts: &PhaseTimeouts{}}} {
		got := ValidSettings(&Config{Settings: s}, func(item RefusedItem) { t.Errorf("refused %+v", item) })
		if !reflect.DeepEqual(got, *s) {
			t.Errorf("got %+v, want %+v", got, *s)
		}
	}
	none := int32(0)
	got := ValidSettings(&Config{Settings: &Settings{TrustedHops: &none}}, nil)
	if got.TrustedHops == nil || *got.TrustedHops != 0 {
		t.Error("no hop at all is not what is left to the flag")
	}
}

// Each field is refused alone: the default holds for it, and the others are in
// effect.
func TestASettingIsRefusedAlone(t *testing.T) {
	tests := []struct {
		field  string
		change func(*Settings)
		// reset is the sound rest.
		reset func(*Settings)
		want  string
	}{
		{"logLevel", func(s *Settings) { s.LogLevel = "loud" }, func(s *Settings) { s.LogLevel = "" }, `"loud" is none of debug, info, error`},
		{"accessLog.format", func(s *Settings) { s.AccessLog.Format = "xml" }, func(s *Settings) { s.AccessLog.Format = "" }, `"xml" is none of off, json, text`},
		{"accessLog.samplePercent", func(s *Settings) { *s.AccessLog.SamplePercent = 101 }, func(s *Settings) { s.AccessLog.SamplePercent = nil }, "101 is not in 0..100"},
		{"accessLog.slowMillis", func(s *Settings) { *s.AccessLog.SlowMillis = 3_600_001 }, func(s *Settings) { s.AccessLog.SlowMillis = nil }, "3600001 is not in 0..3600000"},
		{"accessLog.fields", func(s *Settings) { s.AccessLog.Fields = append(s.AccessLog.Fields, "cookie") }, func(*Settings) {}, `"cookie" is no field`},
		{"trustedHops", func(s *Settings) { *s.TrustedHops = 17 }, func(s *Settings) { s.TrustedHops = nil }, "17 is not in 0..16"},
		{"trustedHops", func(s *Settings) { *s.TrustedHops = -1 }, func(s *Settings) { s.TrustedHops = nil }, "-1 is not in 0..16"},
		{"limits.maxConnections", func(s *Settings) { s.Limits.MaxConnections = -1 }, func(s *Settings) { s.Limits.MaxConnections = 0 }, "-1 is not in 0..1000000"},
		{"limits.maxConnectionsPerPort", func(s *Settings) { s.Limits.MaxConnectionsPerPort = 1_000_001 },
			func(s *Settings) { s.Limits.MaxConnectionsPerPort = 0 }, "1000001 is not in"},
		{"timeouts.requestHeadMillis", func(s *Settings) { s.Timeouts.RequestHeadMillis = -1 }, func(s *Settings) { s.Timeouts.RequestHeadMillis = 0 }, "-1 is not in 0..86400000"},
		{"timeouts.requestBodyIdleMillis", func(s *Settings) { s.Timeouts.RequestBodyIdleMillis = -1 }, func(s *Settings) { s.Timeouts.RequestBodyIdleMillis = 0 }, "-1"},
		{"timeouts.responseIdleMillis", func(s *Settings) { s.Timeouts.ResponseIdleMillis = -1 }, func(s *Settings) { s.Timeouts.ResponseIdleMillis = 0 }, "-1"},
		{"timeouts.keepAliveMillis", func(s *Settings) { s.Timeouts.KeepAliveMillis = -1 }, func(s *Settings) { s.Timeouts.KeepAliveMillis = 0 }, "-1"},
		{"timeouts.tunnelIdleMillis", func(s *Settings) { s.Timeouts.TunnelIdleMillis = -1 }, func(s *Settings) { s.Timeouts.TunnelIdleMillis = 0 }, "-1"},
		{"timeouts.backendConnectMillis", func(s *Settings) { s.Timeouts.BackendConnectMillis = -1 }, func(s *Settings) { s.Timeouts.BackendConnectMillis = 0 }, "-1"},
		{"timeouts.backendIdleMillis", func(s *Settings) { s.Timeouts.BackendIdleMillis = -1 }, func(s *Settings) { s.Timeouts.BackendIdleMillis = 0 }, "-1"},
		{"timeouts.backendKeepAliveMillis", func(s *Settings) { s.Timeouts.BackendKeepAliveMillis = maxMillis + 1 },
			func(s *Settings) { s.Timeouts.BackendKeepAliveMillis = 0 }, "86400001 is not in"},
	}
	for _, test := range tests {
		t.Run(test.field, func(t *testing.T) {
			given, want := sampleSettings(), sampleSettings()
			test.change(given)
			test.reset(want)
			var refused []RefusedItem
			got := ValidSettings(&Config{Settings: given}, func(item RefusedItem) { refused = append(refused, item) })
			if !reflect.DeepEqual(got, *want) {
				t.Errorf("got %+v, want %+v", got, *want)
			}
			if len(refused) != 1 || refused[0].Kind != KindSetting || refused[0].Name != test.field || !strings.Contains(refused[0].Reason, test.want) {
				t.Errorf("refused %+v, want %s with %q", refused, test.field, test.want)
			}
			if all := Validate(&Config{Settings: given}); !slices.Equal(all, refused) {
				t.Errorf("Validate refuses %+v", all)
			}
		})
	}
}

// What is given stays as it is: it belongs to a configuration that others read.
func TestValidSettingsChangesNothing(t *testing.T) {
	given, before := sampleSettings(), sampleSettings()
	given.Timeouts.KeepAliveMillis, before.Timeouts.KeepAliveMillis = -1, -1
	given.AccessLog.Format, before.AccessLog.Format = "xml", "xml"
	ValidSettings(&Config{Settings: given}, func(RefusedItem) {})
	if !reflect.DeepEqual(given, before) {
		t.Errorf("got %+v", given)
	}
}

// A proxy that overlooks them goes on taking in routes.
func TestSettingsNeedNoFeature(t *testing.T) {
	c := sampleConfig()
	with := Features(c)
	c.Settings = nil
	if without := Features(c); !slices.Equal(with, without) {
		t.Errorf("got %v with and %v without", with, without)
	}
}

// The settings of a large configuration are in its index.
func TestSettingsAreInTheIndex(t *testing.T) {
	data, _, err := EncodeIndex(sampleGateway(), 7, sampleConfig(), Layout{})
	if err != nil {
		t.Fatal(err)
	}
	_, got, _, err := Decode(data)
	if err != nil || !reflect.DeepEqual(got.Settings, sampleSettings()) {
		t.Errorf("got %+v, error %v", got.Settings, err)
	}
}
