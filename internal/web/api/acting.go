package api

import (
	"net/http"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/list"
	"hongyan/internal/web"
	"hongyan/internal/web/login"
)

func by(r *http.Request) string { return login.Who(r.Context()).Name }

func (a *api) start(r *http.Request) (any, error) {
	return done{true}, a.clerk.Start(r.Context(), by(r), keyOf(r))
}

func (a *api) pause(r *http.Request) (any, error) {
	return done{true}, a.clerk.Pause(r.Context(), by(r), keyOf(r))
}

func (a *api) resume(r *http.Request) (any, error) {
	return done{true}, a.clerk.Resume(r.Context(), by(r), keyOf(r))
}

func (a *api) lift(r *http.Request) (any, error) {
	return done{true}, a.clerk.Lift(r.Context(), by(r), r.PathValue("account"))
}

func (a *api) probe(r *http.Request) (any, error) {
	p, err := a.Desk.Probe(r.Context(), r.PathValue("account"))
	return probeOf(p), err
}

func (a *api) test(r *http.Request) (any, error) {
	var in struct {
		To   []string `json:"to"`
		Rows string   `json:"rows"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if len(in.To) == 0 {
		return nil, &badRequest{fault.Textf("to must name at least one address")}
	}
	for _, text := range in.To {
		if _, err := address(text); err != nil {
			return nil, err
		}
	}
	n, err := a.clerk.Test(r.Context(), keyOf(r), web.Test{To: in.To, Rows: in.Rows, By: by(r)})
	return counted{n}, err
}

func (a *api) retry(r *http.Request) (any, error) {
	var in struct {
		Classes []string `json:"classes"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if len(in.Classes) == 0 {
		return nil, &badRequest{fault.Textf("classes must name at least one class of refusals")}
	}
	n, err := a.clerk.Retry(r.Context(), by(r), keyOf(r), in.Classes)
	return counted{n}, err
}

func (a *api) settle(r *http.Request) (any, error) {
	var in struct {
		As  string  `json:"as"`
		IDs []int64 `json:"ids"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	to := map[string]ledger.State{"sent": ledger.Sent, "resend": ledger.Deferred}[in.As]
	if to == "" || len(in.IDs) == 0 {
		return nil, &badRequest{fault.Textf("as must be sent or resend, and ids must name at least one recipient")}
	}
	n, err := a.clerk.Settle(r.Context(), by(r), keyOf(r), to, in.IDs)
	return counted{n}, err
}

func (a *api) suppress(r *http.Request) (any, error) {
	var in struct {
		List      string   `json:"list"`
		Addresses []string `json:"addresses"`
		Reason    string   `json:"reason"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if len(in.Addresses) == 0 {
		return nil, &badRequest{fault.Textf("addresses must name at least one address")}
	}
	var all []ledger.Suppression
	for _, text := range in.Addresses {
		who, err := address(text)
		if err != nil {
			return nil, err
		}
		all = append(all, ledger.Suppression{List: in.List, Address: who, Source: ledger.Manual, Reason: in.Reason})
	}
	n, err := a.clerk.Suppress(r.Context(), by(r), all...)
	return counted{n}, err
}

func (a *api) unsuppress(r *http.Request) (any, error) {
	if r.FormValue("address") == "" {
		return nil, &badRequest{fault.Textf("address is missing")}
	}
	who, err := address(r.FormValue("address"))
	if err != nil {
		return nil, err
	}
	return done{true}, a.clerk.Unsuppress(r.Context(), by(r), r.FormValue("list"), who)
}

// address is an address as the ledger spells it, whatever the spelling that was asked for.
func address(text string) (string, error) {
	who, _, _, f := list.ParseAddress(text)
	if f != nil {
		return "", &badRequest{fault.Textf("%s: %s", text, f.What)}
	}
	return who, nil
}
