package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"time"

	"github.com/claygate/claygate/client"
)

// One call in, the enriched row out.
func ExampleClient_Enrich() {
	c, err := client.New(client.Config{BaseURL: "https://gateway.example", Key: os.Getenv("CLAYGATE_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	record, err := c.Enrich(ctx, "people", map[string]any{"email": "ada@example.com"}, client.Options{
		Metadata: map[string]int{"lead": 7},
	})
	if failed, ok := errors.AsType[*client.Failed](err); ok {
		log.Fatal("Clay has nothing: ", failed.Record.Error.Reason)
	} else if err != nil {
		log.Fatal(err) // the record goes on: c.Record(ctx, record.ID, …) asks for it later
	}
	var person struct{ Title, Company string }
	if err := record.Decode(&person); err != nil {
		log.Fatal(err)
	}
	fmt.Println(person.Title, "at", person.Company)
}

// Many records at once; the results come as events.
func ExampleClient_SubmitAll() {
	c, err := client.New(client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	leads := []client.Submission{
		{Fields: map[string]any{"email": "ada@example.com"}},
		{Fields: map[string]any{"email": "alan@example.com"}},
	}
	for accepted, err := range c.SubmitAll(context.Background(), "people", slices.Values(leads)) {
		switch {
		case err != nil:
			log.Fatal(err)
		case accepted.Err != nil:
			fmt.Println("lead", accepted.N, "was refused:", accepted.Err)
		default:
			fmt.Println("lead", accepted.N, "is", accepted.ID)
		}
	}
}

// The rows of a file: handed in again after whatever happened, they go on where they were.
func ExampleClient_LoadRows() {
	c, err := client.New(client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	load, err := c.OpenLoad(ctx, "people", client.NewLoad{Name: "leads of November"})
	if err != nil {
		log.Fatal(err)
	}
	rows := func(yield func(any, error) bool) {
		for _, email := range []string{"ada@example.com", "alan@example.com"} {
			if !yield(map[string]string{"email": email}, nil) {
				return
			}
		}
	}
	var ids []string
	for row, err := range c.LoadRows(ctx, load.ID, rows, client.RowOptions{DedupeBy: []string{"email"}}) {
		if err != nil {
			log.Fatal(err) // handing all of them in again is safe
		}
		if row.Err != nil {
			fmt.Println("row", row.N, "was refused:", row.Err)
			continue
		}
		ids = append(ids, row.ID)
	}
	for load.Open() > 0 && load.Paused == nil {
		time.Sleep(10 * time.Second)
		if load, err = c.Load(ctx, load.ID); err != nil {
			log.Fatal(err)
		}
	}
	for some := range slices.Chunk(ids, client.MaxRead) {
		records, err := c.ReadRecords(ctx, some)
		if err != nil {
			log.Fatal(err)
		}
		for _, record := range records {
			fmt.Println(record.ID, record.Outcome, string(record.Result))
		}
	}
}

// Records that failed are sent again once the cause is mended. Each may cost again.
func ExampleClient_Replay() {
	c, err := client.New(client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for record, err := range c.Records(ctx, client.Query{Target: "people", States: []client.State{client.Dead}}) {
		if err != nil {
			log.Fatal(err)
		}
		if _, err := c.Replay(ctx, record.ID); err != nil {
			fmt.Println(record.ID, "was not sent again:", err)
		}
	}
}

// Events go on where they stopped, also in another process.
func ExampleClient_Events() {
	c, err := client.New(client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	last := "" // kept from the run before
	for event, err := range c.Events(context.Background(), client.Follow{Target: "people", After: last}) {
		if err != nil {
			log.Fatal(err)
		}
		if event.Kind == "record.done" {
			fmt.Println(event.Record.ID, string(event.Record.Result))
		}
		last = event.ID
	}
}

// What went wrong, for somebody to look at.
func ExampleClient_Records() {
	c, err := client.New(client.Config{BaseURL: "unix:/var/lib/claygate/ledger.db.sock"})
	if err != nil {
		log.Fatal(err)
	}
	query := client.Query{Target: "people", States: []client.State{client.Dead, client.Expired, client.Uncertain}}
	for record, err := range c.Records(context.Background(), query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.ID, record.State, record.Error)
	}
}
