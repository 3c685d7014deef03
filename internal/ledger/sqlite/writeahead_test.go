package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The log is written back as it grows, so that it stays small however much is written, also where a reader is in the way
// for a while.
func TestTheLogStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := openPruned(t, path)
	most := func(mib int) {
		t.Helper()
		padding := strings.Repeat("x", 2000)
		for n := range 25 {
			batch := make([][]byte, 100)
			for i := range batch {
				batch[i] = fmt.Appendf(nil, `{"n":"%d.%d","padding":%q}`, n, i, padding)
			}
			acceptAndEnd(t, s, batch...)
		}
		info, err := os.Stat(path + "-wal")
		if err != nil || info.Size() > int64(mib)<<20 {
			t.Errorf("the log has %d bytes, more than %d MiB (error %v)", info.Size(), mib, err)
		}
	}
	most(8) // 4 MiB, and the transaction that reached them
	reader, err := s.read.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRow(`SELECT count(*) FROM records`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	most(80)
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	before := s.writer.log.pages
	most(80) // the file keeps its size, but is written from the beginning again
	if after := s.writer.log.pages; after >= before || after > 4*logPages {
		t.Errorf("the log has %d pages in use once the reader has left, %d before", after, before)
	}
}
