package forward

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/claygate/claygate/internal/ledger"
)

// Postgres is a destination that is a table of a PostgreSQL database: a row for each key, and in it what the newest
// revision of the newest record of that key came to.
type Postgres struct {
	Settings
	// DSN says how the database is reached, postgres://user:password@host/database.
	DSN string
	// Table is its name, or its schema and its name.
	Table []string
	// Key are the columns whose values make a row one. Default: a row for each record.
	Key []string
	// Columns are what is written, by the names of columns.
	Columns map[string]Value
	// Types are those of columns that are made: text, number, bool or json. Default text.
	Types map[string]string
	// Create has the table made, and columns that it lacks.
	Create bool
	// Batch is how many records are written by one statement. Default [DefaultBatch].
	Batch int
	// Reach, Timeout: see [Webhook].
	Reach   Reach
	Timeout time.Duration
}

// The defaults of tables.
const (
	DefaultBatch       = 100
	DefaultConnections = 4 // a database has few to give
)

// The columns that say whose result a row holds, so that no older one takes its place.
const (
	RecordColumn   = "claygate_record"
	RevisionColumn = "claygate_revision"
)

// table is the driver of PostgreSQL tables.
type table struct {
	Postgres
	config *pgxpool.Config
	names  []string // of the columns, the key first

	mu   sync.Mutex
	pool *pgxpool.Pool // nil while nothing is delivered
}

// NewPostgres returns a destination. It connects to nothing yet. The error says what is wrong, without the DSN.
func NewPostgres(p Postgres) (*Destination, error) {
	config, err := pgxpool.ParseConfig(p.DSN)
	if err != nil {
		return nil, wrong(p.Name, errors.New("its DSN is not one like postgres://user:password@host/database"))
	}
	p.Batch, p.Concurrency, p.Timeout = cmp.Or(p.Batch, DefaultBatch), cmp.Or(p.Concurrency, DefaultConnections), cmp.Or(p.Timeout, DefaultTimeout)
	for _, column := range p.Key {
		if p.Columns[column] == nil {
			return nil, wrong(p.Name, errors.New("nothing is written to its key column "+column))
		}
	}
	if len(p.Table) == 0 || len(p.Columns) == 0 {
		return nil, wrong(p.Name, errors.New("it has no table, or no columns"))
	}
	t := &table{Postgres: p, config: config, names: slices.Clone(p.Key)}
	for _, column := range slices.Sorted(maps.Keys(p.Columns)) {
		if !slices.Contains(p.Key, column) {
			t.names = append(t.names, column)
		}
	}
	t.configure()
	d := newDestination(p.Settings, t, p.Batch)
	d.inputs = true
	return d, nil
}

// configure says how connections are made. Statements are not prepared, so that they go through poolers as well.
func (t *table) configure() {
	c := t.config
	c.MaxConns, c.MinConns, c.MaxConnIdleTime, c.HealthCheckPeriod = int32(t.Concurrency), 0, 30*time.Second, 30*time.Second
	c.ConnConfig.ConnectTimeout = 5 * time.Second
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	c.ConnConfig.DialFunc = t.dial
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "claygate"
	}
}

// dial connects where the guard permits. A socket in the file system is of this machine.
func (t *table) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "unix" && t.Reach != Public {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return dialer(t.Reach).DialContext(ctx, network, address)
}

// connections returns the pool, which connects when it is asked to.
func (t *table) connections() (*pgxpool.Pool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pool != nil {
		return t.pool, nil
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), t.config)
	if err == nil {
		t.pool = pool
	}
	return pool, err
}

// close implements driver.
func (t *table) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pool != nil {
		t.pool.Close()
		t.pool = nil
	}
}

// deliver implements driver. What the database does not take of many is halved, so that one row that it cannot take holds
// up no other.
func (t *table) deliver(ctx context.Context, batch []message) []ledger.DeliveryAnswer {
	answers := make([]ledger.DeliveryAnswer, len(batch))
	shape, err := t.look(ctx)
	if err != nil {
		return slices.Repeat([]ledger.DeliveryAnswer{t.refused(err)}, len(batch))
	}
	rows := make([]row, 0, len(batch))
	for i, m := range batch {
		r, answer := t.row(m, shape)
		if r.place = i; answer.Outcome != "" {
			answers[i] = answer
			continue
		}
		rows = append(rows, r)
	}
	t.halve(ctx, shape, rows, answers)
	return answers
}

// halve writes rows, together where the database takes them together.
func (t *table) halve(ctx context.Context, s shape, rows []row, answers []ledger.DeliveryAnswer) {
	if len(rows) == 0 {
		return
	}
	answer := ledger.DeliveryAnswer{Outcome: ledger.Delivered}
	switch err := t.upsert(ctx, s, rows); {
	case err == nil:
	case aboutRows(err) && len(rows) > 1:
		half := len(rows) / 2
		t.halve(ctx, s, rows[:half], answers)
		t.halve(ctx, s, rows[half:], answers)
		return
	case aboutRows(err):
		answer = t.unsuitable(ctx, s, rows[0], err)
	default:
		answer = t.refused(err)
	}
	for _, r := range rows {
		answers[r.place] = answer
	}
}
