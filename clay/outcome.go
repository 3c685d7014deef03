package clay

// Outcome says how far a request got on its way to Clay. It is observed on the
// connection, not guessed from the error: what may be done next depends on it,
// because Clay makes a new row for every POST it accepts (docs/clay.md).
type Outcome uint8

const (
	// NotSent: no byte of the request was written. Sending it again is free.
	NotSent Outcome = iota
	// Partial: some bytes were written, but not the whole request.
	Partial
	// Unknown: the whole request was written, or may have been, and no answer came.
	Unknown
	// Answered: Clay, or something in front of it, answered. An answer, even one
	// that came before the request was complete, counts for more than the write
	// error that follows it.
	Answered
)

var outcomeNames = [...]string{"not_sent", "partial", "unknown", "answered"}

// String returns not_sent, partial, unknown or answered.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "invalid"
}
