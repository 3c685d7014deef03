package ledger

// RunEvent is something that happens to a run. The concrete types are [RunAnswer], [RunProgress], [RunItems],
// [RunEnded], [RunFailed], [RunGone], [RunTrouble], [RunTick] and [RunAdopted].
type RunEvent interface{ runEvent() }

// RunAnswer is how a run's start ended. The answer is that of the attempt of each of its records.
type RunAnswer struct {
	Answer Answer
	Clay   string // Clay's name for the run, where the answer is accepted
}

// RunProgress says that Clay was asked and the run goes on.
type RunProgress struct{ Jitter float64 }

// RunItems are results of a run that has ended: a page of them, or a stretch of a file.
type RunItems struct {
	Items  []RunItem
	From   int    // of a followed run: how many items came before these
	Cursor string // asks for the next page; "" for the last one, or while a file is read
	Last   bool   // nothing follows: a record of the run that has no result now never gets one
}

// RunEnded says that Clay told of the run's end: it is worth asking now.
type RunEnded struct{}

// RunFailed says that the run ended without results.
type RunFailed struct {
	Reason string
	// Items are the records that Clay blames.
	Items []RunItem
	// Answer is what Clay says of it, one JSON object, to be kept of a followed run; nil for nothing.
	Answer []byte
	// Unworked says that Clay surely did not begin to work: the records that it does not blame may be sent again.
	Unworked bool
}

// RunGone says that Clay does not know the run, or no longer.
type RunGone struct{}

// RunTrouble says that a question about the run failed. It says nothing about the run.
type RunTrouble struct {
	Answer Answer
	// Restart says that Clay refused the cursor: the pages are read from the first one again.
	Restart bool
}

// RunTick says that the run's due time has come.
type RunTick struct {
	// Orphaned says that the process which was starting it is known to be gone.
	Orphaned bool
}

// RunAdopted says that a start whose fate nobody knew made the run that Clay knows under that name.
type RunAdopted struct{ Clay string }

func (RunAnswer) runEvent()   {}
func (RunProgress) runEvent() {}
func (RunItems) runEvent()    {}
func (RunEnded) runEvent()    {}
func (RunFailed) runEvent()   {}
func (RunGone) runEvent()     {}
func (RunTrouble) runEvent()  {}
func (RunTick) runEvent()     {}
func (RunAdopted) runEvent()  {}
