// Command claygate makes Clay usable from programs. See `claygate help`.
package main

import (
	"os"

	"github.com/claygate/claygate/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.OS()))
}
