package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// Private examines whether files that hold personal data or secrets can be opened by their owner only. Those that are not
// there are passed over. Bad is how bad it is when others can.
func Private(bad State, paths ...string) []Finding {
	if runtime.GOOS == "windows" { // whose permission bits say nothing
		return []Finding{{Check: "permissions", State: Skipped, Says: "on Windows the folder's access list decides"}}
	}
	var all []Finding
	seen := 0
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			all = append(all, Finding{Check: "permissions", State: Broken, Says: path + ": " + because(err), Do: "let this user open it, or run as one who may"})
		case info.Mode().Perm()&0o077 != 0:
			all = append(all, Finding{Check: "permissions", State: bad,
				Says: fmt.Sprintf("other users of this machine can open %s (%04o)", path, info.Mode().Perm()), Do: "chmod 600 " + path})
		}
		seen++
	}
	if len(all) == 0 && seen > 0 {
		all = []Finding{{Check: "permissions", State: OK, Says: plural(seen) + " closed to other users"}}
	}
	return all
}

func plural(files int) string {
	if files == 1 {
		return "1 file is"
	}
	return fmt.Sprintf("%d files are", files)
}
