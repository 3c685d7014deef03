//go:build !linux && !windows

package doctor

import "golang.org/x/sys/unix"

// space asks the system about the disk under a folder.
func space(folder string) (Volume, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return Volume{}, err
	}
	return Volume{Free: uint64(s.Bavail) * uint64(s.Bsize)}, nil
}
