package claytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Rows that no column ever runs do not pile up beyond what is kept.
func TestIdleRowsAreBounded(t *testing.T) {
	b := newBook(2)
	for range 5 {
		if ok, err := b.addRow(&Row{Body: []byte(`{}`)}, -1); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if len(b.open) != 2 || len(b.rows.items) != 2 {
		t.Errorf("%d open and %d kept rows", len(b.open), len(b.rows.items))
	}
}

// What the journal cannot take is not accepted either.
func TestJournalFails(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	file.Close() // so that writing fails
	s := New(t, Options{InMemory: true})
	s.book.journal = &journal{file: file, max: 1, all: true}
	resp, err := s.Client().Post(s.WebhookURL("people"), "application/json", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 500 {
		t.Errorf("status %d", resp.StatusCode)
	}
	if st := s.Stats(); st.Rows != 0 || st.Accepted["people"] != 0 {
		t.Errorf("stats %+v", st)
	}
}
