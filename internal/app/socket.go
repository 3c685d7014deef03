package app

import (
	"os"
	"runtime"
)

// SocketPath is where the process that owns a ledger serves its API to the machine's own commands.
func SocketPath(ledger string) string { return ledger + ".sock" }

// maxSocketPath is the longest path that every system takes for a socket.
const maxSocketPath = 100

// openSocket serves the API on the local socket. The ledger's lock is held, so a socket that is there is a dead
// process's. A path that is too long for one is no reason not to run: only the other commands will not find it.
func (a *App) openSocket() error {
	if !a.config.Socket {
		return nil
	}
	path := SocketPath(a.config.Ledger)
	if len(path) > maxSocketPath {
		a.config.Log.Warn("the ledger's path is too long for a local socket: other commands cannot attach", "path", path)
		return nil
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	s, err := listen("the local socket", "unix", path, "--ledger")
	if err != nil {
		return err
	}
	a.socket = s
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
	}
	a.serveAPI(s, a.Trusted)
	return nil
}
