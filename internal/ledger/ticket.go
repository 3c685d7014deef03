package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
)

// Ticket is what travels with a row through Clay and comes back with its result: which record it is, and which of
// its attempts made the row. A callback whose attempts differ proves that Clay holds the row twice.
type Ticket struct {
	Record  RecordID
	Attempt int
}

// TicketField is the field of the payload that carries the ticket, unless a target renames it.
const TicketField = "claygate_id"

// Tickets signs and verifies tickets, so that a callback proves that its row came from this ledger: Clay signs no
// callback (docs/clay.md). The zero value verifies nothing.
type Tickets struct {
	secrets *atomic.Pointer[[][]byte] // shared by all copies
}

// NewTickets returns Tickets that sign with the first secret and accept all of them, so that secrets can be rotated.
func NewTickets(secrets ...[]byte) Tickets {
	t := Tickets{secrets: &atomic.Pointer[[][]byte]{}}
	t.Replace(secrets...)
	return t
}

// Replace makes these the secrets, for everybody who has a copy.
func (t Tickets) Replace(secrets ...[]byte) { t.secrets.Store(&secrets) }

func (t Tickets) all() [][]byte {
	if t.secrets == nil {
		return nil
	}
	return *t.secrets.Load()
}

// Sign returns the ticket's text, "<record>.<attempt>.<tag>".
func (t Tickets) Sign(k Ticket) string {
	text := k.Record.String() + "." + strconv.Itoa(k.Attempt)
	return text + "." + tag(t.all()[0], text)
}

// Verify reads a ticket's text and checks its tag in constant time. Surrounding blanks are ignored: they come from
// the cell it was kept in.
func (t Tickets) Verify(text string) (Ticket, error) {
	text = strings.TrimSpace(text)
	cut := strings.LastIndexByte(text, '.')
	if cut < 0 {
		return Ticket{}, fmt.Errorf("%q is not a ticket", clip(text))
	}
	signed, got := text[:cut], text[cut+1:]
	for _, secret := range t.all() {
		if subtle.ConstantTimeCompare([]byte(tag(secret, signed)), []byte(got)) == 1 {
			return parseTicket(signed)
		}
	}
	return Ticket{}, fmt.Errorf("the ticket %q was not signed by this ledger", clip(text))
}

func parseTicket(signed string) (Ticket, error) {
	record, attempt, _ := strings.Cut(signed, ".")
	id, err := ParseRecordID(record)
	if err != nil {
		return Ticket{}, err
	}
	n, err := strconv.Atoi(attempt)
	if err != nil || n < 1 {
		return Ticket{}, fmt.Errorf("the ticket of %s has no attempt number", id)
	}
	return Ticket{Record: id, Attempt: n}, nil
}

// tag is 80 bits of HMAC-SHA256: enough that nobody guesses one over the network, short enough for a cell.
func tag(secret []byte, text string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("ticket\x00" + text))
	return idEncoding.EncodeToString(mac.Sum(nil)[:10])
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// DedupeKey returns the key under which records of a target count as the same work. It is keyed with a secret of the
// ledger, because the values are people's addresses.
func DedupeKey(secret []byte, t Target, value string) Digest {
	return keyed(secret, "dedupe", t.Name, t.Version, value)
}

// WorkKey returns the key that tells what was handed in from all else, whatever its target. It is keyed as the dedupe key
// is: a hash of what a person's row holds would be as good as the row for whoever can guess it.
func WorkKey(secret, content []byte) Digest { return keyed(secret, "work", string(content)) }

func keyed(secret []byte, parts ...string) Digest {
	mac := hmac.New(sha256.New, secret)
	for _, part := range parts {
		mac.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return Digest(mac.Sum(nil)[:16])
}
