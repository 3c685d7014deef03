package doctor

import "golang.org/x/sys/unix"

// remotes and memories are the file systems that are no disk of this machine's, by what statfs calls them.
var (
	remotes = map[uint32]string{
		unix.NFS_SUPER_MAGIC: "nfs", unix.SMB_SUPER_MAGIC: "smb", unix.CIFS_SUPER_MAGIC: "cifs", unix.SMB2_SUPER_MAGIC: "smb",
		unix.V9FS_MAGIC: "9p", unix.CEPH_SUPER_MAGIC: "ceph", unix.AFS_SUPER_MAGIC: "afs",
	}
	memories = map[uint32]string{unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs"}
)

// space asks the system about the disk under a folder.
func space(folder string) (Volume, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return Volume{}, err
	}
	v := Volume{Free: s.Bavail * uint64(s.Bsize)}
	if kind, remote := remotes[uint32(s.Type)]; remote {
		v.Kind, v.Remote = kind, true
	} else {
		v.Kind = memories[uint32(s.Type)]
	}
	return v, nil
}
