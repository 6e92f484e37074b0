package app

import (
	"log/slog"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/accesslog"
)

// adopt puts the settings of a configuration into effect, as far as they are of the
// process and not of its loops, which look for themselves. What they leave open is as
// the options say. Calls do not overlap.
func (p *proxy) adopt(s *proxyconfig.Settings) {
	if s == p.settings {
		return
	}
	p.settings = s
	level := p.least
	if set, ok := LogLevel(s.LogLevel); ok {
		level = set
	}
	p.options.LogLevel.Set(level)
	if p.accessLog != nil {
		var fields []string
		if s.AccessLog != nil {
			fields = s.AccessLog.Fields
		}
		p.accessLog.Choose(accesslog.ParseFields(fields))
		p.accessLog.Set(accessLogMode(p.options.AccessLog, s.AccessLog))
	}
	var bounds proxyconfig.ConnectionLimits
	if s.Limits != nil {
		bounds = *s.Limits
	}
	p.gate.Bound(int(bounds.MaxConnectionsPerPort), int(bounds.MaxConnections))
	p.options.Log.V(1).Info("Took over settings", "settings", s)
}

// LogLevel returns the level of slog, or false for one that is not known. V(1) of
// logr is debug.
func LogLevel(l proxyconfig.LogLevel) (slog.Level, bool) {
	switch l {
	case proxyconfig.LogDebug:
		return slog.LevelDebug, true
	case proxyconfig.LogInfo:
		return slog.LevelInfo, true
	case proxyconfig.LogError:
		return slog.LevelError, true
	}
	return 0, false
}

// slowByDefault is how long a request takes at least whose line says what the kernel
// knows of its connections: longer than what people wait for without asking why.
const slowByDefault = time.Second

// slow is that time by settings, which may be nil; zero where nothing is logged.
func (p *proxy) slow(s *proxyconfig.Settings) time.Duration {
	var log *proxyconfig.AccessLog
	if s != nil {
		log = s.AccessLog
	}
	switch {
	case p.accessLog == nil || accessLogMode(p.options.AccessLog, log).Format == accesslog.Off:
		return 0
	case log != nil && log.SlowMillis != nil:
		return time.Duration(*log.SlowMillis) * time.Millisecond
	}
	return slowByDefault
}

// accessLogMode is what settings, which may be nil, make of the format of the
// options. They are sound.
func accessLogMode(format accesslog.Format, s *proxyconfig.AccessLog) accesslog.Mode {
	mode := accesslog.Mode{Format: format, Percent: 100}
	if s == nil {
		return mode
	}
	if set, err := accesslog.ParseFormat(string(s.Format)); err == nil {
		mode.Format = set
	}
	if s.SamplePercent != nil {
		mode.Percent = uint8(*s.SamplePercent)
	}
	return mode
}
