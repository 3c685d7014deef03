package dispatch

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// lookup returns a driver that looks up at an emulated Clay, and that Clay.
func lookup(t *testing.T, kind LookupKind, o claytest.Options) (*Lookup, *claytest.Server) {
	t.Helper()
	server := claytest.New(t, o)
	client, err := clay.New(clay.Config{EnterpriseKey: "enterprise-key", BaseURL: server.URL(), Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return &Lookup{Finder: client, Kind: kind}, server
}

func send(t *testing.T, driver Driver, fields string) ledger.Answer {
	t.Helper()
	return driver.Send(t.Context(), ledger.Claimed{Record: ledger.Record{Attempts: 1, Fields: json.RawMessage(fields)}})
}

func TestLookupBringsTheResult(t *testing.T) {
	for _, test := range []struct {
		kind   LookupKind
		fields string
		name   string
	}{
		{LookupPerson, `{"email":"jane.doe@acme.example"}`, "Jane Doe"},
		{LookupCompany, `{"domain":"acme.example"}`, "Acme"},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			driver, _ := lookup(t, test.kind, claytest.Options{Misses: -1, Enterprise: claytest.Enterprise{Key: "enterprise-key"}})
			answer := send(t, driver, test.fields)
			var found struct{ Name string }
			if err := json.Unmarshal(answer.Result, &found); err != nil {
				t.Fatalf("result %s: %v", answer.Result, err)
			}
			if answer.Verdict != ledger.Accepted || found.Name != test.name {
				t.Errorf("got %s %s, want %s %s", answer.Verdict, found.Name, ledger.Accepted, test.name)
			}
		})
	}
}

func TestLookupVerdicts(t *testing.T) {
	answering := claytest.Enterprise{Key: "enterprise-key"}
	fault := func(f claytest.Fault) claytest.Options {
		return claytest.Options{Misses: -1, Enterprise: answering, Faults: []claytest.Fault{f}}
	}
	for name, test := range map[string]struct {
		options claytest.Options
		fields  string
		verdict ledger.Verdict
		result  string
	}{
		"nobody found":   {claytest.Options{Misses: 1, Enterprise: answering}, `{"email":"a@b.example"}`, ledger.Accepted, `{}`},
		"no email":       {claytest.Options{Enterprise: answering}, `{"domain":"b.example"}`, ledger.Rejected, ``},
		"email a number": {claytest.Options{Enterprise: answering}, `{"email":7}`, ledger.Rejected, ``},
		"retired":        {claytest.Options{Enterprise: claytest.Enterprise{Retired: true}}, `{"email":"a@b.example"}`, ledger.Refused, ``},
		"wrong key":      {claytest.Options{Enterprise: claytest.Enterprise{Key: "another"}}, `{"email":"a@b.example"}`, ledger.Refused, ``},
		"500":            {fault(claytest.Fault{Kind: claytest.Answer, Status: []int{500}}), `{"email":"a@b.example"}`, ledger.Failed, ``},
		"504":            {fault(claytest.Fault{Kind: claytest.Answer, Status: []int{504}}), `{"email":"a@b.example"}`, ledger.Failed, ``},
		"429":            {fault(claytest.Fault{Kind: claytest.Answer, Status: []int{429}}), `{"email":"a@b.example"}`, ledger.Throttled, ``},
	} {
		t.Run(name, func(t *testing.T) {
			driver, _ := lookup(t, LookupPerson, test.options)
			answer := send(t, driver, test.fields)
			if answer.Verdict != test.verdict || cmp.Diff(test.result, string(answer.Result)) != "" {
				t.Errorf("got %s %s (%s), want %s %s", answer.Verdict, answer.Result, answer.Reason, test.verdict, test.result)
			}
		})
	}
}
