package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/campaign"
	"hongyan/internal/campaign/watch"
	"hongyan/internal/config"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/lint"
	"hongyan/internal/schedule"
)

type scheduleOptions struct {
	folder string
	n      int
}

func newSchedule(d *door) *cobra.Command {
	var o scheduleOptions
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: d.Say("list when the next issues of every campaign are due, and what became of the last"),
		Example: "  hongyan schedule\n" +
			"  hongyan schedule -n 10 --json\n" +
			"  hongyan schedule run campaigns/weekly.yaml",
		Args: d.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return d.schedule(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.folder, "campaigns", "", d.Say("`FOLDER` of campaign files (default: campaigns, beside the configuration)"))
	cmd.Flags().IntVarP(&o.n, "number", "n", 3, d.Say("how many slots ahead and back, `N`"))
	cmd.AddCommand(newScheduleRun(d))
	return cmd
}

func newScheduleRun(d *door) *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use:   "run CAMPAIGN",
		Short: d.Say("begin an issue now instead of waiting for its slot; it is named by the present minute"),
		Example: "  hongyan schedule run campaigns/weekly.yaml\n" +
			"  hongyan schedule run --yes --no-wait campaigns/weekly.yaml",
		Args: d.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return d.scheduleRun(cmd.Context(), args[0], o) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.yes, "yes", false, d.Say("send without asking"))
	flags.IntVar(&o.confirm, "confirm", -1, d.Say("send without asking if the plan has exactly `COUNT` recipients"))
	flags.Lookup("confirm").DefValue = "0" // cobra leaves zeros out of the help
	flags.BoolVar(&o.noWait, "no-wait", false, d.Say("do not wait through long holds and limits: end with exit code 4 and say when to come back"))
	return cmd
}

// A timetable is what is known of one campaign's slots.
type timetable struct {
	Campaign string            `json:"campaign,omitempty"`
	File     string            `json:"file"`
	Schedule string            `json:"schedule,omitempty"` // "": issues are begun by hand
	Missed   schedule.Missed   `json:"missed,omitempty"`
	Next     []slotAhead       `json:"next,omitempty"`
	Last     []schedule.Record `json:"last,omitempty"` // the latest first
	Faults   []string          `json:"faults,omitempty"`

	faults fault.Faults
	zone   *time.Location
}

type slotAhead struct {
	Slot string    `json:"slot"`
	At   time.Time `json:"at"`
}

func (d *door) schedule(ctx context.Context, o scheduleOptions) error {
	conf, err := d.config()
	if err != nil {
		return err
	}
	tables, err := d.timetables(ctx, conf, o)
	if err != nil {
		return err
	}
	if d.flags.json {
		err = json.NewEncoder(d.out).Encode(tables)
	} else {
		d.printTimetables(campaignFolder(conf, o.folder), tables)
	}
	if err == nil && slices.ContainsFunc(tables, func(t timetable) bool { return len(t.Faults) > 0 }) {
		err = ending(exitFault)
	}
	return err
}

// campaignFolder is where campaigns lie unless told otherwise.
func campaignFolder(conf *config.Config, told string) string {
	if told != "" {
		return told
	}
	return shorten(cmp.Or(conf.Serve.Campaigns, filepath.Join(conf.Dir, "campaigns")))
}

func (d *door) timetables(ctx context.Context, conf *config.Config, o scheduleOptions) ([]timetable, error) {
	shelf, done, err := d.shelf(ctx, conf)
	if err != nil {
		return nil, err
	}
	defer done()
	folder := watch.New(campaignFolder(conf, o.folder))
	folder.Look()
	out := []timetable{}
	for _, entry := range folder.Entries() {
		t := timetable{File: entry.File, faults: entry.Faults}
		for _, f := range entry.Faults.Sorted() {
			t.Faults = append(t.Faults, f.Error())
		}
		if camp := entry.Good; camp != nil {
			if err := t.read(ctx, shelf, camp, o.n); err != nil {
				return nil, err
			}
		}
		out = append(out, t)
	}
	return out, nil
}

func (t *timetable) read(ctx context.Context, shelf ledger.Papers, camp *campaign.Campaign, n int) error {
	t.Campaign = camp.Name
	if camp.Schedule == nil {
		return nil
	}
	t.Schedule, t.Missed, t.zone = camp.Schedule.String(), camp.Schedule.Missed(), camp.Schedule.Zone()
	for _, slot := range camp.Schedule.Next(time.Now(), n) {
		t.Next = append(t.Next, slotAhead{slot.Name, slot.At})
	}
	if shelf == nil {
		return nil
	}
	for record, err := range schedule.Records(ctx, shelf, camp.Name) {
		if err != nil {
			return err
		}
		t.Last = append(t.Last, record)
	}
	slices.Reverse(t.Last)
	t.Last = t.Last[:min(n, len(t.Last))]
	return nil
}

func (d *door) printTimetables(folder string, tables []timetable) {
	if len(tables) == 0 {
		fmt.Fprintln(d.err, d.Say("There is no campaign in %s", folder))
	}
	for _, t := range tables {
		switch {
		case t.Campaign == "":
		case t.Schedule == "":
			fmt.Fprintln(d.out, d.Say("%s (%s): no schedule", t.Campaign, t.File))
		default:
			fmt.Fprintln(d.out, d.Say("%s (%s): %s", t.Campaign, t.File, t.Schedule))
			d.printSlots(t)
		}
		d.printFaults(t.faults)
	}
}

func (d *door) printSlots(t timetable) {
	if len(t.Next) == 0 {
		fmt.Fprintln(d.out, "  "+d.Say("no slot is left"))
	}
	for _, slot := range t.Next {
		fmt.Fprintln(d.out, "  "+d.Say("due %s, in %s", slot.Slot, d.Span(time.Until(slot.At))))
	}
	for _, r := range t.Last {
		line := d.Say("slot %s: %s %s", r.Slot, d.Word(string(r.State)), r.At.In(t.zone).Format("2006-01-02 15:04:05"))
		if r.Why.Format != "" {
			line += ", " + d.Text(r.Why)
		}
		fmt.Fprintln(d.out, "  "+line)
	}
}

// scheduleOver finds a schedule that has no slot left though no issue came of it.
func (d *door) scheduleOver(ctx context.Context, e *dispatch) ([]lint.Finding, error) {
	plan := e.Campaign.Schedule
	if plan == nil || len(plan.Next(time.Now(), 1)) > 0 {
		return nil, nil
	}
	shelf, done, err := d.shelf(ctx, e.conf)
	if err != nil {
		return nil, err
	}
	defer done()
	if shelf != nil {
		for r, err := range schedule.Records(ctx, shelf, e.Campaign.Name) {
			if err != nil || r.State == schedule.Fired {
				return nil, err
			}
		}
	}
	f := lint.Found("schedule-over", fault.Textf("the schedule has no slot left: %s", plan.String()),
		fault.Textf("nothing will be sent by itself; hongyan schedule run begins an issue by hand"))
	f.File, f.Line = e.Campaign.File, e.Campaign.Lines["schedule"]
	return e.proof.Options.Heed([]lint.Finding{f}), nil
}

// scheduleRun begins an issue of the present minute, the same way as send.
func (d *door) scheduleRun(ctx context.Context, file string, o sendOptions) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return fault.Faults{fault.At(file, 0, "the campaign cannot be read: %s", plain(err))}
	}
	camp, _ := campaign.Parse(file, src) // its faults are told when it is opened
	if camp != nil && camp.Schedule == nil && camp.Lines["schedule"] == 0 {
		return d.usagef("%s has no schedule; send it with: hongyan send %s", file, file)
	}
	if camp != nil && camp.Schedule != nil {
		o.slot = camp.Schedule.Minute(time.Now())
		o.issue = o.slot.Name
	}
	return d.send(ctx, file, o)
}

// take writes down that the issue is begun for a slot, if it is, so that nobody
// begins it again.
func (d *door) take(ctx context.Context, e *dispatch, h *house, slot schedule.Slot) error {
	if slot.Name == "" {
		return nil
	}
	free, err := schedule.Fire(ctx, h.store, e.Key.Campaign, slot, fault.Textf("begun by hand"))
	if err == nil && !free {
		return d.usagef("%s was begun already; go on with: hongyan send --issue %s %s", e.Key.String(), e.Key.Issue, e.Campaign.File)
	}
	return err
}
