package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/ledger"
	"hongyan/internal/list"
	"hongyan/internal/report"
	"hongyan/internal/web"
)

// everyList is how people name all lists at once.
const everyList = web.EveryList

type suppressOptions struct{ list, reason, text string }

func newSuppress(d *door) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suppress",
		Short: d.Say("say who gets no mail, of one list or of all"),
		Long: d.Say("Whoever is suppressed gets no mail: it is looked up right before each mail, also in a run that is under way.\n" +
			"Recipients suppress themselves when they unsubscribe, and mailboxes that do not exist after the first try.\n" +
			"A campaign's list is its name, unless it says list:. These commands work beside a run."),
		Args: d.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var o suppressOptions
	verb := func(c *cobra.Command, run func(ctx context.Context, args []string) error) *cobra.Command {
		c.RunE = func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), args) }
		cmd.AddCommand(c)
		return c
	}
	add := verb(&cobra.Command{
		Use: "add ADDRESS...", Short: d.Say("suppress addresses"), Args: d.atLeast(1),
		Example: "  hongyan suppress add li@example.com --reason \"asked by phone\"\n  hongyan suppress add --list newsletter li@example.com wang@example.com",
	}, func(ctx context.Context, args []string) error { return d.suppressAdd(ctx, args, o) })
	remove := verb(&cobra.Command{
		Use: "remove ADDRESS...", Short: d.Say("take suppressions back, of exactly that list"), Args: d.atLeast(1),
		Example: "  hongyan suppress remove --list newsletter li@example.com",
	}, func(ctx context.Context, args []string) error { return d.suppressRemove(ctx, args, o) })
	show := verb(&cobra.Command{
		Use: "list", Short: d.Say("list who is suppressed, since when and why"), Args: d.exactly(0),
		Example: "  hongyan suppress list\n  hongyan suppress list --list newsletter --text example.com",
	}, func(ctx context.Context, _ []string) error { return d.suppressList(ctx, o) })
	take := verb(&cobra.Command{
		Use: "import FILE", Short: d.Say("suppress the addresses of a CSV or XLSX file"), Args: d.exactly(1),
		Long: d.Say("The file is read like a list of recipients. Columns list, reason, source and at count if there are any,\n" +
			"so that what was exported can be imported elsewhere."),
		Example: "  hongyan suppress import do-not-mail.csv\n  hongyan suppress import --list newsletter --reason \"from the old system\" gone.xlsx",
	}, func(ctx context.Context, args []string) error { return d.suppressImport(ctx, args[0], o) })
	export := verb(&cobra.Command{
		Use: "export", Short: d.Say("write the suppressions as CSV to stdout"), Args: d.exactly(0),
		Example: "  hongyan suppress export > suppressions.csv",
	}, func(ctx context.Context, _ []string) error { return d.suppressExport(ctx, o) })
	for _, c := range []*cobra.Command{add, remove} {
		c.Flags().StringVar(&o.list, "list", everyList, d.Say("the `LIST`, or all"))
	}
	for _, c := range []*cobra.Command{show, take, export} {
		c.Flags().StringVar(&o.list, "list", "", d.Say("the `LIST`, or all for those of all lists (default: whichever)"))
	}
	for _, c := range []*cobra.Command{add, take} {
		c.Flags().StringVar(&o.reason, "reason", "", d.Say("why, in `WORDS`"))
	}
	show.Flags().StringVar(&o.text, "text", "", d.Say("only addresses and reasons that contain `TEXT`"))
	return cmd
}

// listNamed is a list as the ledger has it.
func listNamed(name string) string {
	if name == everyList {
		return ""
	}
	return name
}

func listShown(name string) string {
	if name == "" {
		return everyList
	}
	return name
}

// asClerk does something in the ledger beside whoever has it, and notes it in
// the log of acts.
func (d *door) asClerk(ctx context.Context, do func(clerk) (ledger.Act, error)) error {
	conf, err := d.config()
	if err != nil {
		return err
	}
	c, err := d.openClerk(ctx, conf)
	if err != nil {
		return err
	}
	act, err := do(c)
	if err == nil && act.What != "" {
		act.At, act.By = time.Now(), whoami()
		err = c.Note(context.WithoutCancel(ctx), act)
	}
	return errors.Join(err, c.Close())
}

func (d *door) suppressAdd(ctx context.Context, args []string, o suppressOptions) error {
	all, err := suppressionsOf(args, ledger.Suppression{
		List: listNamed(o.list), Source: ledger.Manual, Reason: o.reason, By: whoami(), At: time.Now(),
	})
	if err != nil {
		return err
	}
	return d.asClerk(ctx, func(c clerk) (ledger.Act, error) {
		added, err := c.Suppress(ctx, all...)
		if err != nil {
			return ledger.Act{}, err
		}
		return ledger.Act{What: "suppress", About: strings.Join(args, " "), Note: note(o)}, d.sayAdded(added, len(all))
	})
}

// suppressionsOf makes the same suppression of many addresses.
func suppressionsOf(args []string, like ledger.Suppression) (out []ledger.Suppression, err error) {
	for _, arg := range args {
		address, _, _, f := list.ParseAddress(arg)
		if f != nil {
			return nil, f
		}
		like.Address = address
		out = append(out, like)
	}
	return out, nil
}

// note is what the log of acts keeps of the flags.
func note(o suppressOptions) string {
	out := "--list " + listShown(listNamed(o.list))
	if o.reason != "" {
		out += ": " + o.reason
	}
	return out
}

func (d *door) sayAdded(added, of int) error {
	if d.flags.json {
		return d.answer(addedAnswer{added, of - added})
	}
	_, err := fmt.Fprintln(d.out, d.Count("%[2]d suppressed; %[1]d was already", "%[2]d suppressed; %[1]d were already", of-added, added))
	return err
}

func (d *door) suppressRemove(ctx context.Context, args []string, o suppressOptions) error {
	all, err := suppressionsOf(args, ledger.Suppression{List: listNamed(o.list)})
	if err != nil {
		return err
	}
	return d.asClerk(ctx, func(c clerk) (ledger.Act, error) {
		removed := 0
		for _, s := range all {
			was, err := c.Unsuppress(ctx, s.List, s.Address)
			if err != nil {
				return ledger.Act{}, err
			}
			if was {
				removed++
			}
		}
		return ledger.Act{What: "unsuppress", About: strings.Join(args, " "), Note: note(o)}, d.sayRemoved(removed, len(all))
	})
}

func (d *door) sayRemoved(removed, of int) error {
	if d.flags.json {
		return d.answer(removedAnswer{removed, of - removed})
	}
	_, err := fmt.Fprintln(d.out, d.Count("%[2]d taken back; %[1]d was not suppressed there", "%[2]d taken back; %[1]d were not suppressed there", of-removed, removed))
	return err
}

// suppressions streams what the flags ask for; a ledger that is not there yet
// suppresses nobody.
func (d *door) suppressions(ctx context.Context, o suppressOptions) iter.Seq2[ledger.Suppression, error] {
	return func(yield func(ledger.Suppression, error) bool) {
		conf, err := d.config()
		if err != nil {
			yield(ledger.Suppression{}, err)
			return
		}
		reader, err := d.openReader(ctx, conf)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(ledger.Suppression{}, err)
			return
		}
		defer reader.Close() //nolint:errcheck // only read from
		f := ledger.SuppressionFilter{Text: o.text}
		if o.list != "" {
			name := listNamed(o.list)
			f.List = &name
		}
		reader.Suppressions(ctx, f)(yield)
	}
}

func (d *door) suppressList(ctx context.Context, o suppressOptions) error {
	rows := []suppressionAnswer{}
	for s, err := range d.suppressions(ctx, o) {
		if err != nil {
			return err
		}
		if d.flags.json {
			rows = append(rows, suppressedOf(s))
			continue
		}
		line := fmt.Sprintf("%s  %s  %s  %s  %s", s.Address, listShown(s.List), d.source(s.Source), stamp(s.At), s.By)
		if s.Reason != "" {
			line += "  " + s.Reason
		}
		fmt.Fprintln(d.out, report.Printable(line))
	}
	if d.flags.json {
		return d.answer(rows)
	}
	return nil
}

// source is how a suppression came about, in the reader's language.
func (d *door) source(s ledger.Source) string {
	switch s {
	case ledger.Unsubscribe:
		return d.Say("unsubscribe")
	case ledger.Bounce:
		return d.Say("bounce")
	case ledger.Manual:
		return d.Say("manual")
	case ledger.Import:
		return d.Say("import")
	}
	return string(s)
}

func (d *door) suppressExport(ctx context.Context, o suppressOptions) error {
	out := []byte("\uFEFF") // makes Excel read it as UTF-8
	out = report.AppendRow(out, []string{"email", "list", "source", "reason", "by", "at"})
	for s, err := range d.suppressions(ctx, o) {
		if err != nil {
			return err
		}
		out = report.AppendRow(out, []string{
			s.Address, listShown(s.List), string(s.Source), report.Printable(s.Reason), s.By, s.At.Format(time.RFC3339),
		})
		if len(out) < 64<<10 {
			continue
		}
		if _, err := d.out.Write(out); err != nil {
			return err
		}
		out = out[:0]
	}
	_, err := d.out.Write(out)
	return err
}

// suppressImport reads the file like any list. A row without an address is told
// and does not stop the others; no row is lost in silence.
func (d *door) suppressImport(ctx context.Context, file string, o suppressOptions) error {
	all, faulty, err := d.readSuppressions(file, o)
	if err != nil {
		return err
	}
	err = d.asClerk(ctx, func(c clerk) (ledger.Act, error) {
		added, err := c.Suppress(ctx, all...)
		if err != nil {
			return ledger.Act{}, err
		}
		return ledger.Act{What: "import", About: file, Note: fmt.Sprintf("%d of %d", added, len(all))}, d.sayAdded(added, len(all))
	})
	if err == nil && faulty > 0 {
		return ending(exitSome)
	}
	return err
}

func (d *door) readSuppressions(file string, o suppressOptions) (all []ledger.Suppression, faulty int, err error) {
	rows, err := list.Open(file, list.Options{})
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() //nolint:errcheck // only read from
	now := time.Now()
	for r, err := range rows.Recipients() {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, faulty, err
		}
		if r.Fault != nil {
			faulty++
			fmt.Fprintln(d.err, d.Say("line %d: %s", r.Line, d.Text(r.Fault.What)))
			continue
		}
		all = append(all, suppressionOf(r, o, now))
	}
	return all, faulty, nil
}

// suppressionOf makes a suppression of a row; the flags come before its columns.
func suppressionOf(r list.Recipient, o suppressOptions, now time.Time) ledger.Suppression {
	s := web.Described(ledger.Suppression{Source: ledger.Import, By: whoami(), At: now}, r)
	if o.list != "" {
		s.List = listNamed(o.list)
	}
	s.Reason = cmp.Or(strings.TrimSpace(o.reason), s.Reason)
	return s
}
