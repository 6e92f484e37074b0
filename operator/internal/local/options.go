package local

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/fleetgate/fleetgate/operator/internal/local/table"
)

// Options of a run.
type Options struct {
	// Dir is the folder with the YAML files.
	Dir string
	// ProxyBinary and SensorBinary are paths.
	ProxyBinary  string
	SensorBinary string
	// Sensor says whether sensors are run.
	Sensor SensorMode
	// RunDir is where the proxies keep their files. A temporary one is made,
	// and removed at the end, when it is empty.
	RunDir string
	// ControllerName is the one that a GatewayClass must name to be served.
	ControllerName string
	// Format is how the table is shown, and Out where.
	Format table.Format
	Out    io.Writer
	// Messages is where the few words beside the table go.
	Messages io.Writer
}

// SensorMode says whether sensors are run beside the proxies.
type SensorMode string

// The modes. SensorAuto runs them if their binary is there.
const (
	SensorAuto SensorMode = "auto"
	SensorOn   SensorMode = "on"
	SensorOff  SensorMode = "off"
)

// defaultController is the name in the GatewayClass of every sample.
const defaultController = "fleetgate.io/gateway-controller"

const usage = `Usage: fleetgate local -f DIR [flags]

Reads Gateway API objects from the YAML files in DIR, runs a proxy for each
Gateway on a loopback address of its own, and follows every change of the files.
Unlike an API server it does not evaluate the validation rules of the custom
resources, and it makes no EndpointSlices for Services: write them yourself.

Flags:
`

// parse reads the flags of "fleetgate local". The binaries of proxy and sensor
// are looked for beside the own one, self.
func parse(args []string, self string, out, messages io.Writer) (Options, error) {
	o := Options{Out: out, Messages: messages}
	fs := flag.NewFlagSet("fleetgate local", flag.ContinueOnError)
	fs.SetOutput(messages)
	fs.Usage = func() {
		fmt.Fprint(messages, usage)
		fs.PrintDefaults()
	}
	beside := filepath.Dir(self)
	fs.StringVar(&o.Dir, "f", "", "folder with the YAML files (required)")
	fs.StringVar(&o.ProxyBinary, "proxy-binary", filepath.Join(beside, "fleetgate-proxy"), "path of the proxy")
	fs.StringVar(&o.SensorBinary, "sensor-binary", filepath.Join(beside, "fleetgate-sensor"), "path of the sensor")
	fs.StringVar((*string)(&o.Sensor), "sensor", string(SensorAuto), "run sensors: auto (if the binary is there), on or off")
	fs.StringVar(&o.RunDir, "run-dir", "", "folder for the proxies' files, kept at the end (default a temporary one)")
	fs.StringVar(&o.ControllerName, "controller-name", defaultController, "controllerName of the GatewayClasses to serve")
	fs.StringVar((*string)(&o.Format), "o", string(table.Auto), "output: auto, live, plain or json")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return o, o.check()
}

// check refuses what cannot work, before anything is started.
func (o *Options) check() error {
	if o.Dir == "" {
		return errors.New("-f DIR is required")
	}
	info, err := os.Stat(o.Dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", o.Dir)
	}
	if _, err := os.Stat(o.ProxyBinary); err != nil {
		return fmt.Errorf("%w; name the proxy's binary with -proxy-binary", err)
	}
	if !slices.Contains(table.Formats(), o.Format) {
		return fmt.Errorf("-o %s: want one of %q", o.Format, table.Formats())
	}
	switch o.Sensor {
	case SensorAuto, SensorOn, SensorOff:
		return nil
	}
	return fmt.Errorf("-sensor %s: want auto, on or off", o.Sensor)
}
