package collect

import (
	"encoding/json"

	"github.com/claygate/claygate/clay"
)

// failure is the answer that told of the end of a bulk run without results, in the fields that Clay documents; nil when it
// ended in another way.
func failure(e *clay.RunError) []byte {
	type cause struct {
		Message string           `json:"message"`
		Invalid *int             `json:"total_invalid_rows,omitempty"`
		Details []clay.LineError `json:"details,omitzero"`
	}
	answer := struct {
		Run    string `json:"routine_run_id"`
		Status string `json:"status"`
		Error  cause  `json:"error"`
	}{e.RunID, e.Status, cause{Message: e.Message}}
	switch e.Status {
	case clay.RunValidationFailed:
		answer.Error.Invalid, answer.Error.Details = &e.InvalidLines, append([]clay.LineError{}, e.Lines...)
	case clay.RunProcessingFailed:
	default:
		return nil
	}
	text, err := json.Marshal(answer)
	if err != nil { // texts and numbers always encode
		return nil
	}
	return text
}
