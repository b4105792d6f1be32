package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/edition"
	"hongyan/internal/lint"
	"hongyan/internal/list"
	"hongyan/internal/preview"
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
		Short: d.say("write every mail to disk, with a gallery page to look through them; sends nothing"),
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
	flags.StringVarP(&o.dir, "output", "o", "preview", d.say("`DIR` to write to"))
	flags.StringVar(&o.rows, "rows", "", d.say("only these `LINES` of the list: \"3,9-14,22-\""))
	flags.IntVar(&o.sample, "sample", 0, d.say("only `N` mails: the shortest, the longest, those with empty fields, and some between"))
	flags.BoolVar(&o.serve, "serve", false, d.say("write nothing; show the mails in the browser, and anew whenever a file changes"))
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", d.say("`ADDRESS` to listen on; loopback only"))
	return cmd
}

func (d *door) preview(ctx context.Context, file string, o previewOptions) error {
	e, err := d.open(ctx, file, "", edition.ToPreview)
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
	wanted, err := e.extremes(rows.Once(survey), mailing, o.sample)
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
	fmt.Fprintln(d.err, d.say("Next: hongyan send --test YOUR@ADDRESS %s", d.again(e)))
	if unfit+survey.FaultCount > 0 {
		return ending(exitSome)
	}
	return nil
}

func (d *door) sayGallery(mails int, page string) error {
	if d.flags.json {
		return d.answer(galleryAnswer{mails, page})
	}
	fmt.Fprintln(d.out, d.count("%d mail in %s", "%d mails in %s", mails, page))
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
	gallery.Lang = d.lang
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
	for p, err := range inOrder(ctx, rows, print) {
		if err != nil {
			return written, unfit, err
		}
		if p.unfit != nil {
			unfit++
			if unfit <= shown {
				d.warn(d.say("line %d, %s: would be skipped: %v", p.row.Line, p.row.Address, d.text(reason(p.unfit))))
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

// inOrder does a work for each item, on all cores, and yields what came of it
// in the order of the items. The first error ends it.
func inOrder[A, B any](ctx context.Context, items iter.Seq2[A, error], work func(A) (B, error)) iter.Seq2[B, error] {
	type result struct {
		value B
		err   error
	}
	type job struct {
		item A
		err  error
		done chan result
	}
	return func(yield func(B, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var workers sync.WaitGroup
		defer workers.Wait()
		defer cancel()
		cores := runtime.GOMAXPROCS(0)
		jobs, queue := make(chan job), make(chan job, 8*cores) // the queue bounds what is ahead of the yield
		for range cores {
			workers.Go(func() {
				for j := range jobs {
					value, err := work(j.item)
					j.done <- result{value, err}
				}
			})
		}
		workers.Go(func() {
			defer close(queue)
			defer close(jobs)
			for item, err := range items {
				j := job{item, err, make(chan result, 1)}
				select {
				case queue <- j:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
				jobs <- j
			}
		})
		for j := range queue {
			r := result{err: cmp.Or(j.err, context.Cause(ctx))}
			if r.err == nil {
				r = <-j.done
			}
			if !yield(r.value, r.err) || r.err != nil {
				return
			}
		}
		if ctx.Err() != nil {
			var none B
			yield(none, context.Cause(ctx))
		}
	}
}

func (d *door) previewMail(e *dispatch, m *run.Mailing, r list.Recipient, now time.Time) (preview.Mail, error) {
	if r.Fault != nil {
		return preview.Mail{}, r.Fault
	}
	entry := entryOf(r)
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
	for _, f := range e.lintContent(content, mail) {
		if f.Severity != lint.Info {
			out.Warnings = append(out.Warnings, f.Rule+": "+d.text(f.What))
		}
	}
	return out, nil
}

// extremes picks the lines of a sample: the smallest and the largest mail, the
// rows with the most empty fields, one row of each subject length, then the
// first ones. It returns nil when everything is wanted.
func (e *dispatch) extremes(rows iter.Seq2[list.Recipient, error], m *run.Mailing, n int) (map[int]bool, error) {
	if n <= 0 {
		return nil, nil
	}
	type measured struct{ line, size, empty, subject int }
	var all []measured
	now := time.Now()
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		if r.Fault != nil {
			continue
		}
		mail, err := m.Compose(entryOf(r), now)
		if err != nil {
			continue
		}
		one := measured{line: r.Line, size: int(mail.Size()), subject: len(mail.Subject)}
		for _, column := range e.List.Columns() {
			if r.Fields[column] == "" {
				one.empty++
			}
		}
		all = append(all, one)
	}
	wanted := map[int]bool{}
	take := func(measure func(measured) int) {
		if len(all) > 0 && len(wanted) < n {
			wanted[slices.MaxFunc(all, func(a, b measured) int { return measure(a) - measure(b) }).line] = true
		}
	}
	take(func(m measured) int { return m.size })
	take(func(m measured) int { return -m.size })
	take(func(m measured) int { return m.empty })
	take(func(m measured) int { return m.subject })
	take(func(m measured) int { return -m.subject })
	for i := 0; len(wanted) < min(n, len(all)); i++ {
		wanted[all[i*len(all)/n%len(all)].line] = true
		if i >= n {
			wanted[all[i%len(all)].line] = true
		}
	}
	return wanted, nil
}
