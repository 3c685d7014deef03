// Package cli is the command line: it reads arguments, starts the app, and shows people what happens.
package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Streams is the world as a command sees it.
type Streams struct {
	In        io.Reader
	Out, Err  io.Writer
	Getenv    func(string) string
	Interrupt <-chan os.Signal // Ctrl-C and SIGTERM
	Reload    <-chan os.Signal // SIGHUP; nil for none
	Terminal  bool             // Err is one
	Keyboard  bool             // In is one: there is somebody to ask
}

// OS returns the streams of this process.
func OS() Streams {
	interrupt := make(chan os.Signal, 3)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP) // where there is none, as on Windows, it never comes
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Interrupt: interrupt, Reload: reload,
		Terminal: term.IsTerminal(int(os.Stderr.Fd())), Keyboard: term.IsTerminal(int(os.Stdin.Fd())),
	}
}

// terminal returns the terminal that people look at, nil when there is none.
func (s Streams) terminal() *os.File {
	file, ok := s.Err.(*os.File)
	if !s.Terminal || !ok {
		return nil
	}
	return file
}

// outTerminal reports whether people look at what commands print.
func (s Streams) outTerminal() bool {
	file, ok := s.Out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// print prints a line of the answer, whatever else drives terminals taken out.
func (s Streams) print(format string, args ...any) {
	for i, arg := range args {
		args[i] = printable(fmt.Sprint(arg))
	}
	fmt.Fprintf(s.Out, format, args...)
}

// tell prints lines for people. On a terminal, lines too long for it go on below, indented, between words.
func (s Streams) tell(text string) {
	if terminal := s.terminal(); terminal != nil {
		if width, _, err := term.GetSize(int(terminal.Fd())); err == nil {
			text = fold(text, width-1)
		}
	}
	fmt.Fprint(s.Err, text)
}

// Main runs a command line and returns its exit code.
func Main(args []string, s Streams) int {
	root := &cobra.Command{
		Use:   "claygate",
		Short: "Clay as an API: rows in, enriched rows out",
		Long: "claygate sends records to Clay at the pace Clay allows, keeps each of them on disk until its result is in,\n" +
			"and never knowingly pays twice. It is independent of Clay (clay.com).",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{message: flagProblem(err), hint: "see `" + c.CommandPath() + " --help`"}
	})
	root.AddCommand(newEnrich(s), newSend(s), newLookup(s, person), newLookup(s, company), newWhoami(s),
		newRoutines(s), newServe(s), newConfig(s), newRecords(s), newRuns(s), newTargets(s), newDestinations(s), newAudit(s), newTail(s),
		newStop(s), newStart(s), newUsage(s), newCost(s), newKeys(s), newExport(s), newErase(s), newDoctor(s), newSetup(s), newBackup(s), newRestore(s), newLedger(s), newMigrate(s), newEmulate(s), newVersion(s))
	root.SuggestionsMinimumDistance = 2
	return report(s, root.ExecuteContext(context.Background()))
}

// logger returns the log that people asked for with --verbose: everything, on stderr.
func logger(s Streams, verbose bool) *slog.Logger {
	if !verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(tint.NewTextHandler(s.Err, &tint.Options{Level: slog.LevelDebug, NoColor: !s.Terminal}))
}
