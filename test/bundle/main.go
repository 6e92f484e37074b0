package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader) error {
	var o options
	flags := flag.NewFlagSet("bundle", flag.ExitOnError)
	flags.StringVar(&o.version, "version", "", "the operator's version, without v")
	flags.StringVar(&o.channels, "channels", "candidate-v0", "comma-separated channels that the version is in")
	flags.StringVar(&o.defaultChannel, "default-channel", "", "channel that users get who name none (default the first)")
	output := flags.String("out", "bundle", "`folder` to write")
	examples := flags.String("examples", "", "`file` with examples of our own kinds")
	digests := flags.Bool("digests", false, "name images by the digests that they have in their registries")
	check := flags.Bool("check", false, "write nothing, fail when the folder holds anything else")
	// ExitOnError: Parse does not return an error.
	_ = flags.Parse(args)
	if o.defaultChannel == "" {
		o.defaultChannel, _, _ = strings.Cut(o.channels, ",")
	}
	s, err := read(stdin)
	if err != nil {
		return err
	}
	if err := s.readExamples(*examples); err != nil {
		return err
	}
	if *digests {
		if err := s.pin(digest); err != nil {
			return err
		}
	}
	files, err := generate(s, o)
	if err != nil {
		return err
	}
	if !*check {
		return replace(*output, files)
	}
	different, err := differences(*output, files)
	if err == nil && len(different) > 0 {
		err = fmt.Errorf("out of date, run make bundle: %s", strings.Join(different, ", "))
	}
	return err
}
