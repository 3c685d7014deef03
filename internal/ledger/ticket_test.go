package ledger

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawRecordID(t *rapid.T) RecordID {
	return RecordID(rapid.SliceOfN(rapid.Byte(), 16, 16).Filter(func(b []byte) bool {
		return !RecordID(b).IsZero()
	}).Draw(t, "id"))
}

func TestTicketRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, secret := []byte("an old secret"), rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "secret")
		want := Ticket{Record: drawRecordID(t), Attempt: rapid.IntRange(1, 1<<40).Draw(t, "attempt")}
		text := NewTickets(secret).Sign(want)
		if len(text) > 64 || strings.ContainsAny(text, " \t\"\\<>&") {
			t.Fatalf("%q does not fit a cell", text)
		}
		for _, spelled := range []string{text, " " + text + "\n"} {
			got, err := NewTickets(old, secret).Verify(spelled)
			if err != nil || got != want {
				t.Fatalf("%q → %v, %v; want %v", spelled, got, err, want)
			}
		}
	})
}

func TestTicketForged(t *testing.T) {
	tickets := NewTickets([]byte("a secret"))
	good := tickets.Sign(Ticket{Record: RecordID{15: 1}, Attempt: 2})
	other := tickets.Sign(Ticket{Record: RecordID{15: 1}, Attempt: 3})
	tagOf := func(s string) string { return s[strings.LastIndexByte(s, '.')+1:] }
	for name, text := range map[string]string{
		"nothing":                    "",
		"blank":                      "  ",
		"a template":                 "/claygate_id",
		"a dot":                      ".",
		"no tag":                     strings.TrimSuffix(good, "."+tagOf(good)),
		"an empty tag":               strings.TrimSuffix(good, tagOf(good)),
		"half a tag":                 good[:len(good)-5],
		"a longer tag":               good + "0",
		"another's tag":              strings.TrimSuffix(good, tagOf(good)) + tagOf(other),
		"another attempt":            strings.Replace(good, ".2.", ".4.", 1),
		"upper case":                 strings.ToUpper(good),
		"signed by another":          NewTickets([]byte("another secret")).Sign(Ticket{Record: RecordID{15: 1}, Attempt: 2}),
		"attempt zero":               tickets.Sign(Ticket{Record: RecordID{15: 1}}),
		"no record":                  tickets.Sign(Ticket{Attempt: 1}),
		"a very long ticket":         strings.Repeat("9", 1<<16),
		"an attempt too large":       "rec_1." + strings.Repeat("9", 40) + "." + tag([]byte("a secret"), "rec_1."+strings.Repeat("9", 40)),
		"the tag of a different use": "x." + tag([]byte("a secret"), "y"),
	} {
		if got, err := tickets.Verify(text); err == nil || got != (Ticket{}) {
			t.Errorf("%s: %v, %v", name, got, err)
		} else if len(err.Error()) > 400 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
	if _, err := (Tickets{}).Verify(good); err == nil {
		t.Error("the zero value verified a ticket")
	}
}

func FuzzVerify(f *testing.F) {
	secret := []byte("a secret")
	tickets := NewTickets(secret, []byte("an old secret"))
	f.Add(tickets.Sign(Ticket{Record: RecordID{15: 1}, Attempt: 2}))
	f.Add("rec_00000000000000000000000000.1.")
	f.Add("/claygate_id")
	f.Add("rec_..")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := tickets.Verify(text); err == nil && tickets.Sign(got) != strings.TrimSpace(text) &&
			NewTickets([]byte("an old secret")).Sign(got) != strings.TrimSpace(text) {
			t.Fatalf("%q was taken for %v", text, got)
		}
		// Whatever is signed with the right secret is either a ticket in its one spelling or refused.
		signed := text + "." + tag(secret, text)
		if got, err := tickets.Verify(signed); err == nil && (got.Attempt < 1 || got.Record.IsZero()) {
			t.Fatalf("%q was taken for %v", signed, got)
		}
	})
}

func FuzzParseRecordID(f *testing.F) {
	f.Add(RecordID{1, 2, 3}.String())
	f.Add("rec_00000000000000000000000001")
	f.Add("rec_vvvvvvvvvvvvvvvvvvvvvvvvvv")
	f.Add("REC_00000000000000000000000004")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseRecordID(text)
		if err == nil && id.String() != text {
			t.Fatalf("%q was taken for %s", text, id)
		}
		if err != nil && !id.IsZero() {
			t.Fatalf("%q is refused, and yet is %s", text, id)
		}
	})
}

func TestRecordIDText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, other := drawRecordID(t), drawRecordID(t)
		text, _ := id.MarshalText()
		var back RecordID
		if err := back.UnmarshalText(text); err != nil || back != id {
			t.Fatalf("%s → %s, %v", text, back, err)
		}
		if a, b := bytes.Compare(id[:], other[:]), strings.Compare(id.String(), other.String()); a != b {
			t.Fatalf("%s and %s sort differently as text", id, other)
		}
	})
	var zero RecordID
	if zero.String() != "" || zero.UnmarshalText(nil) == nil {
		t.Error("the zero ID has a text, or none is an ID")
	}
}

func TestDedupeKey(t *testing.T) {
	secret := []byte("a secret")
	base := DedupeKey(secret, Target{Name: "people", Version: "1"}, "ada@example.com")
	for name, other := range map[string]Digest{
		"another value":     DedupeKey(secret, Target{Name: "people", Version: "1"}, "bob@example.com"),
		"another target":    DedupeKey(secret, Target{Name: "persons", Version: "1"}, "ada@example.com"),
		"another version":   DedupeKey(secret, Target{Name: "people", Version: "2"}, "ada@example.com"),
		"another secret":    DedupeKey([]byte("another"), Target{Name: "people", Version: "1"}, "ada@example.com"),
		"a shifted border":  DedupeKey(secret, Target{Name: "people", Version: "1ada"}, "@example.com"),
		"a shifted border2": DedupeKey(secret, Target{Name: "people1", Version: ""}, "ada@example.com"),
	} {
		if other == base || other.IsZero() {
			t.Errorf("%s has the same key", name)
		}
	}
	if again := DedupeKey(secret, Target{Name: "people", Version: "1"}, "ada@example.com"); again != base {
		t.Error("the same work has two keys")
	}
}
