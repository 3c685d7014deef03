package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Volume is the disk under a folder.
type Volume struct {
	Free   uint64        // bytes that this user may still write
	Kind   string        // of the file system, where it matters: "tmpfs", "nfs", …; "" else
	Remote bool          // it is on another machine
	Sync   time.Duration // the median time of writing a page and syncing it
}

const (
	// A full disk loses nothing, but nothing is accepted either. A million records take a few GiB.
	spaceBreaks, spaceWarns = 64 << 20, 1 << 30
	// Every acknowledgement waits for a sync; those that come together share one.
	syncWarns = 20 * time.Millisecond
	// No disk is this fast: nothing was written through to one.
	syncLies = 5 * time.Microsecond
	syncs    = 15
	page     = 4096
)

// Measure examines the disk under a folder: it writes a small file there, syncs it a few times and removes it.
func Measure(folder string) (Volume, error) {
	v, err := space(folder)
	if err != nil {
		return v, err
	}
	file, err := os.CreateTemp(folder, ".claygate-doctor-*")
	if err != nil {
		return v, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	var times []time.Duration
	for range syncs {
		began := time.Now()
		if _, err := file.WriteAt(make([]byte, page), 0); err != nil {
			return v, err
		}
		if err := file.Sync(); err != nil {
			return v, err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	v.Sync = times[len(times)/2]
	return v, nil
}

// Disk says what is to be said of the disk under the ledger's folder.
func Disk(folder string) []Finding {
	v, err := Measure(folder)
	if err != nil {
		f := Finding{Check: "disk", State: Broken, Says: "nothing can be written to " + folder + ": " + because(err),
			Do: "name a ledger elsewhere with --ledger, or let this user write there"}
		if v.Free < spaceBreaks && v.Sync == 0 && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
			f.Do = "free some space: claygate goes on by itself"
		}
		return []Finding{f}
	}
	return v.Findings()
}

// Findings judges a volume: its space, what it is, and how fast it syncs.
func (v Volume) Findings() []Finding {
	room := Finding{Check: "disk", State: OK, Says: fmt.Sprintf("%s free, %s a sync", size(v.Free), short(v.Sync))}
	switch {
	case v.Free < spaceBreaks:
		room.State, room.Do = Broken, "free some space: claygate goes on by itself"
		room.Says += ": the ledger will take nothing more"
	case v.Free < spaceWarns:
		room.State, room.Do = Warning, "free some space, or keep less: `retention` in the configuration"
	case v.Sync > syncWarns:
		room.State, room.Do = Warning, "put the ledger on a local SSD: every acknowledgement waits for a sync"
	}
	all := []Finding{room}
	switch {
	case v.Remote:
		all = append(all, Finding{Check: "file system", State: Warning, Says: "the ledger is on another machine (" + v.Kind + "), where locks and syncs are not to be relied on",
			Do: "put the ledger on a local disk with --ledger"})
	case v.Kind != "":
		all = append(all, Finding{Check: "file system", State: Warning, Says: "the ledger is in memory (" + v.Kind + "): it is gone when the machine stops",
			Do: "put the ledger on a disk with --ledger"})
	case v.Sync > 0 && v.Sync < syncLies:
		all = append(all, Finding{Check: "file system", State: Warning, Says: "syncs are faster than any disk: a power cut may lose what was acknowledged",
			Do: "mount it with write barriers, or put the ledger on another disk with --ledger"})
	}
	return all
}

// size writes bytes for people.
func size(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	default:
		return fmt.Sprintf("%d MiB", n>>20)
	}
}

// short writes a short time for people.
func short(d time.Duration) string {
	if d < time.Millisecond {
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// because is why something about a file failed, without its name.
func because(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// Free returns how many bytes can still be written to the disk under a folder.
func Free(folder string) (uint64, error) {
	v, err := space(folder)
	return v.Free, err
}
