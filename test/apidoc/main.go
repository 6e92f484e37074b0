package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	folder := flag.String("types", "api/v1alpha1", "folder with the types")
	out := flag.String("out", "docs/reference/gatewayparameters.md", "page to write")
	flag.Parse()
	if err := run(*folder, *out); err != nil {
		fmt.Fprintln(os.Stderr, "apidoc:", err)
		os.Exit(1)
	}
}

func run(folder, out string) error {
	types, err := readTypes(folder)
	if err != nil {
		return err
	}
	return os.WriteFile(out, []byte(page(types)), 0o644)
}
