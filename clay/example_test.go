package clay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

// emulated starts Clay on this machine, so that the examples run without an account.
// Against Clay itself the webhook's URL and token come from the table's webhook source.
func emulated() (url string, s *claytest.Server) {
	s, err := claytest.Start(claytest.Options{Misses: -1, Enterprise: claytest.Enterprise{Key: "clay_ent_example"}})
	if err != nil {
		panic(err)
	}
	return s.WebhookURL("leads"), s
}

func ExampleClient_Send() {
	url, s := emulated()
	defer s.Close()

	client, err := clay.New(clay.Config{WebhookURL: url})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	receipt, err := client.Send(context.Background(), map[string]string{"email": "ada@example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(receipt.Status, receipt.Tries, len(s.Rows()))
	// Output: 200 1 1
}

// What to do about an error is told by its kind.
func ExampleError() {
	url, s := emulated()
	defer s.Close()
	_ = s.SetFaults(claytest.Fault{Kind: claytest.DropAfter}) // the answer is lost

	client, err := clay.New(clay.Config{WebhookURL: url})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	_, err = client.Send(context.Background(), json.RawMessage(`{"email":"ada@example.com"}`))
	var e *clay.Error
	switch {
	case err == nil:
		fmt.Println("sent")
	case errors.Is(err, clay.KindExhausted):
		fmt.Println("the webhook is used up")
	case errors.As(err, &e) && e.MayDuplicate():
		fmt.Println(e.Kind, "after", len(e.Attempts), "try: the row may be in Clay, do not send it again blindly")
	default:
		fmt.Println(err)
	}
	// Output: unknown after 1 try: the row may be in Clay, do not send it again blindly
}

func ExampleClient_SendBatch() {
	url, s := emulated()
	defer s.Close()

	client, err := clay.New(clay.Config{WebhookURL: url})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	rows := []map[string]any{
		{"email": "ada@example.com"},
		{"email": "bob@example.com", "score": func() {}}, // cannot be encoded
		{"email": "eve@example.com"},
	}
	result, err := client.SendBatch(context.Background(), clay.Records(slices.Values(rows)), clay.BatchOptions{
		Progress: func(p clay.BatchProgress) {
			if done := p.Sent + p.Failed; done == len(rows) {
				fmt.Println("done with", done)
			}
		},
	})
	if err != nil {
		fmt.Println("stopped early:", err)
	}
	fmt.Println(result.Sent, "sent,", result.Failed, "failed")
	for _, e := range result.Errors {
		fmt.Println(e.Index, e.Err.Kind)
	}
	// Output:
	// done with 3
	// 2 sent, 1 failed
	// 1 invalid
}

func ExampleClient_EnrichPerson() {
	_, s := emulated()
	defer s.Close()

	client, err := clay.New(clay.Config{EnterpriseKey: "clay_ent_example", BaseURL: s.URL()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	person, err := client.EnrichPerson(context.Background(), "ada.lovelace@example.com")
	switch {
	case errors.Is(err, clay.KindNotFound):
		fmt.Println("Clay knows nobody")
	case errors.Is(err, clay.KindDeprecated):
		fmt.Println("Clay has retired the lookups for this key")
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(person.Name)
	}
	// Output: Ada Lovelace
}

func ExampleClient_EnrichCompany() {
	_, s := emulated()
	defer s.Close()

	client, err := clay.New(clay.Config{EnterpriseKey: "clay_ent_example", BaseURL: s.URL()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	company, err := client.EnrichCompany(context.Background(), "example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(company.Domain, company.EmployeeCount > 0, len(company.Extra))
	// Output: example.com true 0
}

// SendOnce is for programs with a queue of their own: they decide what comes next.
func ExampleClient_SendOnce() {
	url, s := emulated()
	defer s.Close()
	_ = s.SetFaults(claytest.Fault{Kind: claytest.Answer, Status: []int{429}, Count: 1})

	client, err := clay.New(clay.Config{WebhookURL: url})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for range 2 {
		_, err := client.SendOnce(context.Background(), map[string]string{"email": "ada@example.com"})
		var e *clay.Error
		switch {
		case err == nil:
			fmt.Println("in Clay")
		case errors.As(err, &e) && e.MayDuplicate():
			fmt.Println("perhaps in Clay: wait for its result")
		case e != nil && e.Kind == clay.KindThrottled:
			fmt.Println("put back into the queue for", e.RetryAfter)
		default:
			fmt.Println(err)
		}
	}
	// Output:
	// put back into the queue for 1s
	// in Clay
}

// Columns turn numbers into text and write "" for nothing; a plain decoder fails on both.
func ExampleUnmarshal() {
	var row struct {
		Name      string   `json:"name"`
		Employees int      `json:"employees"`
		Funding   *float64 `json:"funding"`
		Tags      []string `json:"tags"`
	}
	err := clay.Unmarshal([]byte(`{"Name":"Analytical Engines","employees":"1,234","funding":"","tags":"b2b"}`), &row)
	fmt.Println(row.Name, row.Employees, row.Funding, row.Tags, err)
	// Output: Analytical Engines 1234 <nil> [b2b] <nil>
}

// An observer counts what a client does, e.g. for metrics.
func ExampleObserver() {
	url, s := emulated()
	defer s.Close()
	_ = s.SetFaults(claytest.Fault{Kind: claytest.Answer, Status: []int{503}, Count: 1})

	client, err := clay.New(clay.Config{WebhookURL: url, Observer: clay.Observer{
		Attempt: func(_ context.Context, a clay.Attempt) { fmt.Println("try", a.Number, a.Status, a.MayDuplicate) },
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	receipt, err := client.Send(context.Background(), map[string]string{"email": "ada@example.com"})
	fmt.Println(receipt.Status, receipt.MayDuplicate, err)
	// Output:
	// try 1 503 true
	// try 2 200 false
	// 200 true <nil>
}

func ExampleNewTable() {
	url, s := emulated()
	defer s.Close()
	type Lead struct {
		Email string `json:"email"`
	}
	type Enriched struct {
		Email     string `json:"email"`
		Employees int    `json:"employees"`
	}

	client, err := clay.New(clay.Config{WebhookURL: url})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	table := clay.NewTable[Lead, Enriched](client)
	if _, err := table.Send(context.Background(), Lead{Email: "ada@example.com"}); err != nil {
		fmt.Println(err)
	}
	// A column sends numbers as text, and "" for what it does not know.
	e, err := table.Decode([]byte(`{"email":"ada@example.com","employees":"1,234"}`))
	fmt.Println(e.Employees, err)
	// Output: 1234 <nil>
}

// Clients of one workspace share Clay's limit, so they should share a pacer.
func ExampleNewPacer() {
	pacer := clay.NewPacer(10, 10)
	people, err1 := clay.New(clay.Config{WebhookURL: "https://api.clay.com/v3/sources/webhook/people", Pacer: pacer})
	companies, err2 := clay.New(clay.Config{WebhookURL: "https://api.clay.com/v3/sources/webhook/companies", Pacer: pacer})
	fmt.Println(people != nil, companies != nil, errors.Join(err1, err2))
	// Output: true true <nil>
}

func ExampleDefault() {
	clay.ForgetDefault() // only for this example
	_ = os.Unsetenv("CLAY_WEBHOOK_URL")
	if _, err := clay.Default(); errors.Is(err, clay.KindConfig) {
		fmt.Println("not configured")
	}
	_ = os.Setenv("CLAY_WEBHOOK_URL", "https://api.clay.com/v3/sources/webhook/leads")
	defer os.Unsetenv("CLAY_WEBHOOK_URL")
	client, err := clay.Default()
	fmt.Println(client != nil, err)
	clay.ForgetDefault()
	// Output:
	// not configured
	// true <nil>
}
