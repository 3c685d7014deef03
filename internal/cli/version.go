package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.Out, "claygate %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// version is what the build recorded: a release's tag, else the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return "development, commit " + setting.Value[:12]
		}
	}
	return "development"
}

// noArgs refuses arguments with a message of our own.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{message: "`" + c.CommandPath() + "` takes no arguments, got " + args[0], hint: "see `" + c.CommandPath() + " --help`"}
	}
	return nil
}
