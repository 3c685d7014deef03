package e2e_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the audit's own way to the database

	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// replicas are several gateways on one database, behind balancers: one for callers and one for Clay's callbacks.
type replicas struct {
	*gateway
	cluster *pgtest.Cluster
	dsn     string
	nodes   []*node
}

// node is one replica: a process that is started and ended, with a network of its own to the database.
type node struct {
	*child
	of      *replicas
	config  string
	api     string
	binary  string // "" for this version's
	network *proxy
}

// newReplicas makes n replicas that are not started.
func newReplicas(t *testing.T, c *pgtest.Cluster, n int) *replicas {
	t.Helper()
	g := gatewayOf(newTable(t, 100), "2s")
	r := &replicas{gateway: g, cluster: c, dsn: c.Database(t)}
	r.read = r.readDatabase
	u, err := url.Parse(r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	database := u.Host
	var apis, callbacks []string
	for i := range n {
		api, callback := freeAddress(t), freeAddress(t)
		network := newProxy(t, "127.0.0.1:0", database)
		u.Host = network.Addr().String()
		nd := &node{of: r, config: filepath.Join(r.dir, fmt.Sprintf("replica%d.yaml", i)), api: api, network: network}
		if err := os.WriteFile(nd.config+".dsn", []byte(u.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		r.configure(nd.config, settings{api, callback, "file:" + nd.config + ".dsn", "2s", ""})
		r.nodes, apis, callbacks = append(r.nodes, nd), append(apis, api), append(callbacks, callback)
	}
	newProxy(t, r.api, apis...)
	newProxy(t, r.callback, callbacks...)
	return r
}

// readDatabase reads the books in one transaction.
func (r *replicas) readDatabase() books {
	r.t.Helper()
	db, err := sql.Open("pgx", r.dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	return readBooks(r.t, db, `SELECT 1 WHERE to_regclass('records') IS NOT NULL`, func(id string) string {
		return "upper(replace(" + id + "::text, '-', ''))"
	})
}

// start starts a replica and waits until it takes requests.
func (n *node) start() {
	n.of.t.Helper()
	n.launch()
	n.untilReady()
}

// launch starts its process.
func (n *node) launch() {
	n.of.t.Helper()
	path, err := binary()
	if err != nil {
		n.of.t.Fatal(err)
	}
	n.child = launch(n.of.t, cmp.Or(n.binary, path), n.of.environment(), "serve", "--config", n.config, "--log-level", "info")
}

func (n *node) untilReady() {
	n.of.t.Helper()
	for began := time.Now(); n.status("/readyz") != http.StatusOK; pause(n.t.Context(), 10*time.Millisecond) {
		if !n.alive() || time.Since(began) > time.Minute {
			n.t.Fatalf("it is not ready; it says:\n%s", n.err)
		}
	}
}

// status asks a replica itself; 0 when it does not answer.
func (n *node) status(path string) int {
	ctx, cancel := context.WithTimeout(n.of.t.Context(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+n.api+path, http.NoBody)
	if err != nil {
		n.of.t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// freeze stops a replica in the middle of whatever it does, for a while.
func (n *node) freeze(d time.Duration) {
	n.of.must(n.cmd.Process.Signal(syscall.SIGSTOP))
	pause(n.t.Context(), d)
	n.of.must(n.cmd.Process.Signal(syscall.SIGCONT))
}

// startAll starts all replicas together: one of them makes the tables.
func (r *replicas) startAll() {
	r.t.Helper()
	for _, n := range r.nodes {
		n.launch()
	}
	for _, n := range r.nodes {
		n.untilReady()
	}
}

// any returns one of the replicas.
func (r *replicas) any() *node { return r.nodes[rand.IntN(len(r.nodes))] }

// look holds the ledger, while the replicas work, to what it was at the last look.
func (r *replicas) look() {
	r.t.Helper()
	now := r.books()
	for _, problem := range moved(r.before, now) {
		r.t.Error(problem)
	}
	r.before = now
}

// settle ends the replicas, lets the time pass after which the work of dead ones is taken over and what failed is tried again,
// and has one of them bring everything to its end.
func (r *replicas) settle() figures {
	r.t.Helper()
	r.must(r.clay.SetFaults())
	for _, n := range r.nodes {
		n.kill()
	}
	r.cluster.SQL(r.t, r.dsn, `UPDATE records SET sent_at = sent_at - 60000000, due_at = due_at - 60000000 WHERE state = 'sending';
		UPDATE records SET ready_at = 0 WHERE state = 'queued';
		UPDATE outbox SET claimed_at = claimed_at - 600000000 WHERE claimed_at IS NOT NULL;
		UPDATE outbox SET due_at = 0 WHERE due_at IS NOT NULL`)
	last := r.nodes[0]
	last.start()
	r.await(last, "records never came to their end", r.open)
	r.must(r.clay.WaitIdle(r.t.Context()))
	r.clay.RunMissing()
	r.must(r.clay.WaitIdle(r.t.Context()))
	r.await(last, "ends were never forwarded", r.undelivered)
	r.must(last.cmd.Process.Signal(os.Interrupt))
	last.mustEnd(0)
	f := r.mustExamine()
	f.forwarded = r.user.audit(r.t, r.before)
	return f
}

// leftover is what has not come to its end.
const leftover = `SELECT destination, record, event, tries, reason, dead, claimed_at, due_at / 1e6 - extract(epoch FROM now()) FROM outbox;
	SELECT id, state, attempts, tries, reason, due_at / 1e6 - extract(epoch FROM now()), ready_at / 1e6 - extract(epoch FROM now()) FROM records
	WHERE state NOT IN ('done', 'dead', 'expired', 'canceled')`

// await waits until there are no more of something. Of much it may take long, as long as it becomes less.
func (r *replicas) await(n *node, what string, left func() int) {
	r.t.Helper()
	least, since := left(), time.Now()
	for least > 0 {
		pause(r.t.Context(), 50*time.Millisecond)
		if now := left(); now < least {
			least, since = now, time.Now()
		}
		if !n.alive() || time.Since(since) > 2*time.Minute {
			r.t.Fatalf("%d %s; the outbox and the open records are, with the seconds until something happens to them:\n%s\nit says:\n%s", least, what,
				r.cluster.SQL(r.t, r.dsn, leftover), n.err)
		}
	}
}

// evil is what befalls replicas, once. It leaves all of them running.
type evil func(*replicas)

var replicaEvils = map[string]evil{
	"kill -9": func(r *replicas) {
		n := r.any()
		pause(r.t.Context(), time.Duration(rand.IntN(300))*time.Millisecond)
		n.kill()
		pause(r.t.Context(), time.Duration(rand.IntN(200))*time.Millisecond)
		n.start()
	},
	"SIGSTOP": func(r *replicas) { r.any().freeze(frozen(r.t)) },
	"the network lost": func(r *replicas) {
		n := r.any()
		mend := n.network.cut()
		pause(r.t.Context(), time.Second)
		mend()
		pause(r.t.Context(), 200*time.Millisecond)
	},
	"the network reset": func(r *replicas) {
		pause(r.t.Context(), time.Duration(rand.IntN(200))*time.Millisecond)
		r.any().network.reset()
	},
}

// frozen is how long a replica stands still: half a second, or as many seconds as CLAYGATE_FREEZE says.
func frozen(t *testing.T) time.Duration {
	t.Helper()
	n, err := strconv.ParseFloat(cmp.Or(os.Getenv("CLAYGATE_FREEZE"), "0.5"), 64)
	if err != nil {
		t.Fatalf("CLAYGATE_FREEZE must be a number of seconds: %v", err)
	}
	return time.Duration(n * float64(time.Second))
}

// Three replicas work on one database while one of them after the other is killed, frozen or cut off, and while the
// database itself has its plug pulled. What callers were told holds, Clay's limit holds, and nothing is paid twice without
// being said.
func TestReplicas(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Options{Volatile: true})
	for name, befall := range replicaEvils {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			suffer(t, c, befall)
		})
	}
}

func TestReplicasWhenTheDatabaseIsPulled(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Options{})
	suffer(t, c, func(r *replicas) {
		pause(r.t.Context(), 200*time.Millisecond)
		c.Stop(r.t, "immediate")
		pause(r.t.Context(), 200*time.Millisecond)
		c.Restart(r.t)
		for _, n := range r.nodes {
			n.untilReady()
		}
	})
}

// times is how often an evil befalls replicas: 10 times, or as often as CLAYGATE_EVILS says.
func times(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("CLAYGATE_EVILS"), "10"))
	if err != nil || n < 1 {
		t.Fatalf("CLAYGATE_EVILS must be a number: %v", err)
	}
	return n
}

// round is how often an evil befalls one ledger: all of it is read after each time, so that many rounds are sooner done than a long one.
const round = 50

// suffer lets evil befall replicas.
func suffer(t *testing.T, c *pgtest.Cluster, befall evil) {
	for left := times(t); left > 0; left -= round {
		t.Run("round", func(t *testing.T) { sufferRound(t, c, befall, min(left, round)) })
	}
}

// sufferRound lets evil befall three replicas, under their callers' load and with Clay at its worst, and then leaves them alone.
func sufferRound(t *testing.T, c *pgtest.Cluster, befall evil, times int) {
	began := time.Now()
	r := newReplicas(t, c, 3)
	r.startAll()
	ctx, stop := context.WithCancel(t.Context())
	wait := r.callers(ctx)
	for n := range times {
		r.must(r.clay.SetFaults(evils[n%len(evils)]...))
		befall(r)
		r.look()
	}
	stop()
	wait()
	for _, n := range r.nodes {
		if !n.alive() || strings.Contains(n.err.String(), "goroutine ") {
			t.Errorf("a replica broke down:\n%s", n.err)
		}
	}
	t.Logf("%d times: %s · %.0f s", times, r.settle(), time.Since(began).Seconds())
}
