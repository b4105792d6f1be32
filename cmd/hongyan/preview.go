package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/edition"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/lint"
	"hongyan/internal/list"
	"hongyan/internal/preview"
	"hongyan/internal/proof"
	"hongyan/internal/run"
)

type previewOptions struct {
	dir    string
	rows   string
	sample int
	serve  bool
	listen string
}

func newPreview(d *door) *cobra.Command {
	var o previewOptions
	cmd := &cobra.Command{
		Use:   "preview CAMPAIGN",
		Short: d.Say("write every mail to disk, with a gallery page to look through them; sends nothing"),
		Example: "  hongyan preview campaigns/welcome.yaml -o preview\n" +
			"  hongyan preview --sample 10 campaigns/welcome.yaml -o preview\n" +
			"  hongyan preview --serve campaigns/welcome.yaml",
		Args: d.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, flag := range []string{"output", "rows", "sample"} {
				if o.serve && cmd.Flags().Changed(flag) {
					return d.usagef("--serve shows every mail and writes none: leave out --%s", flag)
				}
			}
			if o.sample < 0 {
				return d.usagef("--sample: %d is no number of mails", o.sample)
			}
			if o.serve {
				return d.serveLive(cmd.Context(), args[0], o.listen)
			}
			return d.preview(cmd.Context(), args[0], o)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.dir, "output", "o", "preview", d.Say("`DIR` to write to"))
	flags.StringVar(&o.rows, "rows", "", d.Say("only these `LINES` of the list: \"3,9-14,22-\""))
	flags.IntVar(&o.sample, "sample", 0, d.Say("only `N` mails: the shortest, the longest, those with empty fields, and some between"))
	flags.BoolVar(&o.serve, "serve", false, d.Say("write nothing; show the mails in the browser, and anew whenever a file changes"))
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", d.Say("`ADDRESS` to listen on; loopback only"))
	return cmd
}

func (d *door) preview(ctx context.Context, file string, o previewOptions) error {
	e, err := d.open(ctx, file, "", fresh.ToPreview)
	if err != nil {
		return err
	}
	defer e.Close()
	d.sayAsked(e)
	d.sayOld(e)
	mailing, err := e.glance()
	if err != nil {
		return err
	}
	options := e.Campaign.ListOptions()
	if o.rows != "" {
		options.Rows = o.rows
	}
	rows, err := list.Open(e.Campaign.Recipients.File, options)
	if err != nil {
		return err
	}
	defer rows.Close()
	survey, err := rows.Survey()
	if err != nil {
		return err
	}
	d.printSurvey(survey)
	wanted, err := e.proof.Sample(rows.Once(survey), mailing.Compose, o.sample)
	if err != nil {
		return err
	}
	written, unfit, err := d.fillGallery(ctx, e, chosen(rows.Once(survey), wanted), mailing, o.dir)
	if err != nil {
		return err
	}
	if err := d.sayGallery(written, filepath.Join(o.dir, "index.html")); err != nil {
		return err
	}
	fmt.Fprintln(d.err, d.Say("Next: hongyan send --test YOUR@ADDRESS %s", d.again(e)))
	if unfit+survey.FaultCount > 0 {
		return ending(exitSome)
	}
	return nil
}

func (d *door) sayGallery(mails int, page string) error {
	if d.flags.json {
		return d.answer(galleryAnswer{mails, page})
	}
	fmt.Fprintln(d.out, d.Count("%d mail in %s", "%d mails in %s", mails, page))
	return nil
}

// chosen are the wanted lines of those rows that can become a mail, or all of
// them if wanted is nil.
func chosen(rows iter.Seq2[list.Recipient, error], wanted map[int]bool) iter.Seq2[list.Recipient, error] {
	return func(yield func(list.Recipient, error) bool) {
		for r, err := range rows {
			if err == nil && (r.Fault != nil || wanted != nil && !wanted[r.Line]) {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// fillGallery writes the mails of rows.
func (d *door) fillGallery(ctx context.Context, e *dispatch, rows iter.Seq2[list.Recipient, error], m *run.Mailing, dir string) (written, unfit int, err error) {
	gallery, err := preview.Create(dir)
	if err != nil {
		return 0, 0, d.unusable(dir, err)
	}
	gallery.Lang = d.Lang
	now := time.Now()
	print := func(r list.Recipient) (printed, error) {
		mail, err := d.previewMail(e, m, r, now)
		if err != nil {
			return printed{row: r, unfit: err}, nil
		}
		defer mail.Message.Release()
		leaf, err := gallery.Print(mail)
		return printed{row: r, leaf: leaf}, err
	}
	for p, err := range proof.InOrder(ctx, rows, print) {
		if err != nil {
			return written, unfit, err
		}
		if p.unfit != nil {
			unfit++
			if unfit <= shown {
				d.warn(d.Say("line %d, %s: would be skipped: %v", p.row.Line, p.row.Address, d.Text(proof.Reason(p.unfit))))
			}
			continue
		}
		if err := gallery.Enter(p.leaf); err != nil {
			return written, unfit, err
		}
		written++
	}
	d.warnMore(unfit)
	return written, unfit, gallery.Close()
}

// unusable tells a folder that mails cannot be written to from a breakdown.
func (d *door) unusable(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return d.usagef("%s is not a folder; nothing was written", dir)
	case errors.Is(err, preview.ErrOccupied):
		return d.usagef("%s is not empty and holds no preview made by hongyan; nothing was written", dir)
	}
	return fmt.Errorf("%s: %w", dir, err)
}

// printed is a row's mail in the gallery, or why it cannot become one.
type printed struct {
	row   list.Recipient
	leaf  *preview.Leaf
	unfit error
}

func (d *door) previewMail(e *dispatch, m *run.Mailing, r list.Recipient, now time.Time) (preview.Mail, error) {
	if r.Fault != nil {
		return preview.Mail{}, r.Fault
	}
	entry := edition.Entry(r)
	var err error
	if entry.Fields, err = m.Fields(entry); err != nil {
		return preview.Mail{}, err
	}
	content, err := e.Template.Render(entry.Fields)
	if err != nil {
		return preview.Mail{}, err
	}
	mail, err := m.ComposeWith(content, entry, now)
	if err != nil {
		return preview.Mail{}, err
	}
	out := preview.Mail{
		Line: r.Line, Address: r.Address, Subject: content.Subject, HTML: content.HTML, Text: content.Text,
		Images: run.Images(content.Images), Message: mail,
	}
	for _, f := range e.proof.LookAt(content, mail) {
		if f.Severity != lint.Info {
			out.Warnings = append(out.Warnings, f.Rule+": "+d.Text(f.What))
		}
	}
	return out, nil
}
