package app

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"github.com/claygate/claygate/internal/ledger"
)

// SocketPath is where the process that owns a ledger serves its API to the machine's own commands.
func SocketPath(ledger string) string { return ledger + ".sock" }

// maxSocketPath is the longest path that every system takes for a socket.
const maxSocketPath = 100

// openSocket serves the API on the local socket. The ledger's lock is held, so a socket that is there is a dead
// process's. A path that is too long for one is no reason not to run: only the other commands will not find it.
func (a *App) openSocket() error {
	if !a.config.Socket || a.config.Database != "" { // which has no place beside it: commands name a gateway
		return nil
	}
	path := SocketPath(a.config.Ledger)
	if len(path) > maxSocketPath {
		a.config.Log.Warn("the ledger's path is too long for a local socket: other commands cannot attach", "path", path)
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l, err := listenPrivately(path)
	if err != nil {
		return &ledger.Error{
			Kind: ledger.Unavailable, Op: "the local socket", Message: "cannot listen on " + path,
			Hint: "choose another place with --ledger", Err: cause(err),
		}
	}
	a.socket = &server{what: "the local socket", listener: l}
	a.serveAPI(a.socket, a.Trusted)
	return nil
}

// listenPrivately opens a socket that nobody else can connect to, not even for the moment between its making and its
// chmod: it is made in a folder of its own, which is closed to all others, and moved into its place.
func listenPrivately(path string) (net.Listener, error) {
	if runtime.GOOS == "windows" { // where the folder's access list counts, and a socket cannot be moved
		return net.Listen("unix", path)
	}
	folder, err := os.MkdirTemp(filepath.Dir(path), ".s") // with mode 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	made := filepath.Join(folder, "s")
	l, err := net.Listen("unix", made)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	err = os.Chmod(made, 0o600)
	if err == nil {
		err = os.Rename(made, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &movedSocket{Listener: l, path: path}, nil
}

// movedSocket removes its file where it is now when it closes.
type movedSocket struct {
	net.Listener
	path string
}

// Close implements net.Listener.
func (m *movedSocket) Close() error {
	err := m.Listener.Close()
	if e := os.Remove(m.path); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}
