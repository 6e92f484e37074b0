package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/fleetgate/fleetgate/test/cluster/internal/host"
)

// commands are what the first argument may be.
var commands = map[string]func(context.Context, *host.Host, []string) error{
	"up":         up,
	"down":       down,
	"status":     status,
	"build":      buildOnly,
	"load":       load,
	"crds":       crds,
	"prometheus": prometheus,
	"promtool":   promtool,
	"kubectl":    kubectl,
	"exec":       execute,
}

func up(ctx context.Context, h *host.Host, args []string) error {
	keep, err := keepFlag(args)
	if err != nil {
		return err
	}
	return h.Up(ctx, host.UpOptions{Keep: keep})
}

func down(ctx context.Context, h *host.Host, args []string) error {
	keep, err := keepFlag(args)
	if err != nil {
		return err
	}
	return h.Down(ctx, host.DownOptions{Keep: keep})
}

func keepFlag(args []string) (bool, error) {
	switch {
	case len(args) == 0:
		return false, nil
	case len(args) == 1 && args[0] == "--keep":
		return true, nil
	}
	return false, errUsage
}

func status(_ context.Context, h *host.Host, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	s, err := h.Status()
	if err != nil {
		return err
	}
	fmt.Println(s)
	return nil
}

func buildOnly(ctx context.Context, h *host.Host, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	return h.BuildOnly(ctx)
}

func load(ctx context.Context, h *host.Host, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	for _, archive := range args {
		if err := h.Load(ctx, archive); err != nil {
			return err
		}
		fmt.Println("Loaded", filepath.Base(archive))
	}
	return nil
}

func kubectl(ctx context.Context, h *host.Host, args []string) error {
	return execute(ctx, h, append([]string{"kubectl"}, args...))
}

// execute gives the terminal to the command, and ends it if told to end.
func execute(ctx context.Context, h *host.Host, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	return h.Run(command)
}

func crds(ctx context.Context, h *host.Host, args []string) error {
	channel := "experimental"
	switch {
	case len(args) == 1:
		channel = args[0]
	case len(args) > 1:
		return errUsage
	}
	if err := h.InstallCRDs(ctx, channel); err != nil {
		return err
	}
	fmt.Printf("Installed the Gateway API's resource definitions, channel %s\n", channel)
	return nil
}

func prometheus(ctx context.Context, h *host.Host, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	return h.InstallPrometheus(ctx)
}

func promtool(ctx context.Context, h *host.Host, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	path, err := h.Promtool(ctx)
	if err == nil {
		fmt.Println(path)
	}
	return err
}
