package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// How the server is told to end: see "Shutting Down the Server" in PostgreSQL's manual.
var stopSignals = map[string]os.Signal{"fast": syscall.SIGINT, "immediate": syscall.SIGQUIT}

// process is a server that runs.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// launch starts a command whose process ends with ours: the system ends it with the thread that started it, so one thread
// does nothing else until it has ended.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.ended)
		tie(cmd)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	return p, <-started
}

// end tells it to end and waits until it has.
func (p *process) end(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("the PostgreSQL server did not end within a minute of %v", sig)
	}
}
