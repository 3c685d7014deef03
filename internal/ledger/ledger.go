// Package ledger is the domain: what a record is, which states it goes through, what each event does to it, how fast
// it may leave, and what a store must do to keep all of that on disk.
//
// The rules live in three pure functions. [Decide] knows every transition and nothing else does; [Admit] says whether
// a submission is new work or shares work that is done or under way; [Lane.Take] says how many records may leave now.
// None of them reads a clock or a disk: the stores lock the rows, call them and write back what they return, in one
// transaction. A store that does so needs no state logic of its own, and passes the suite in ledgertest.
//
//	intake ──▶ Intake.Accept        Lanes.Claim ──▶ dispatch ──▶ Clay
//	                                Events.Apply ◀── dispatch (answers), collect (results)
//	                                Events.Due ──▶ Events.Apply (deadlines)
//
// The package uses the standard library only.
package ledger
