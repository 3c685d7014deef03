package clay

import (
	"encoding/json"
	"fmt"
)

// RunError is the cause of an error of KindRunFailed.
type RunError struct {
	// RunID is the run's, as in Run.ID.
	RunID string
	// Status is RunValidationFailed, RunProcessingFailed, or a status this package
	// does not know.
	Status string
	// Message is what Clay says about it; may be empty.
	Message string
	// InvalidLines is how many lines of the file are at fault.
	InvalidLines int
	// Lines holds at most the first 100 of their faults.
	Lines []LineError
}

// LineError is what is wrong with a line of a bulk run's file.
type LineError struct {
	// Line counts from 1.
	Line int `json:"line_number"`
	// Field is the input at fault; may be empty.
	Field string `json:"field"`
	// Message is what Clay says about it.
	Message string `json:"message"`
}

// Error returns one line.
func (e *RunError) Error() string {
	text := fmt.Sprintf("the run %s ended as %q", e.RunID, e.Status)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if len(e.Lines) > 0 {
		l := e.Lines[0]
		text += fmt.Sprintf(" (%d invalid lines, first line %d, %s: %s)", e.InvalidLines, l.Line, l.Field, l.Message)
	}
	return excerpt([]byte(text))
}

// runFailure is how Clay says what went wrong.
type runFailure struct {
	Message string      `json:"message"`
	Invalid int         `json:"total_invalid_rows"`
	Details []LineError `json:"details"`
}

// UnmarshalJSON also takes what is no object: how a run failed must never keep one
// from learning that it did.
func (f *runFailure) UnmarshalJSON(data []byte) error {
	type plain runFailure
	var in plain
	if json.Unmarshal(data, &in) != nil {
		in = plain{Message: excerpt(data)}
	}
	*f = runFailure(in)
	return nil
}
