package api

import (
	"encoding/json"
	"strconv"

	"github.com/claygate/claygate/internal/intake"
)

// LineAnswer is the answer to a line: the record that it became, or the problem with it.
type LineAnswer struct {
	Line    int      `json:"line"`
	ID      string   `json:"id,omitempty"`
	State   string   `json:"state,omitempty"`
	Cached  bool     `json:"cached,omitempty"`
	Differs bool     `json:"input_differs,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}

// acceptLines hands a batch in and writes its answers. When the ledger fails, that is the problem of each line.
func (s *server) acceptLines(c *call, target string, batch []line, answers *spill) error {
	items := make([]intake.Item, 0, len(batch))
	for _, l := range batch {
		if l.problem == nil {
			items = append(items, l.item)
		}
	}
	ctx, done := c.change()
	defer done()
	got, failed := s.Intake.Submit(ctx, target, items)
	text := make([]byte, 0, 80*len(batch))
	i := 0
	for _, l := range batch {
		switch {
		case l.problem != nil:
			text = appendProblem(text, l.n, l.problem)
			continue
		case failed != nil:
			text = appendProblem(text, l.n, s.problemOf(failed))
		case got[i].Err != nil:
			text = appendProblem(text, l.n, s.problemOf(got[i].Err))
		default:
			text = append(text, `{"line":`...)
			text = strconv.AppendInt(text, int64(l.n), 10)
			text = append(text, `,"id":"`...)
			text = append(text, got[i].Record.ID.String()...)
			text = append(text, `","state":"`...)
			text = append(text, got[i].Record.State...)
			text = append(text, `","cached":`...)
			text = strconv.AppendBool(text, got[i].Record.Cached)
			if got[i].Differs {
				text = append(text, `,"input_differs":true`...)
			}
			text = append(text, "}\n"...)
		}
		i++
	}
	_, err := answers.Write(text)
	return err
}

func appendProblem(text []byte, n int, p *Problem) []byte {
	answer, _ := json.Marshal(LineAnswer{Line: n, Problem: p}) // texts and numbers always encode
	return append(append(text, answer...), '\n')
}
