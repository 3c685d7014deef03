package postgres

import (
	"bytes"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// row is a record within a transaction, or as it was read. Its record's durations are as of the transaction's time.
type row struct {
	ledger.Record
	wantedBy ledger.LoadID
	work     ledger.Digest
	owns     bool
	sendBy   pgtype.Int8
	readyAt  int64
	dueAt    pgtype.Int8
	sentAt   pgtype.Int8
	doneAt   pgtype.Int8
	endedAt  pgtype.Int8
	created  int64

	found  bool // there is such a record
	bodies bool // its bodies are here
	fresh  bool // it is to be added
	dirty  bool // it is to be written
	result bool // its result is to be written
}

// recordColumns are the columns of a record in the order in which scan reads them.
const recordColumns = `r.id, r.target, r.state, r.priority, r.load, r.wanted_by, r.key, r.owns, r.await, r.attempts, r.tries, r.resends,
	r.run_limit, r.at_clay, r.may_duplicate, r.leader, r.revision, r.cached, r.empty, r.emulated, r.erased, r.reason, r.result_timeout,
	r.callback_url, r.api_key, r.spent, r.actions, r.credits, r.send_by, r.ready_at, r.due_at, r.sent_at, r.created_at, r.done_at, r.ended_at`

// bodyColumns follow them where the bodies are wanted, and bodyTables the records' own.
const (
	bodyColumns = `b.fields, b.metadata, res.result`
	bodyTables  = ` LEFT JOIN bodies b ON b.record = r.id LEFT JOIN results res ON res.record = r.id`
)

// scan reads a record. Durations in it are as of now.
func scan(from pgx.Row, now time.Time, withBodies bool) (*row, error) {
	r := &row{found: true, bodies: withBodies}
	var key, leader pgtype.UUID
	var timeout int64
	dest := []any{
		(*[16]byte)(&r.ID), &r.Target, &r.State, &r.Priority, &r.Load, &r.wantedBy, &key, &r.owns, &r.Await, &r.Attempts, &r.Tries, &r.Resends,
		&r.RunLimit, &r.AtClay, &r.MayDuplicate, &leader, &r.Revision, &r.Cached, &r.Empty, &r.Emulated, &r.Erased, &r.Reason, &timeout,
		&r.CallbackURL, &r.APIKey, &r.Spent.Records, &r.Spent.Actions, &r.Spent.Credits, &r.sendBy, &r.readyAt, &r.dueAt, &r.sentAt, &r.created, &r.doneAt, &r.endedAt,
	}
	if withBodies {
		dest = append(dest, (*[]byte)(&r.Fields), (*[]byte)(&r.Metadata), (*[]byte)(&r.Result)) // NULL is none
	}
	if err := from.Scan(dest...); err != nil {
		return nil, err
	}
	r.Key, r.Leader = key.Bytes, leader.Bytes
	r.ResultTimeout = duration(timeout)
	r.timed(now)
	return r, nil
}

// timed fills in the times and durations of a record from what its row holds.
func (r *row) timed(now time.Time) {
	r.CreatedAt = time.UnixMicro(r.created)
	r.SendBy, r.SinceSend, r.SinceDone, r.DoneAt = 0, 0, 0, time.Time{}
	if r.sendBy.Valid {
		r.SendBy = -since(now, r.sendBy.Int64)
		if r.SendBy == 0 {
			r.SendBy = -1 // 0 would mean no limit
		}
	}
	if r.sentAt.Valid {
		r.SinceSend = max(since(now, r.sentAt.Int64), 0) // a clock that went back makes no wait longer
	}
	if r.doneAt.Valid {
		r.DoneAt, r.SinceDone = time.UnixMicro(r.doneAt.Int64), since(now, r.doneAt.Int64)
	}
}

// needs says what is locked and read before a part of a transaction, all of it at once.
type needs struct {
	keys    []ledger.Digest   // dedupe keys, with the records that own them and their bodies
	keysOf  []ledger.RecordID // the keys of these records as well
	works   []work            // rows of loads
	onces   []ledger.Digest   // idempotency keys
	records []ledger.RecordID // records, with their current attempts
	bodies  []ledger.RecordID // those of them whose bodies are wanted
	led     []ledger.RecordID // those of them whose followers are wanted
}

// The records that are needed are found by what names them. Each statement sees what was committed before it, so that what
// a lock was waited for is read as it is afterwards.
const (
	lockRecords = `SELECT ` + recordColumns + ` FROM records r WHERE r.id IN (
		SELECT unnest($1::uuid[]) UNION SELECT record FROM keys WHERE key = ANY($2)
		UNION SELECT w.id FROM unnest($3::bigint[], $4::uuid[]) AS u (load, work) JOIN records w ON w.load = u.load AND w.work = u.work
		UNION SELECT record FROM idempotency WHERE key = ANY($5)) ORDER BY r.id`
	lockFollowers = `SELECT ` + recordColumns + ` FROM records r WHERE r.leader = ANY($1) ORDER BY r.id FOR NO KEY UPDATE`
	readBodies    = `SELECT i.id, b.fields, b.metadata, res.result FROM (SELECT unnest($1::uuid[]) AS id
		UNION SELECT record FROM keys WHERE key = ANY($2)) i JOIN bodies b ON b.record = i.id LEFT JOIN results res ON res.record = i.id`
	readAttempts = `SELECT a.record, a.n, a.webhook, a.verdict FROM records r JOIN attempts a ON a.record = r.id AND a.n = r.attempts
		WHERE r.id = ANY($1)`
)

// load locks and reads what is needed, unless it is here.
func (t *tx) load(n needs) error {
	b := t.batch()
	if len(n.keysOf) > 0 {
		t.queue(b, `SELECT k.key, k.record FROM keys k WHERE k.key IN (SELECT key FROM records WHERE id = ANY($1)) ORDER BY k.key`+t.locking(),
			[]any{uuids(n.keysOf)}, t.readKey)
	}
	if n.keys = t.newKeys(n.keys); len(n.keys) > 0 {
		t.queue(b, `SELECT key, record FROM keys WHERE key = ANY($1) ORDER BY key`+t.locking(), []any{uuids(n.keys)}, t.readKey)
	}
	t.loadOnces(b, n.onces)
	loads, works := t.loadWorks(b, n.works)
	n.records = slices.DeleteFunc(n.records, func(id ledger.RecordID) bool { return t.records[id] != nil })
	if len(n.records)+len(n.keys)+len(works)+len(n.onces) > 0 {
		t.queue(b, lockRecords+t.locking(), []any{uuids(n.records), uuids(n.keys), loads, uuids(works), uuids(n.onces)}, t.readRecord)
	}
	if n.led = t.newLeaders(n.led); len(n.led) > 0 {
		t.queue(b, lockFollowers, []any{uuids(n.led)}, t.readRecord)
	}
	if len(n.bodies)+len(n.keys) > 0 {
		t.queue(b, readBodies, []any{uuids(n.bodies), uuids(n.keys)}, t.readBodies)
	}
	if len(n.records) > 0 && len(n.bodies)+len(n.led) > 0 {
		t.queue(b, readAttempts, []any{uuids(n.records)}, t.readAttempt)
	}
	if err := t.send(b); err != nil {
		return err
	}
	for _, id := range n.records {
		if t.records[id] == nil {
			t.records[id] = &row{Record: ledger.Record{ID: id}, bodies: true}
		}
	}
	return nil
}

// locking is how the rows of a query are locked.
func (t *tx) locking() string {
	if t.dry {
		return ``
	}
	return ` FOR NO KEY UPDATE`
}

// readRecord keeps a record that was locked, unless it is here: then it has been locked before.
func (t *tx) readRecord(from pgx.Rows) error {
	r, err := scan(from, t.now, false)
	if err != nil {
		return err
	}
	if known := t.records[r.ID]; known == nil || !known.found && !known.fresh {
		t.records[r.ID] = r
	}
	t.follows(r)
	return nil
}

// newLeaders leaves out those whose followers are known, and notes the others, with those that joined them just now.
func (t *tx) newLeaders(ids []ledger.RecordID) []ledger.RecordID {
	ids = slices.DeleteFunc(ids, func(id ledger.RecordID) bool { _, asked := t.led[id]; return asked })
	for _, id := range ids {
		t.led[id] = nil
	}
	if len(ids) > 0 {
		for _, r := range t.records {
			t.follows(r)
		}
	}
	return ids
}

func (t *tx) readBodies(from pgx.Rows) error {
	var id ledger.RecordID
	var fields, metadata, result []byte
	if err := from.Scan((*[16]byte)(&id), &fields, &metadata, &result); err != nil {
		return err
	}
	if r := t.records[id]; r != nil && !r.bodies {
		r.Fields, r.Metadata, r.bodies = fields, metadata, true
		if !r.result { // else there is a newer one
			r.Result = result
		}
	}
	return nil
}

// record returns a record for a change, locked; its found is false when there is none.
func (t *tx) record(id ledger.RecordID, withBodies bool) (*row, error) {
	r := t.records[id]
	if r != nil && (r.bodies || !withBodies) {
		return r, nil
	}
	n := needs{records: []ledger.RecordID{id}}
	if withBodies {
		n.bodies = n.records
	}
	if err := t.load(n); err != nil {
		return nil, err
	}
	r = t.records[id]
	r.bodies = r.bodies || withBodies
	return r, nil
}

// add adds a new record with its bodies.
func (t *tx) add(a *ledger.Admission, work ledger.Digest) {
	r := &row{Record: a.Record, wantedBy: a.Record.Load, work: work, owns: a.Owns, created: micros(t.now), found: true, bodies: true, fresh: true, dirty: true}
	if r.SendBy != 0 {
		r.sendBy = some(t.later(r.SendBy))
	}
	if r.State == ledger.Done {
		r.doneAt, r.endedAt = some(micros(t.now)), some(micros(t.now))
	}
	r.readyAt, r.dueAt, r.result = t.readyAt(0), t.dueAt(a.Due), r.Result != nil
	r.timed(t.now)
	t.records[r.ID] = r
	t.follows(r)
}

// follows notes whom a record has joined, where those who did are known.
func (t *tx) follows(r *row) {
	if _, asked := t.led[r.Leader]; asked && !slices.Contains(t.led[r.Leader], r.ID) {
		t.led[r.Leader] = append(t.led[r.Leader], r.ID)
	}
}

// followers returns who joined a record, in the order of their IDs.
func (t *tx) followers(of ledger.RecordID) ([]ledger.RecordID, error) {
	if _, asked := t.led[of]; !asked {
		if err := t.load(needs{led: []ledger.RecordID{of}}); err != nil {
			return nil, err
		}
	}
	return slices.SortedFunc(slices.Values(t.led[of]), func(a, b ledger.RecordID) int { return bytes.Compare(a[:], b[:]) }), nil
}

// update makes of a record what a change made of it.
func (t *tx) update(r *row, c ledger.Change) {
	switch {
	case c.Moved:
		t.move(r, c)
	case c.Later:
		r.dueAt = t.dueAt(c.Due)
	default:
		n := c.Record
		r.AtClay, r.Revision, r.Empty, r.Emulated, r.Reason = n.AtClay, n.Revision, n.Empty, n.Emulated, n.Reason
	}
	if c.Fresh || c.Kept {
		r.Result = c.Record.Result
		r.result = r.Result != nil
	}
	r.dirty = true
	r.timed(t.now)
}

// move brings a record into its new state, with the durations of the change as times.
func (t *tx) move(r *row, c ledger.Change) {
	hadSendBy, n := r.SendBy != 0, c.Record
	r.State, r.Attempts, r.Tries, r.Resends, r.RunLimit, r.AtClay = n.State, n.Attempts, n.Tries, n.Resends, n.RunLimit, n.AtClay
	r.MayDuplicate, r.Leader, r.Revision, r.Cached, r.Empty = n.MayDuplicate, n.Leader, n.Revision, n.Cached, n.Empty
	r.Emulated, r.Reason, r.Spent = n.Emulated, n.Reason, n.Spent
	r.dueAt, r.readyAt, r.endedAt = t.dueAt(c.Due), t.readyAt(c.Ready), pgtype.Int8{}
	if r.State.Terminal() {
		r.endedAt = some(micros(t.now))
	}
	if c.Begun {
		r.sentAt = some(micros(t.now))
	}
	if r.State == ledger.Done {
		r.doneAt = some(micros(t.now))
	}
	if hadSendBy && n.SendBy == 0 {
		r.sendBy = pgtype.Int8{}
	}
	t.follows(r)
}

// readyAt turns a delay into a time. What need not wait is ready from the beginning of time, so that a clock that goes
// back does not hold it up; among those the oldest ID leaves first.
func (t *tx) readyAt(delay time.Duration) int64 {
	if delay <= 0 {
		return 0
	}
	return t.later(delay)
}

// dueAt turns a due duration into a time, NULL for Never, and tells those who wait for deadlines.
func (t *tx) dueAt(due time.Duration) pgtype.Int8 {
	if due < 0 {
		return pgtype.Int8{}
	}
	t.publish(ledger.Deadlines)
	return some(t.later(due))
}

func duration(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond }
