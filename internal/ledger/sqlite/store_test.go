package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/ledgertest"
)

func TestConformance(t *testing.T) {
	const volatile = "volatile"
	vfs.Register(volatile, unsynced{disk{vfs.Find("").(vfs.VFSFilename)}})
	defer vfs.Unregister(volatile)
	ledgertest.Run(t, func(t *testing.T, o ledgertest.Options) ledger.Store {
		t.Helper()
		options := Options{Path: filepath.Join(o.Dir, "ledger.db"), Catalog: o.Catalog, Hub: o.Hub, Now: o.Now}
		if o.Volatile {
			options.vfs = volatile
		}
		s, err := Open(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// unsynced is a VFS that leaves it to the system when the disk gets what is written.
type unsynced struct{ disk }

func (u unsynced) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := u.disk.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return unsyncedFile{file.(*diskFile)}, flags, nil
}

type unsyncedFile struct{ *diskFile }

func (unsyncedFile) Sync(vfs.SyncFlag) error { return nil }
