package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3/driver"
)

// start starts claygate.
func start(binary, dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = []string{"HOME=" + dir, "CLAY_WEBHOOK_URL=http://" + clay() + "/hook"}
	cmd.Stderr = os.Stderr
	if os.Getenv("VERBOSE") == "" {
		cmd.Stderr = nil
	}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	return cmd
}

// end interrupts it, and returns the most memory that it had. The kernel's own figure for children that ended counts what
// their parent had when it made them.
func end(cmd *exec.Cmd) (megabytes float64) {
	megabytes, _ = memory(cmd.Process.Pid, "VmHWM")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		log.Fatal(err)
	}
	_ = cmd.Wait() // a load that was interrupted says so with its exit code
	return megabytes
}

// serve measures how soon a ledger is served, and what the process holds when nothing happens.
func serve(binary, ledger, what string) {
	var ready []time.Duration
	var idle, most float64
	for range 5 {
		address := free()
		began := time.Now()
		cmd := start(binary, filepath.Dir(ledger), "serve", "--ledger", ledger, "--listen", address, "--callback-listen", free(), "--public-url", "http://127.0.0.1:1")
		for status := 0; status != http.StatusOK; time.Sleep(time.Millisecond) {
			if res, err := http.Get("http://" + address + "/readyz"); err == nil {
				status = res.StatusCode
				_ = res.Body.Close()
			}
			if time.Since(began) > time.Minute {
				log.Fatal("it is not ready after a minute")
			}
		}
		ready = append(ready, time.Since(began))
		time.Sleep(2 * time.Second)
		resident, _ := memory(cmd.Process.Pid, "VmRSS")
		idle = max(idle, resident)
		most = max(most, end(cmd))
	}
	longest := ready[0]
	for _, d := range ready {
		longest = max(longest, d)
	}
	fmt.Printf("serve with %s: ready after %s at most of %d starts, %.0f MB when idle, %.0f MB at most\n", what, longest.Round(time.Millisecond), len(ready), idle, most)
}

// loading starts a load of the file.
func loading(binary, dir string, args ...string) *exec.Cmd {
	return start(binary, dir, append([]string{"send", filepath.Join(dir, "rows.csv")}, args...)...)
}

// file measures the memory of a load: of what only looks at the file, and of what hands every row in.
func file(binary, dir string) {
	rows(filepath.Join(dir, "rows.csv"))
	began := time.Now()
	dry := loading(binary, dir, "--ledger", filepath.Join(dir, "dry.db"), "--dry-run")
	var most float64
	ended := make(chan error, 1)
	go func() { ended <- dry.Wait() }()
	for running := true; running; {
		select {
		case err := <-ended:
			if running = false; err != nil {
				log.Fatal(err)
			}
		case <-time.After(20 * time.Millisecond):
			if m, ok := memory(dry.Process.Pid, "VmHWM"); ok {
				most = m
			}
		}
	}
	fmt.Printf("a file of %d rows, --dry-run: %s, %.0f MB at most\n", *many, time.Since(began).Round(time.Second), most)

	path := filepath.Join(dir, "load.db")
	began = time.Now()
	cmd := loading(binary, dir, "--ledger", path)
	for count(path) < *many {
		if time.Since(began) > 10*time.Minute {
			log.Fatalf("%d of %d rows are in after 10 minutes", count(path), *many)
		}
		time.Sleep(200 * time.Millisecond)
	}
	took := time.Since(began)
	time.Sleep(2 * time.Second)
	resident, _ := memory(cmd.Process.Pid, "VmRSS")
	fmt.Printf("a file of %d rows, handed in: %s (%.0f rows/s), %.0f MB then, %.0f MB at most\n", *many, took.Round(time.Second),
		float64(*many)/took.Seconds(), resident, end(cmd))
}

// rows writes the file.
func rows(path string) {
	f, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(f)
	fmt.Fprintln(out, "email,first_name,last_name,company,linkedin_url")
	for i := range *many {
		fmt.Fprintf(out, "person%d@company%d.example,First%d,Last%d,\"Company %d, Inc.\",https://www.linkedin.com/in/person%d\n", i, i%5000, i%900, i, i%5000, i)
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

// count returns how many records a ledger holds that a process works on.
func count(path string) (n int) {
	if _, err := os.Stat(path); err != nil {
		return 0
	}
	db, err := driver.Open("file:" + path + "?mode=ro")
	if err != nil {
		return 0
	}
	defer db.Close()
	if db.QueryRow(`SELECT coalesce(sum(n), 0) FROM counts WHERE scope LIKE 'load:%' AND name IN ('queued', 'sending', 'uncertain', 'sent', 'done', 'dead')`).Scan(&n) != nil {
		return 0
	}
	return n
}

// memory reads a figure of a process, in megabytes; ok is false when it has ended.
func memory(pid int, name string) (megabytes float64, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(text), name+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, false
	}
	kilobytes, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		log.Fatal(err)
	}
	return kilobytes * 1.024 / 1e3, true
}

// free returns an address that was free a moment ago.
func free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
