//go:build linux

package e2e_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// smallDisk mounts a disk of a few megabytes for the ledger of a table. Only root may mount; somebody else's test runs
// anew in a user namespace, in which it is root. Where that is not allowed either it fails: what is not tested is not
// known to work.
func smallDisk(t *testing.T, size string) (dir string, inside bool) {
	t.Helper()
	if os.Geteuid() != 0 {
		asRoot(t)
		return "", false
	}
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("cannot mount a small disk (%v): run this test as root, in a container with --cap-add SYS_ADMIN, or where user namespaces are allowed", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, true
}

// asRoot runs the test anew in a user namespace.
func asRoot(t *testing.T) {
	t.Helper()
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := again.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("a small disk cannot be mounted without root or user namespaces (%v): run as root, or `sysctl kernel.unprivileged_userns_clone=1`", err)
	}
	if err != nil {
		t.Errorf("in a user namespace: %v\n%s", err, out)
	}
}

// fill takes all the space that is left on a disk and returns the function that gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk did not fill up: %v", err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return min(len(p), 4096), nil }

// onSmallDisk is a table whose ledger lies on a small disk. Its results are awaited for longer than the disk is full.
func onSmallDisk(t *testing.T) *table {
	t.Helper()
	dir, inside := smallDisk(t, "16m")
	if !inside {
		return nil
	}
	b := newTable(t, 40)
	b.disk = dir
	return b
}

// The disk under the ledger fills up in the midst of a load, and is freed while claygate waits: it goes on by itself.
func TestDiskFullForAWhile(t *testing.T) {
	t.Parallel()
	b := onSmallDisk(t)
	if b == nil {
		return
	}
	const records = 150
	in := b.leads("leads.csv", records)
	c := b.enrich(in, "--patience", "1m")
	b.must(b.clay.WaitRows(t.Context(), 60))
	free := fill(t, b.disk)
	c.until("no space is left for the ledger: free some, and it goes on by itself")
	free()
	said := c.mustEnd(0, 7)
	t.Logf("%s\n%v", b.audit(records), statuses(t, b.output(in)))
	if strings.Contains(said, "claygate: no space") {
		t.Errorf("it gave up:\n%s", said)
	}
	b.complete(in)
	if diff := cmp.Diff(map[string]int{"ok": records}, statuses(t, b.output(in))); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

// When nobody frees it in time, claygate ends and says so; the next run goes on, and nothing is lost.
func TestDiskFullForGood(t *testing.T) {
	t.Parallel()
	b := onSmallDisk(t)
	if b == nil {
		return
	}
	const records = 150
	in := b.leads("leads.csv", records)
	c := b.enrich(in, "--patience", "1s")
	b.must(b.clay.WaitRows(t.Context(), 60))
	free := fill(t, b.disk)
	began := time.Now()
	said := c.mustEnd(1)
	t.Logf("it ended after %s:\n%s", time.Since(began).Round(time.Millisecond), said)
	for _, text := range []string{"claygate: no space is left for the ledger", "free some space and run it again"} {
		if !strings.Contains(said, text) {
			t.Errorf("it does not say %q:\n%s", text, said)
		}
	}
	if said := b.enrich(in, "--patience", "1s").mustEnd(1); !strings.Contains(said, "no space is left for the ledger") {
		t.Errorf("started on a full disk it says:\n%s", said)
	}
	free()
	b.enrich(in).mustEnd(0, 7)
	t.Logf("%s\n%v", b.audit(records), statuses(t, b.output(in)))
	b.complete(in)
	if diff := cmp.Diff(map[string]int{"ok": records}, statuses(t, b.output(in))); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

// The output does not fit: what was there stays as it was, and everything paid for is in the ledger.
func TestDiskFullUnderTheOutput(t *testing.T) {
	t.Parallel()
	dir, inside := smallDisk(t, "64k")
	if !inside {
		return
	}
	b := newTable(t, 200)
	const records = 100
	in := b.leads("leads.csv", records)
	out := filepath.Join(dir, "out.csv")
	if err := os.WriteFile(out, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	free := fill(t, dir)
	c := b.enrich(in, "-o", out)
	said := c.mustEnd(1)
	if !strings.Contains(said, out) || !strings.Contains(said, "no space left on device") {
		t.Errorf("it says:\n%s", said)
	}
	if now, err := os.ReadFile(out); err != nil || !bytes.Equal(now, []byte("as it was")) {
		t.Errorf("the file that was there is now (%v):\n%.200s", err, now)
	}
	free()
	requests := b.clay.Stats().Requests
	b.enrich(in, "-o", out).mustEnd(0)
	if diff := cmp.Diff(map[string]int{"ok": records}, statuses(t, out)); diff != "" || b.clay.Stats().Requests != requests {
		t.Errorf("%d more requests; statuses (-want +got):\n%s", b.clay.Stats().Requests-requests, diff)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".out*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
