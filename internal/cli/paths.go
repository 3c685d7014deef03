package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/sheet"
)

// ledgerPath returns the ledger to use: the flag's, else CLAYGATE_LEDGER's, else one in the user's state folder. The
// emulator's ledger is another one, so that nothing emulated ever answers for something real.
func ledgerPath(s Streams, flag string, emulated bool) (string, error) {
	if flag != "" {
		return inFolder("--ledger", flag)
	}
	name := "ledger.db"
	if emulated {
		name = "emulated.db"
	} else if path := s.Getenv("CLAYGATE_LEDGER"); path != "" {
		return inFolder("CLAYGATE_LEDGER", path)
	}
	dir, err := stateDir(s)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", &ledger.Error{
			Kind: ledger.Unavailable, Op: "ledger", Message: "its folder cannot be made", Err: err,
			Hint: "name a ledger elsewhere with --ledger",
		}
	}
	return filepath.Join(dir, name), nil
}

// inFolder checks that the folder of a ledger exists: one that is made up by a slip would begin another ledger.
func inFolder(what, path string) (string, error) {
	if scheme, _, found := strings.Cut(path, ":"); found && slices.Contains([]string{"postgres", "postgresql", "env", "file"}, scheme) {
		return "", &usageError{message: what + ": a ledger in PostgreSQL is reached through its gateway", hint: "name that with --gateway, e.g. --gateway http://127.0.0.1:8787"}
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", &usageError{message: what + ": there is no folder " + dir, hint: "make it, or name another one"}
	}
	return path, nil
}

// apart refuses an output that would take the place of the ledger, or of a file that belongs to it: everything that was
// paid for is in there.
func apart(output, ledger string) error {
	if output == "" || output == sheet.Stdio {
		return nil
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", ".sock", ".clay"} {
		if sameFile(output, ledger+suffix) {
			return &usageError{message: "the output " + output + " is the ledger, or belongs to it", hint: "name another file with -o: the ledger keeps what was paid for"}
		}
	}
	return nil
}

// sameFile reports whether two paths lead to one file, which may be still to be made.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}

// stateDir is where programs keep what must outlive a restart but is no configuration.
func stateDir(s Streams) (string, error) {
	if dir := s.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "claygate"), nil
	}
	home := s.Getenv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	if home == "" {
		return "", &usageError{message: "there is no home folder to keep the ledger in", hint: "name one with --ledger"}
	}
	return filepath.Join(home, ".local", "state", "claygate"), nil
}
