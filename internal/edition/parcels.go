package edition

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"hongyan/internal/campaign"
	"hongyan/internal/fault"
	"hongyan/internal/parcel"
	"hongyan/internal/run"
)

// A linked file is an attachment that lies in the storage; the mails have a link.
type linked struct {
	campaign.Attachment
	parcel parcel.Parcel
}

// name is what {{download "…"}} calls it by.
func (l linked) name() string { return path.Base(filepath.ToSlash(l.File)) }

// open opens the file below the folder that no attachment may leave.
func (l linked) open(folder string) (*os.File, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(filepath.FromSlash(l.File))
}

// unlinkable are the faults of attachments that are to go as links and cannot.
func (e *Edition) unlinkable() (faults fault.Faults) {
	longest := e.settings.Storage.Longest()
	for _, a := range e.Campaign.Linked() {
		at := func(format string, args ...any) *fault.Fault {
			f := fault.At(e.Campaign.File, a.Line, format, args...)
			faults = append(faults, f)
			return f
		}
		switch {
		case e.settings.Storage.At == "":
			at("there is no storage for what goes as a link").Hinted("set storage: in config.yaml")
		case a.Templated() || a.Name != "":
			at("a file that goes as a link is one for all, under its own name").Hinted("leave as: link out, or write {file: brochure.pdf, as: link}")
		case longest > 0 && a.Expires > longest:
			at("a link of S3 is good for %d days at most", int(longest.Hours())/24).
				Hinted("write expires: 7d, or store in a folder that hongyan serve answers for")
		}
	}
	return faults
}

// unlinked are the files that nobody could find, since the template has no link to them.
func (e *Edition) unlinked() (faults fault.Faults) {
	for _, a := range e.Campaign.Linked() {
		if name := (linked{Attachment: a}).name(); !slices.Contains(e.Template.Downloads(), name) {
			faults = append(faults, fault.At(e.Campaign.File, a.Line, "the template has no link to %s", name).
				Hinted("write [%s]({{download %q}}) where it is to stand", name, name))
		}
	}
	return faults
}

// downloads are the names that the template may link to.
func (e *Edition) downloads() (names []string) {
	for _, a := range e.Campaign.Linked() {
		names = append(names, linked{Attachment: a}.name())
	}
	return names
}

// wrap makes parcels of the linked files; nothing is uploaded yet.
func (e *Edition) wrap(key []byte) ([]run.Download, error) {
	if len(e.Campaign.Linked()) == 0 {
		return nil, nil
	}
	if err := e.openDepot(key); err != nil {
		return nil, err
	}
	out := make([]run.Download, len(e.linked))
	for i, l := range e.linked {
		out[i] = run.Download{Name: l.name(), Link: func(ctx context.Context) (string, error) { return l.parcel.Link(ctx, l.Expires) }}
	}
	return out, nil
}

func (e *Edition) openDepot(key []byte) error {
	if e.depot != nil {
		return nil
	}
	storage := e.settings.Storage
	storage.Key = key
	depot, err := parcel.Open(context.Background(), storage)
	if err != nil {
		return err
	}
	for _, a := range e.Campaign.Linked() {
		l := linked{Attachment: a}
		if l.parcel, err = e.wrapOne(depot, l); err != nil {
			return errors.Join(err, depot.Close())
		}
		e.linked = append(e.linked, l)
	}
	e.depot = depot
	return nil
}

func (e *Edition) wrapOne(depot *parcel.Depot, l linked) (parcel.Parcel, error) {
	if key := e.parcels[l.File]; key != "" {
		return depot.Find(key), nil
	}
	file, err := l.open(e.Campaign.AttachmentsRoot)
	if err != nil {
		return parcel.Parcel{}, err
	}
	defer file.Close()
	return depot.Wrap(file, l.name())
}

// uploading is how long one file may take.
const uploading = 30 * time.Minute

// LeaveParcels uploads what the mails will link to, unless it lies there, and keeps
// where; key is the ledger's. It may be done again.
func (e *Edition) LeaveParcels(ctx context.Context, key []byte) error {
	if len(e.Campaign.Linked()) == 0 {
		return nil
	}
	if err := e.openDepot(key); err != nil {
		return err
	}
	e.parcels = map[string]string{}
	for _, l := range e.linked {
		e.parcels[l.File] = l.parcel.Key
		if err := e.leaveOne(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func (e *Edition) leaveOne(ctx context.Context, l linked) error {
	ctx, stop := context.WithTimeout(ctx, uploading)
	defer stop()
	file, err := l.open(e.Campaign.AttachmentsRoot)
	if err != nil {
		return err
	}
	defer file.Close()
	return l.parcel.Leave(ctx, file)
}
