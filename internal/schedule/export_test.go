package schedule

import "time"

// Glance has the runner look at the clock less often, for years to pass quickly.
func (r *Runner) Glance(d time.Duration) { r.glance = d }

// Clock gives the runner another clock on the wall than the machine's.
func (r *Runner) Clock(now func() time.Time) { r.now = now }
