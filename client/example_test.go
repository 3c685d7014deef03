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
