package postgres

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/claygate/claygate/internal/ledger"
)

// readers is how many connections a replica reads with at most. With the one that writes and the one that listens it has ten.
const readers = 8

// Open opens a ledger, making or migrating its tables as needed. The error is a [*ledger.Error]: kind Invalid when the DSN
// cannot be read, Unavailable when the database cannot be reached or does not do for a ledger, Foreign when a newer version
// wrote it.
func Open(ctx context.Context, o Options) (*Store, error) {
	config, err := configure(o.DSN)
	if err != nil {
		return nil, err
	}
	if o.dial != nil {
		config.ConnConfig.DialFunc = o.dial
	}
	s := &Store{hub: o.Hub, log: o.Log, given: o.Now, local: o.local, config: config, shard: rand.Int64N(shards), name: strconv.FormatUint(rand.Uint64(), 36)}
	if o.Catalog == nil {
		o.Catalog = ledger.NewCatalog(nil, nil)
	}
	s.catalog.Store(o.Catalog)
	if s.hub == nil {
		s.hub = &ledger.Hub{}
	}
	if s.local == nil {
		s.local = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	config.ConnConfig.AfterConnect = s.recognise
	s.writer.config = config.ConnConfig
	if err := s.open(ctx); err != nil {
		s.release()
		return nil, err
	}
	s.group = ledger.NewGroup(groupSize, s.transact)
	s.news = s.follow(o)
	return s, nil
}

// configure reads a DSN.
func configure(dsn string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil { // what it says may show the password
		return nil, &ledger.Error{
			Kind: ledger.Invalid, Op: "open", Message: "the database's address cannot be read",
			Hint: "write it as postgres://user:password@host:5432/database, with special characters of the password percent-encoded",
		}
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTime
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "claygate" // for whoever looks at pg_stat_activity
	}
	config.MaxConns, config.MinConns = readers, 0
	config.MaxConnIdleTime, config.MaxConnLifetime = 5*time.Minute, time.Hour
	return config, nil
}

func (s *Store) open(ctx context.Context) error {
	conn, err := s.writer.connect()
	if err != nil {
		return unreachable(err)
	}
	if err := check(ctx, conn); err != nil {
		return err
	}
	if err := migrate(ctx, s.config.ConnConfig); err != nil {
		return err
	}
	if err := checkRights(ctx, conn); err != nil {
		return err
	}
	if err := unfinished(ctx, conn); err != nil {
		return err
	}
	if err := s.identify(ctx, conn); err != nil {
		return err
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, s.config); err != nil {
		return unreachable(err)
	}
	var micros int64
	var commits string
	if err := conn.QueryRow(ctx, clock).Scan(&micros, &commits); err != nil {
		return wrap("open", err)
	}
	s.clocked(micros)
	return nil
}
