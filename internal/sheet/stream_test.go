package sheet

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
)

// generated is a file that is never whole in memory: head, then n times a row.
type generated struct {
	head    string
	row     string
	n       int
	pending string
}

func (g *generated) Read(p []byte) (int, error) {
	written := 0
	if g.head != "" {
		g.pending, g.head = g.head, ""
	}
	for written < len(p) {
		if g.pending == "" {
			if g.n == 0 {
				break
			}
			g.n--
			g.pending = g.row
		}
		n := copy(p[written:], g.pending)
		written += n
		g.pending = g.pending[n:]
	}
	if written == 0 {
		return 0, io.EOF
	}
	return written, nil
}

func csvOf(rows int) io.Reader {
	return &generated{head: "first_name,last_name,email,company,website,notes\n", row: "Ada,Lovelace,ada@acme.example,\"Acme, Inc.\",https://acme.example,\"said \"\"hi\"\"\"\n", n: rows}
}

func jsonlOf(rows int) io.Reader {
	return &generated{row: `{"first_name":"Ada","email":"ada@acme.example","company":"Acme, Inc.","size":12,"tags":["a","b"]}` + "\n", n: rows}
}

// drain reads everything and gives the number of rows; every is called now and then.
func drain(tb testing.TB, source io.Reader, every func()) int {
	reader, err := NewReader(source, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	for rows := 0; ; rows++ {
		_, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			tb.Fatal(err)
		}
		if rows%10_000 == 0 && every != nil {
			every()
		}
	}
}

// Memory must not grow with the file: the heap in use grows by less than 2 MB all the way through 5 MB files, whose rows
// would take more than 10 MB.
func TestReaderConstantMemory(t *testing.T) {
	for name, source := range map[string]io.Reader{"CSV": csvOf(60_000), "JSONL": jsonlOf(60_000)} {
		t.Run(name, func(t *testing.T) {
			heap := func() uint64 {
				runtime.GC()
				var stats runtime.MemStats
				runtime.ReadMemStats(&stats)
				return stats.HeapAlloc
			}
			before, most := heap(), uint64(0)
			rows := drain(t, source, func() { most = max(most, heap()) })
			if rows != 60_000 || most > before+2<<20 {
				t.Errorf("%d rows, heap from %d to %d bytes", rows, before, most)
			}
		})
	}
}

// An open quote makes the reader look ahead; doing so again and again must not make it slow: each look ends at the next quote.
func TestReaderManyOpenQuotes(t *testing.T) {
	const rows = 30_000
	reader, err := NewReader(&generated{head: "a,b\n", row: "1,\"2\n", n: rows}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for {
		_, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		count++
	}
	if count != rows {
		t.Errorf("%d rows or errors, want %d", count, rows)
	}
}

func BenchmarkReader(b *testing.B) {
	for name, source := range map[string]func(int) io.Reader{"CSV": csvOf, "JSONL": jsonlOf} {
		b.Run(fmt.Sprintf("%s/1M", name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				drain(b, source(1_000_000), nil)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/row")
		})
	}
}

func BenchmarkRowJSON(b *testing.B) {
	reader, err := NewReader(csvOf(1), Options{})
	if err != nil {
		b.Fatal(err)
	}
	row, err := reader.Next()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		row.JSON()
	}
}

func BenchmarkWriter(b *testing.B) {
	columns := []string{"email", "company"}
	row := NewRow(columns, []string{"ada@acme.example", "Acme, Inc."})
	writer, err := NewWriter(io.Discard, WriterOptions{InputColumns: columns, ResultColumns: []string{"location.city", "title"}})
	if err != nil {
		b.Fatal(err)
	}
	outcome := Outcome{Result: []byte(`{"title":"CTO","location":{"city":"Kraków"}}`), Status: "ok"}
	b.ReportAllocs()
	for b.Loop() {
		if err := writer.Write(row, outcome); err != nil {
			b.Fatal(err)
		}
	}
}
