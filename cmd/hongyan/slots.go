package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/office"
	"hongyan/internal/schedule"
)

// This file is what the service does when a slot is due.

// slots begins issues when they are due.
func (s *service) slots(ctx context.Context) error {
	runner := schedule.Runner{
		Shelf: s.store, Campaigns: s.planned, Changed: s.news,
		Start: s.startSlot, Tell: s.tellSlot,
	}
	for {
		err := runner.Run(ctx)
		if err == nil || !s.door.shared(s.conf) {
			return err
		}
		// A database comes back, and others heed the slots meanwhile.
		s.door.log.Warn("cannot look for slots that are due", slog.Any("err", err))
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return nil
		}
	}
}

// planned are the campaigns of the folder that have a schedule.
func (s *service) planned() (out []schedule.Planned) {
	for _, f := range s.folder.Entries() {
		if f.Good != nil && f.Good.Schedule != nil {
			out = append(out, schedule.Planned{Campaign: f.Good.Name, Schedule: f.Good.Schedule})
		}
	}
	return out
}

// scheduled are their names.
func (s *service) scheduled() (out []string) {
	for _, p := range s.planned() {
		out = append(out, p.Campaign)
	}
	return out
}

// startSlot begins the issue of a slot. One that was begun already is on the
// floor, at its end, or paused; none of these is changed.
func (s *service) startSlot(ctx context.Context, campaign string, slot schedule.Slot) error {
	f, ok := s.find(campaign)
	if !ok {
		return errors.New(s.door.Say("no file of the folder is the campaign %s", campaign))
	}
	paused, err := s.office.Paused(ctx)
	if err != nil {
		return err
	}
	for key := range paused {
		if key.Campaign == campaign && key.Issue == slot.Name {
			return nil
		}
	}
	err = s.begin(ctx, f, slot.Name, false)
	switch {
	case errors.Is(err, office.ErrOnFloor):
		return nil
	case fault.In(err) != nil:
		return errors.New(s.door.because(err)) // a slot's record takes a line
	}
	return err
}

// tellSlot says to the operator's log what became of a slot.
func (s *service) tellSlot(campaign string, r schedule.Record) {
	level := slog.LevelInfo
	switch {
	case r.State == schedule.Failed || r.Tries > 0:
		level = slog.LevelError
	case r.State == schedule.Skipped && r.At.Sub(r.Due) > time.Minute: // nobody was there for it
		level = slog.LevelWarn
	}
	if r.State == schedule.Failed {
		s.lookout.herald.Tell(s.door.slotFailed(ledger.Key{Campaign: campaign, Issue: r.Slot}, errors.New(s.door.Text(r.Why))))
	}
	why := ""
	if r.Why.Format != "" {
		why = s.door.Text(r.Why)
	}
	s.door.log.Log(context.Background(), level, "slot "+string(r.State),
		slog.String("campaign", campaign), slog.String("slot", r.Slot), slog.String("why", why))
}
