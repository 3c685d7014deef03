package clay_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

// emulatedAPI starts Clay's Public API on this machine. Against Clay itself only the
// key is needed.
func emulatedAPI() (*claytest.Server, *clay.Client) {
	s, err := claytest.Start(claytest.Options{Misses: -1, PublicAPI: claytest.PublicAPI{Delay: claytest.Delay{Max: -1}}})
	if err != nil {
		panic(err)
	}
	client, err := clay.New(clay.Config{PublicAPIKey: "key", PublicAPIURL: s.URL() + claytest.PublicAPIPath})
	if err != nil {
		panic(err)
	}
	return s, client
}

func ExampleRoutine_Run() {
	s, client := emulatedAPI()
	defer s.Close()
	defer client.Close()

	ctx := context.Background()
	items := []clay.Item{{ID: "lead-1", Inputs: map[string]string{"Email": "ada.lovelace@example.com"}}}
	run, err := client.Routine("function:t_people").Run(ctx, items, clay.RunOptions{})
	if err != nil {
		fmt.Println(err) // (*clay.Error).MayDuplicate says whether it may run all the same
		return
	}
	for item, err := range run.Results(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		var person clay.Person
		if err := item.Decode(&person); err != nil || item.Failed() {
			fmt.Println(item.ID, item.Message, err)
			continue
		}
		fmt.Println(item.ID, person.Name, person.Company)
	}
	// Output: lead-1 Ada Lovelace Example
}

func ExampleClient_SearchPeople() {
	s, client := emulatedAPI()
	defer s.Close()
	defer client.Close()

	ctx := context.Background()
	search, err := client.SearchPeople(ctx, clay.SearchRequest{Query: "people in Paris", Limit: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	for person, err := range search.All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(person.ClayProfileID)
	}
	fmt.Println(search.Quota().Used, "of the quota used")
	// Output:
	// 1
	// 2
	// 3
	// 3 of the quota used
}

// A completion webhook saves most of the polling: it wakes who waits for the run.
func ExampleNewCompletionHandler() {
	ended := make(chan string, 100)
	h, err := clay.NewCompletionHandler(clay.CompletionConfig{
		Secrets: []string{"whsec_0123456789abcdef"},
		Handle: func(_ context.Context, c clay.Completion) error {
			ended <- c.RunID
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	http.Handle("/clay/completions", h)
	fmt.Println("listening")
	// Output: listening
}
