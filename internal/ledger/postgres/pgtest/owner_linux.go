package pgtest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// owner returns who the server runs as: PostgreSQL refuses root, and Debian's package makes a user for it. Nil for whoever
// runs the tests.
func owner() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// give makes a folder the server's.
func give(dir string) error {
	who, err := owner()
	if err != nil || who == nil {
		return err
	}
	return os.Chown(dir, int(who.Uid), int(who.Gid))
}

// own makes a command run as the server's user.
func own(cmd *exec.Cmd) {
	who, _ := owner() // give has failed already where this does
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
}

// tie makes a command end, at once, with the thread that starts it.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT }

// roomy reports whether a folder has room for a cluster and what tests write into it. Containers often have little memory
// for files.
func roomy(dir string) bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(dir, &fs) == nil && fs.Bavail*uint64(fs.Bsize) >= 2<<30
}
