package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/claygate/claygate/bench/load"
)

// bulkLines is how many records one bulk request brings.
const bulkLines = 100_000

// lines measures bulk intake: one request of many lines.
func lines(dir string) {
	text := bytes.Repeat([]byte(body+"\n"), bulkLines)
	var rates []float64
	for round := range *rounds {
		gateway, done := claygate(filepath.Join(dir, fmt.Sprint(round)))
		stop := profiled(round)
		rates = append(rates, sendLines(gateway, text))
		stop()
		done()
	}
	slices.Sort(rates)
	fmt.Printf("records/s in one request of %d lines, median of %d: %.0f (lowest %.0f, highest %.0f)\n",
		bulkLines, *rounds, rates[len(rates)/2], rates[0], rates[len(rates)-1])
}

// sendLines sends a body of lines and returns the records accepted a second, until the last answer was read.
func sendLines(h http.Handler, text []byte) float64 {
	addr, stop := load.Serve(h)
	defer stop()
	began := time.Now()
	req, err := http.NewRequest("POST", "http://"+addr+"/v1/targets/people/records", bytes.NewReader(text))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	answers, err := io.ReadAll(res.Body)
	if err != nil || bytes.Count(answers, []byte(`"id":"rec_`)) != bulkLines {
		log.Fatalf("%d answers (%v): %.300s", bytes.Count(answers, []byte("\n")), err, answers)
	}
	return bulkLines / time.Since(began).Seconds()
}
