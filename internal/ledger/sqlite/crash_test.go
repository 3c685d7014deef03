package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

// crashLedger names the ledger that a child of the test is to work on until it is killed.
const crashLedger = "CLAYGATE_TEST_CRASH_LEDGER"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashLedger); path != "" {
		fmt.Fprintln(os.Stderr, workUntilKilled(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// workUntilKilled accepts and claims, and prints the ID of each record once it was acknowledged.
func workUntilKilled(path string) error {
	s, err := sqliteOpen(path)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for range 16 {
		go func() {
			for {
				sub := newSub()
				if _, err := s.Accept(context.Background(), []ledger.Submission{sub}); err != nil {
					failed <- err
					return
				}
				if _, err := os.Stdout.WriteString(sub.ID.String() + "\n"); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	go func() {
		for {
			if _, err := s.Claim(context.Background(), ledger.Want{Lane: "main/webhook", Max: 10}); err != nil {
				failed <- err
				return
			}
		}
	}()
	return <-failed
}

// Every record that was acknowledged before a kill -9 is there afterwards, and what was being sent is uncertain.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	var acknowledged []ledger.RecordID
	for round := range 3 {
		acknowledged = append(acknowledged, killAfter(t, path, 200+50*round)...)
		s := mustOpen(t, path)
		got, err := s.Records(t.Context(), acknowledged)
		if err != nil || len(got) != len(acknowledged) {
			t.Fatalf("%d of %d acknowledged records are there, error %v", len(got), len(acknowledged), err)
		}
		status, err := s.TargetStatus(t.Context(), "people")
		if err != nil || status.Counts.Total() < len(acknowledged) || status.Counts.In(ledger.Sending) != 0 {
			t.Errorf("counts %v after %d acknowledgements, error %v", status.Counts, len(acknowledged), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		wantSound(t, path, status.Counts)
	}
}

// killAfter starts a child on a ledger, kills it once it has acknowledged so many records, and returns all that it has.
func killAfter(t *testing.T, path string, n int) (acknowledged []ledger.RecordID) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashLedger+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var kill sync.Once
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the pipe ends with the child; half a line was not acknowledged to anybody
		}
		id, err := ledger.ParseRecordID(strings.TrimSuffix(line, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if acknowledged = append(acknowledged, id); len(acknowledged) >= n {
			kill.Do(func() { _ = child.Process.Kill() })
		}
	}
	_ = child.Wait() // killed
	if len(acknowledged) < n {
		t.Fatalf("the child ended after %d records", len(acknowledged))
	}
	return acknowledged
}

// wantSound checks a closed ledger's file, and its counters against a count.
func wantSound(t *testing.T, path string, counts ledger.Counts) {
	t.Helper()
	db := raw(t, path)
	var check string
	if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&check); err != nil || check != "ok" {
		t.Errorf("the file is damaged: %s, error %v", check, err)
	}
	for _, state := range ledger.States {
		var n int
		if err := db.QueryRow(`SELECT count(*) FROM records WHERE state = ?`, string(state)).Scan(&n); err != nil || n != counts.In(state) {
			t.Errorf("%d records are %s, counted %d, error %v", n, state, counts.In(state), err)
		}
	}
	var orphans int
	if err := db.QueryRow(`SELECT count(*) FROM records r LEFT JOIN bodies b ON b.record = r.id WHERE b.record IS NULL`).Scan(&orphans); err != nil || orphans != 0 {
		t.Errorf("%d records have no body, error %v", orphans, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
