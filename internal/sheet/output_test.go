package sheet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// list gives what is in a folder, with the text of the files.
func list(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			text = []byte(err.Error())
		}
		found[entry.Name()] = string(text)
	}
	return found
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestOutputReplacesWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	write(t, path, "old", 0o640)
	output, err := CreateOutput(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := output.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir)["out.csv"]; got != "old" {
		t.Errorf("before Commit the file holds %q", got)
	}
	for range 2 {
		if err := output.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := output.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]string{"out.csv": "new"}, list(t, dir)); diff != "" {
		t.Errorf("after Commit (-want +got):\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("the mode became %v", info.Mode())
	}
}

func TestOutputDiscard(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	output, err := CreateOutput(path, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := output.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	if err := output.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := CheckOutput(path, ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{}, list(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOutputRefuses(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.csv")
	write(t, in, "rows", 0o644)
	if err := os.Link(in, filepath.Join(dir, "hard.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("in.csv", filepath.Join(dir, "soft.csv")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		in:                                "this is the file that is read; name another one: the input stays as it is",
		filepath.Join(dir, ".", "in.csv"): "this is the file that is read; name another one: the input stays as it is",
		filepath.Join(dir, "hard.csv"):    "this is the file that is read; name another one: the input stays as it is",
		filepath.Join(dir, "soft.csv"):    "this is the file that is read; name another one: the input stays as it is",
		dir:                               "this is a folder; name a file in it",
		filepath.Join(dir, "no", "a.csv"): "cannot be written: no such file or directory; the folder must exist and be writable",
		filepath.Join(in, "a.csv"):        "cannot be written: not a directory",
	} {
		err := CheckOutput(path, in)
		var got *Error
		if !errors.As(err, &got) || got.Kind != KindWrite {
			t.Errorf("%s: %v, want an error of KindWrite", path, err)
			continue
		}
		if diff := cmp.Diff(path+": "+want, err.Error()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if got := list(t, dir)["in.csv"]; got != "rows" || len(list(t, dir)) != 3 {
		t.Errorf("the folder holds %v", list(t, dir))
	}
}

func TestOutputFollowsLink(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "real.csv"), "old", 0o644)
	link := filepath.Join(dir, "link.csv")
	if err := os.Symlink("real.csv", link); err != nil {
		t.Fatal(err)
	}
	output, err := CreateOutput(link, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := output.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := output.Commit(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"real.csv": "new", "link.csv": "new"}, list(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
}

// A rename onto /dev/null would replace it for everybody.
func TestOutputDevice(t *testing.T) {
	output, err := CreateOutput(os.DevNull, "")
	if err != nil {
		t.Fatal(err)
	}
	if output.temp != "" {
		t.Fatalf("a device is written by way of %s", output.temp)
	}
	if _, err := output.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := output.Commit(); err != nil {
		t.Error(err)
	}
}

// A failed Commit must leave the old file and no rubbish.
func TestOutputCommitFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	output, err := CreateOutput(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	err = output.Commit()
	if err == nil || !strings.HasPrefix(err.Error(), path+": cannot be written: ") {
		t.Errorf("error %v", err)
	}
	if got := list(t, dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestOutputStandard(t *testing.T) {
	if err := CheckOutput(Stdio, "in.csv"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.Stat(); err != nil {
		t.Errorf("standard output was closed: %v", err)
	}
}
