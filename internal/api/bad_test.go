package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// TestBadInput: what cannot be taken is a problem that says what and where, and leaves nothing behind.
func TestBadInput(t *testing.T) {
	const records = "/v1/targets/people/records"
	deep := strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)
	item := func(rest string) string { return `{"fields":{"email":"a@b.example"},` + rest + `}` }
	tests := map[string]struct {
		path, body string
		status     int
		says       string
		headers    []string
	}{
		"no body":                     {records, "", 415, "Content-Type", nil},
		"an empty body":               {records, " ", 400, "empty", nil},
		"no JSON":                     {records, `{"fields":`, 400, "ends too early", nil},
		"a text":                      {records, `"fields"`, 400, "JSON object", nil},
		"a number":                    {records, `7`, 400, "JSON object", nil},
		"something after it":          {records, onePerson + "{}", 400, "something follows", nil},
		"the bare row":                {records, `{"email":"a@b.example"}`, 400, `"email" is unknown`, nil},
		"no fields":                   {records, `{}`, 400, `"fields" is missing`, nil},
		"null fields":                 {records, `{"fields":null}`, 400, `"fields" must be a JSON object`, nil},
		"fields of another type":      {records, `{"fields":[1]}`, 400, `"fields" must be a JSON object`, nil},
		"metadata of another type":    {records, item(`"metadata":"x"`), 400, `"metadata" must be a JSON object`, nil},
		"metadata too large":          {records, item(`"metadata":{"a":"` + strings.Repeat("x", 5000) + `"}`), 400, "metadata", nil},
		"an unknown member":           {records, item(`"colour":1`), 400, `"colour" is unknown`, nil},
		"a misspelt member":           {records, item(`"metdata":{}`), 400, `did you mean "metadata"`, nil},
		"a member in capitals":        {records, item(`"Metadata":{}`), 400, `did you mean "metadata"`, nil},
		"a member twice":              {records, item(`"priority":1,"priority":2`), 400, `"priority" is given twice`, nil},
		"a field twice":               {records, `{"fields":{"a":1,"a":2}}`, 400, `"fields": the field "a" is given twice`, nil},
		"a callback URL":              {records, item(`"callback_url":"https://example.com"`), 400, "callback_url is not taken here", nil},
		"a negative age":              {records, item(`"max_age":-1`), 400, `"max_age"`, nil},
		"an age in words":             {records, item(`"max_age":"soon"`), 400, `"max_age"`, nil},
		"an age of another type":      {records, item(`"max_age":true`), 400, `"max_age"`, nil},
		"an endless age":              {records, item(`"max_age":"99999999d"`), 400, `"max_age"`, nil},
		"no time for a result":        {records, item(`"result_timeout":0`), 400, `"result_timeout"`, nil},
		"a date that is none":         {records, item(`"send_by":"2026-13-01T00:00:00Z"`), 400, `"send_by"`, nil},
		"a priority out of bounds":    {records, item(`"priority":10`), 400, `"priority"`, nil},
		"a priority of another type":  {records, item(`"priority":1.5`), 400, `"priority"`, nil},
		"deep nesting":                {records, `{"fields":` + deep + `}`, 400, "nests deeper", nil},
		"very deep nesting":           {records, strings.Repeat("[", 500_000), 400, "nests deeper", nil},
		"invalid UTF-8":               {records, "{\"fields\":{\"a\":\"\xff\"}}", 400, "UTF-8", nil},
		"a NUL byte":                  {records, "{\"fields\":{\"a\":\"\x00\"}}", 400, "control character", nil},
		"an escaped NUL":              {records, `{"fields":{"a":{"b":["x\u0000"]}}}`, 400, `"fields.a.b[0]"`, nil},
		"a huge number":               {records, `{"fields":{"a":1e400}}`, 400, `"fields.a": the number 1e400 is too large`, nil},
		"a number with many digits":   {records, `{"fields":{"a":` + strings.Repeat("9", 400) + `}}`, 400, "too large", nil},
		"the ticket's field":          {records, `{"fields":{"claygate_id":"x"}}`, 400, "claygate_id", nil},
		"over Clay's limit":           {records, `{"fields":{"a":"` + strings.Repeat("x", 100_000) + `"}}`, 400, "Clay takes at most", nil},
		"over the body's limit":       {records, `{"fields":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`, 413, "the most", nil},
		"an array in an array":        {records, `[[` + onePerson + `]]`, 200, "", nil},
		"an array without an end":     {records, `[` + onePerson, 400, "ends too early", nil},
		"an array with a comma":       {records, `[` + onePerson + `,]`, 400, "comma", nil},
		"too long an array":           {records, `[` + strings.Repeat("1,", 10_000) + `1]`, 413, "10000 is the most", nil},
		"too many to wait for":        {records + "?wait=1s", `[` + strings.Repeat("1,", 100) + `1]`, 400, "100 records", nil},
		"too long a wait":             {records + "?wait=101s", onePerson, 400, `"wait"`, nil},
		"a negative wait":             {records + "?wait=-1", onePerson, 400, `"wait"`, nil},
		"a wait in words":             {records + "?wait=soon", onePerson, 400, `"wait"`, nil},
		"a wait that is no number":    {records + "?wait=NaN", onePerson, 400, `"wait"`, nil},
		"a parameter twice":           {records + "?wait=1&wait=2", onePerson, 400, "given twice", nil},
		"an unknown parameter":        {records + "?wiat=1", onePerson, 400, `did you mean "wait"`, nil},
		"a broken query":              {records + "?wait=%zz", onePerson, 400, "cannot be read", nil},
		"another format":              {records, onePerson, 415, "text/csv", []string{"Content-Type: text/csv"}},
		"a form":                      {records, onePerson, 415, "form", []string{"Content-Type: application/x-www-form-urlencoded"}},
		"no content type":             {records, onePerson, 415, "missing", []string{"Content-Type: "}},
		"a broken content type":       {records, onePerson, 415, "Content-Type", []string{"Content-Type: ;;"}},
		"a compressed body":           {records, "\x1f\x8b\x08", 415, "gzip", []string{"Content-Encoding: gzip"}},
		"a doubly compressed body":    {records, "\x1f\x8b\x08", 415, "compressed", []string{"Content-Encoding: gzip, br"}},
		"an empty idempotency key":    {records, onePerson, 400, "Idempotency-Key", []string{"Idempotency-Key: "}},
		"a long idempotency key":      {records, onePerson, 400, "Idempotency-Key", []string{"Idempotency-Key: " + strings.Repeat("k", 256)}},
		"an odd idempotency key":      {records, onePerson, 400, "Idempotency-Key", []string{"Idempotency-Key: schlüssel"}},
		"an idempotency key for many": {records, `[` + onePerson + `]`, 400, "for one record", []string{"Idempotency-Key: k"}},
		"… and for lines":             {records, onePerson, 400, "for one record", []string{"Idempotency-Key: k", "Content-Type: application/x-ndjson"}},
		"lines that are waited for":   {records + "?wait=1", onePerson, 400, "not waited for", []string{"Content-Type: application/x-ndjson"}},
		"an unknown target":           {"/v1/targets/poeple/records", onePerson, 404, "poeple", nil},
		"a target's path":             {"/v1/targets/..%2fpeople/records", onePerson, 404, "people", nil},
		"an empty target":             {"/v1/targets/%20/records", onePerson, 404, "target", nil},
		"another method":              {"/v1/targets", onePerson, 405, "only GET", nil},
		"an unknown path":             {"/v2/records", onePerson, 404, "nothing at", nil},
		"a record's ID that is none":  {"/v1/records/7/replay", "", 404, "no such record", nil},
		"an unknown record":           {"/v1/records/rec_00000000000000000000000004/replay", "", 404, "no record", nil},
		"a replay of open work":       {"/v1/records/{id}/replay", "", 409, "", nil},
		"a replay with a body":        {"/v1/records/{id}/replay", `{"now":true}`, 400, `"now" is unknown`, nil},
		"resolve without an answer":   {"/v1/records/{id}/resolve", "", 400, `"arrived"`, nil},
		"resolve with a maybe":        {"/v1/records/{id}/resolve", `{"arrived":"maybe"}`, 400, `"arrived"`, nil},
		"resolve with null":           {"/v1/records/{id}/resolve", `{"arrived":null}`, 400, `"arrived"`, nil},
		"cancel with a number":        {"/v1/records/{id}/cancel", `{"reason":7}`, 400, `"reason"`, nil},
		"cancel with a novel":         {"/v1/records/{id}/cancel", `{"reason":"` + strings.Repeat("x", 501) + `"}`, 400, `"reason"`, nil},
		"a pause of nothing":          {"/v1/targets/nowhere/pause", "", 404, "nowhere", nil},
		"a key without scopes":        {"/v1/keys", `{"name":"x"}`, 400, `"scopes" is missing`, nil},
		"a key with an odd scope":     {"/v1/keys", `{"scopes":["fly"]}`, 400, `"fly" is unknown`, nil},
		"a key with scopes as text":   {"/v1/keys", `{"scopes":"read"}`, 400, `"scopes"`, nil},
		"a key of an unknown target":  {"/v1/keys", `{"scopes":["read"],"targets":["nowhere"]}`, 400, "nowhere", nil},
		"a key that does two things":  {"/v1/keys", `{"scopes":["read"],"ingest":"people"}`, 400, `"ingest"`, nil},
		"an ingest key for nothing":   {"/v1/keys", `{"ingest":"nowhere"}`, 400, "nowhere", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, setup{})
			id := g.submit("people", `{"fields":{}}`)
			got := g.do("POST", strings.ReplaceAll(tt.path, "{id}", id.String()), tt.body, tt.headers...)
			if got.status != tt.status {
				t.Fatalf("status %d, want %d: %s", got.status, tt.status, got.body)
			}
			if tt.status == 200 {
				if !strings.Contains(got.body, `"index":0`) {
					t.Errorf("the element is not refused: %s", got.body)
				}
				return
			}
			p := decode[api.Problem](t, got)
			if !strings.Contains(p.Detail, tt.says) || p.Status != tt.status || p.Title == "" {
				t.Errorf("the problem is %+v, which does not say %q", p, tt.says)
			}
			if p.Hint == "" && tt.status != 403 {
				t.Errorf("the problem has no hint: %+v", p)
			}
			if left := g.only(); left != id {
				t.Error("it left a record behind")
			}
		})
	}
}

func TestBadList(t *testing.T) {
	g := newGateway(t, setup{})
	id := g.submit("people", onePerson)
	for query, status := range map[string]int{
		"/v1/records?limit=0": 400, "/v1/records?limit=501": 400, "/v1/records?limit=x": 400, "/v1/records?state=happy": 400,
		"/v1/records?cursor=x": 400, "/v1/records?cursor=" + id.String(): 400, "/v1/records?cursor=%00": 400, "/v1/records?key=a": 400,
		"/v1/records?target=people&key=a": 400, "/v1/records?target=nowhere": 404, "/v1/records?page=2": 400,
		"/v1/records/" + id.String() + "?attempts=maybe": 400, "/v1/records/" + strings.ToUpper(id.String()): 404,
		"/v1/events?target=nowhere": 404, "/v1/events?since=1": 400, "/v1/targets?all=1": 400,
	} {
		if got := g.do("GET", query, ""); got.status != status {
			t.Errorf("%s is answered %d, want %d: %s", query, got.status, status, got.body)
		}
	}
	if got := g.do("GET", "/v1/events", "", "Last-Event-ID: x"); got.status != 400 {
		t.Errorf("an odd Last-Event-ID is answered %d", got.status)
	}
	if got := g.do("DELETE", "/v1/records/"+id.String(), ""); got.status != 405 || got.header.Get("Allow") != "GET" {
		t.Errorf("DELETE of a record is answered %d, Allow %q", got.status, got.header.Get("Allow"))
	}
}

// What the ledger says, the caller hears in HTTP's words; what went wrong inside stays inside.
func TestLedgerFails(t *testing.T) {
	tests := map[ledger.Kind]struct {
		status int
		retry  bool
	}{
		ledger.Invalid: {400, false}, ledger.NotFound: {404, false}, ledger.Conflict: {409, false}, ledger.Busy: {503, true},
		ledger.Full: {503, true}, ledger.Unavailable: {503, true}, ledger.Foreign: {503, true}, ledger.Internal: {500, false},
		"": {500, false},
	}
	for kind, tt := range tests {
		t.Run(string(kind), func(t *testing.T) {
			g := newGateway(t, setup{})
			err := fmt.Errorf("disk sda1 of host db7")
			if kind != "" {
				err = &ledger.Error{Kind: kind, Op: "accept", Message: "what happened", Hint: "what to do", Err: err}
			}
			g.store.(*fake).fail(err)
			for _, send := range []func() reply{
				func() reply { return g.do("POST", "/v1/targets/people/records", onePerson) },
				func() reply { return g.do("POST", "/v1/targets/people/records", "["+onePerson+"]") },
				func() reply { return g.do("GET", "/v1/targets", "") },
			} {
				if tt.status == 409 || tt.status == 400 || tt.status == 404 {
					continue // these speak of a record; no ledger says them of a call that is right
				}
				got := send()
				if got.status != tt.status || (got.header.Get("Retry-After") != "") != tt.retry {
					t.Errorf("it is answered %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
				}
				if strings.Contains(got.body, "db7") || strings.Contains(got.body, "what happened") {
					t.Errorf("it tells what is inside: %s", got.body)
				}
			}
			lines := g.do("POST", "/v1/targets/people/records", onePerson+"\n"+onePerson, "Content-Type: application/x-ndjson")
			if n := strings.Count(lines.body, fmt.Sprintf(`"status":%d`, tt.status)); lines.status != 200 || n != 2 {
				t.Errorf("lines are answered %d %s", lines.status, lines.body)
			}
		})
	}
}
