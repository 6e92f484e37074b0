// Command build writes a container image from static binaries:
//
//	build -o proxy.tar -t fleetgate.io/proxy:v0.1.0 -user 65532 bin/fleetgate-proxy:/fleetgate-proxy
//
// The first file is the entrypoint unless -entrypoint says otherwise.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/fleetgate/fleetgate/test/images"
)

// list collects the values of a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var names, env, labels list
	flags := flag.NewFlagSet("build", flag.ExitOnError)
	output := flags.String("o", "image.tar", "archive to write")
	user := flags.String("user", "", "user that the process runs as")
	arch := flags.String("arch", "", "architecture of the binaries (default this machine's)")
	entrypoint := flags.String("entrypoint", "", "path of the command within the image")
	flags.Var(&names, "t", "full name with tag (repeatable)")
	flags.Var(&env, "e", "NAME=value (repeatable)")
	flags.Var(&labels, "label", "name=value (repeatable)")
	// ExitOnError: Parse does not return an error.
	_ = flags.Parse(args)
	spec := images.Spec{Names: names, Env: env, User: *user, Architecture: *arch, Labels: map[string]string{}}
	if *entrypoint != "" {
		spec.Entrypoint = []string{*entrypoint}
	}
	for _, l := range labels {
		key, value, ok := strings.Cut(l, "=")
		if !ok {
			return fmt.Errorf("label %q is not name=value", l)
		}
		spec.Labels[key] = value
	}
	for _, argument := range flags.Args() {
		source, target, ok := strings.Cut(argument, ":")
		if !ok {
			return fmt.Errorf("argument %q is not SOURCE:/path", argument)
		}
		file, err := images.Binary(source, target)
		if err != nil {
			return err
		}
		spec.Files = append(spec.Files, file)
	}
	return images.WriteFile(*output, spec)
}
