package sqlite

import "github.com/ncruces/go-sqlite3"

// logPages is how long the write-ahead log grows before it is written back into the file: 4 MiB.
const logPages = 1000

// writeAhead is what the writer knows of its log.
type writeAhead struct {
	pages int // after the last commit
	next  int // write back when it is as long
}

// committed notes how long the log is.
func (l *writeAhead) committed(_ *sqlite3.Conn, _ string, pages int) error {
	if pages < l.pages {
		l.next = 0 // it begins anew, because all of it was written back
	}
	l.pages = pages
	return nil
}

// writeBack writes a long log back into the file. It is tried again once the log has grown by as much, when something
// was in the way: a reader of what it was, or a full disk, which the log may still have room on. A disk that fails is
// the only error.
func (w *writer) writeBack() error {
	if w.log.pages < max(w.log.next, logPages) {
		return nil
	}
	w.log.next = w.log.pages + logPages
	if _, _, err := w.sqlite.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE); fatal(err) {
		return err
	}
	return nil
}
