// Package pgtest runs temporary PostgreSQL clusters for tests: Debian's PostgreSQL, in a folder of its own, on a port of
// 127.0.0.1. A server ends with the process that started it, also when that is killed.
//
// A package's tests share one cluster, and each has a database of its own:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		dsn := pgtest.Shared(t).Database(t)
//		…
//	}
//
// A test that stops its server, or pulls its plug, starts a cluster for itself with [Start].
package pgtest

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whom the tests' databases belong to, with no other rights. The password is a secret that must not show up in logs: tests
// may search for it.
const (
	User     = "claygate"
	Password = "canary-database-password"
)

// Options say how a cluster is to run. The zero Options make one that is as durable as any.
type Options struct {
	// Volatile keeps the files in memory, where there is room: for what proves nothing about crashes and would take long.
	Volatile bool
	// Settings are added to the server's configuration, as "name = value".
	Settings []string
}

// Cluster is a PostgreSQL server and its files. Its methods may be called by several goroutines, but for Stop and Restart.
type Cluster struct {
	dir     string // of everything: "data" within it holds the cluster, "log" what the server said
	bin     string
	port    int
	process *process // nil while it is stopped
	names   atomic.Int64
}

// Start starts a cluster that ends with the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Remove)
	return c
}

// Launch is Start, for a program that is no test: it calls [Cluster.Remove] at its end.
func Launch(o Options) (*Cluster, error) { return start(o) }

var shared struct {
	sync.Mutex
	cluster *Cluster
	err     error
}

// Shared returns the cluster of the package's tests, which is volatile and ends in [Main]. It is started at the first call.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = start(Options{Volatile: true})
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// Main runs a package's tests and ends the cluster that they shared.
func Main(m *testing.M) { os.Exit(Tests{m}.Run()) }

// Tests are a package's tests whose Run ends the cluster that they shared: for a TestMain that looks for leaks afterwards.
type Tests struct{ *testing.M }

// Run runs the tests and returns the process's exit code.
func (t Tests) Run() int {
	code := t.M.Run()
	if shared.cluster != nil {
		shared.cluster.Remove()
	}
	return code
}

// Port returns the port of 127.0.0.1 on which the server listens.
func (c *Cluster) Port() int { return c.port }

// DSN returns how a database of the cluster is reached. It holds the password.
func (c *Cluster) DSN(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(User, Password), Path: "/" + database,
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)), RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Database makes a new, empty database and returns how it is reached. It goes when the cluster does.
func (c *Cluster) Database(t testing.TB) (dsn string) {
	t.Helper()
	dsn, err := c.Create()
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// Create is Database, for a program that is no test.
func (c *Cluster) Create() (dsn string, err error) {
	name := fmt.Sprintf("test%d", c.names.Add(1))
	// As a copy of its files, which is faster than writing all of it ahead, the default since PostgreSQL 15.
	_, err = c.psql("postgres", "CREATE DATABASE "+name+" OWNER "+User+" STRATEGY file_copy")
	return c.DSN(name), err
}

// SQL runs statements in the database of a DSN, as the cluster's superuser, and returns what they print: rows as lines,
// columns parted by "|".
func (c *Cluster) SQL(t testing.TB, dsn, statements string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.psql(strings.TrimPrefix(u.Path, "/"), statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (c *Cluster) psql(database, statements string) (string, error) {
	cmd := c.command("psql", "-h", c.dir, "-p", strconv.Itoa(c.port), "-U", "postgres", "-d", database,
		"-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statements)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// Stop stops the server: "fast" ends its sessions, "immediate" pulls the plug, so that the next start recovers.
func (c *Cluster) Stop(t testing.TB, mode string) {
	t.Helper()
	if err := c.stop(mode); err != nil {
		t.Fatal(err)
	}
}

// Restart starts a server that was stopped, on the port that it had.
func (c *Cluster) Restart(t testing.TB) {
	t.Helper()
	if err := c.run(); err != nil {
		t.Fatal(err)
	}
}

func (c *Cluster) stop(mode string) error {
	if c.process == nil {
		return nil
	}
	sig, known := stopSignals[mode]
	if !known {
		return fmt.Errorf("stop mode %q is neither fast nor immediate", mode)
	}
	p := c.process
	c.process = nil
	return p.end(sig)
}

// Remove ends the server and removes the cluster's files.
func (c *Cluster) Remove() {
	if err := c.stop("immediate"); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
	}
	_ = os.RemoveAll(c.dir)
}

func start(o Options) (c *Cluster, err error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(folder(o), "claygate-pg-")
	if err != nil {
		return nil, err
	}
	c = &Cluster{dir: dir, bin: bin}
	defer func() {
		if err != nil {
			c.Remove()
		}
	}()
	if err := give(dir); err != nil {
		return nil, err
	}
	if err := c.init(o); err != nil {
		return nil, err
	}
	return c, c.listen(o)
}

// folder returns where a cluster's folder is made; "" for where temporary files are.
func folder(o Options) string {
	const memory = "/dev/shm"
	if o.Volatile && roomy(memory) {
		return memory
	}
	return ""
}

// init makes the files of a cluster: "postgres" may do everything, through the socket in the folder, and [User] is who
// the tests are.
func (c *Cluster) init(o Options) error {
	out, err := c.command("initdb", "-D", c.data(), "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	settings := []string{
		"listen_addresses = '127.0.0.1'", "unix_socket_directories = '" + c.dir + "'", "max_connections = 200",
		"shared_buffers = 64MB", "logging_collector = off", "log_checkpoints = off", "timezone = 'UTC'",
	}
	if o.Volatile {
		settings = append(settings, "full_page_writes = off", "autovacuum_naptime = 10s")
	}
	file, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(strings.Join(slices.Concat(settings, o.Settings), "\n") + "\n")
	return cmp.Or(err, file.Close())
}

// listen starts the server on a port that is free. Another process may take the port first; then there is another.
func (c *Cluster) listen(o Options) error {
	var err error
	for range 5 {
		if c.port, err = freePort(); err != nil {
			return err
		}
		if err = c.run(); err == nil {
			_, err = c.psql("postgres", "CREATE ROLE "+User+" LOGIN PASSWORD '"+Password+"'")
			return err
		}
	}
	return err
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	own(cmd)
	return cmd
}

// run starts the server and waits until it takes connections.
func (c *Cluster) run() error {
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := c.command("postgres", "-D", c.data(), "-p", strconv.Itoa(c.port))
	cmd.Stdout, cmd.Stderr = log, log
	p, err := launch(cmd)
	if err != nil {
		return err
	}
	probe := time.NewTicker(20 * time.Millisecond)
	defer probe.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		select {
		case <-p.ended:
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("the PostgreSQL server ended at its start: %s", said)
		case <-probe.C:
		}
		if _, err = c.psql("postgres", "SELECT 1"); err == nil {
			c.process = p
			return nil
		}
	}
	_ = p.end(stopSignals["immediate"])
	return fmt.Errorf("the PostgreSQL server takes no connections: %w", err)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// binaries returns the folder of the newest PostgreSQL that is installed. Debian keeps a folder for each, none on the PATH.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		onPath, err := exec.LookPath("initdb")
		if err != nil {
			return "", fmt.Errorf("PostgreSQL is not installed: run `make need`, or on Debian: sudo apt-get install postgresql")
		}
		return filepath.Dir(onPath), nil
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(major(a), major(b)) })
	return filepath.Dir(newest), nil
}

func major(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}
