package ledger

import (
	"encoding/base32"
	"fmt"
	"strings"
)

// RecordID names a record for ever. It holds a version 7 UUID, minted by whoever submits the record, so that a
// submission can be looked up again when its commit was never confirmed. IDs sort by the time they were minted.
type RecordID [16]byte

// recordPrefix marks a printed record ID, so that a pasted ID says what it names.
const recordPrefix = "rec_"

// idEncoding keeps the order of the bytes and needs no escaping in a URL, a shell or a spreadsheet cell: base32hex in
// lower case.
var idEncoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// idLength is the length of a printed record ID.
const idLength = len(recordPrefix) + 26

// IsZero reports whether the ID is unset.
func (id RecordID) IsZero() bool { return id == RecordID{} }

// String returns the printed form, "rec_" and 26 lower-case characters; "" for the zero ID.
func (id RecordID) String() string {
	if id.IsZero() {
		return ""
	}
	var text [idLength]byte
	return string(idEncoding.AppendEncode(append(text[:0], recordPrefix...), id[:]))
}

// MarshalText implements encoding.TextMarshaler with the printed form.
func (id RecordID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler for the printed form.
func (id *RecordID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseRecordID(string(text))
	return err
}

// ParseRecordID reads the printed form. It accepts exactly one spelling of each ID, so that two IDs are the same
// exactly when their texts are.
func ParseRecordID(s string) (RecordID, error) {
	var id RecordID
	digits, ok := strings.CutPrefix(s, recordPrefix)
	if !ok {
		return id, fmt.Errorf("record id %.40q does not begin with %q", s, recordPrefix)
	}
	n := 0
	if len(s) == idLength {
		n, _ = idEncoding.Decode(id[:], []byte(digits))
	}
	if n != len(id) {
		return RecordID{}, fmt.Errorf("record id %.40q is not %q and 26 characters", s, recordPrefix)
	}
	if id.String() != s {
		return RecordID{}, fmt.Errorf("record id %.40q is not in its canonical spelling", s)
	}
	return id, nil
}

// Digest is a 128-bit keyed or plain hash: of a dedupe key, of a row's work key, of a webhook's URL.
type Digest [16]byte

// IsZero reports whether the digest is unset.
func (d Digest) IsZero() bool { return d == Digest{} }

// LaneID names a lane: a workspace and a surface, such as "main/webhook".
type LaneID string

// The surfaces of a workspace that Clay paces apart.
const (
	WebhookSurface = "webhook"
	LookupSurface  = "lookup"
	APISurface     = "api"
)

// LaneOf returns the lane of a workspace's surface.
func LaneOf(workspace, surface string) LaneID { return LaneID(workspace + "/" + surface) }

// Workspace returns the workspace that the lane is of.
func (l LaneID) Workspace() string {
	workspace, _, _ := strings.Cut(string(l), "/")
	return workspace
}

// LoadID names a load, the rows of one file sent under one name; 0 means that a record belongs to none.
type LoadID int64
