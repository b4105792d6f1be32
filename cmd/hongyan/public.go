package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"hongyan/internal/parcel"
	"hongyan/internal/unsubscribe"
)

// public opens what strangers may reach: the pages by which recipients leave and
// the files that mails link to, as far as the configuration has them. It returns
// what serves them.
func (s *service) public(ctx context.Context) (func(context.Context) error, error) {
	pages, files, err := s.strangers(ctx)
	if err != nil || pages == nil && files == nil {
		return func(context.Context) error { return nil }, err
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", s.conf.Unsubscribe.Listen)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if pages != nil {
		mux.Handle("/", pages)
		fmt.Fprintln(s.door.err, s.door.Say("Recipients leave on http://%s/, for %s", l.Addr().String(), s.conf.Unsubscribe.URL))
	}
	if files != nil {
		mux.Handle(s.conf.Storage.URL.Path, files)
		fmt.Fprintln(s.door.err, s.door.Say("Files are had on http://%s/, for %s", l.Addr().String(), s.conf.Storage.URL.String()))
	}
	return func(ctx context.Context) error { return unsubscribe.Serve(ctx, l, mux) }, nil
}

// strangers makes the public pages and the public files; nil where there are none.
func (s *service) strangers(ctx context.Context) (pages, files http.Handler, err error) {
	if url := s.conf.Unsubscribe.URL; url != "" {
		keys, err := unsubscribe.OpenKeyring(ctx, s.store, time.Now())
		if err != nil {
			return nil, nil, err
		}
		if pages, err = unsubscribe.NewHandler(unsubscribe.Options{URL: url, Keys: keys, Books: s.store, Log: s.door.log}); err != nil {
			return nil, nil, err
		}
	}
	if s.conf.Storage.URL == nil {
		return pages, nil, nil
	}
	key, err := s.store.Key(ctx)
	if err != nil {
		return nil, nil, err
	}
	depot, err := parcel.Open(ctx, storageOf(s.conf, key))
	if err != nil {
		return nil, nil, err
	}
	return pages, depot.Handler(), nil
}
