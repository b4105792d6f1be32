// The gallery on disk: data files arrive as scripts, because file:// has no fetch.
const pages = new Map(), packs = new Map(), asked = new Map();
const hongyan = { rows: (n, rows) => pages.set(n, rows), mails: (n, mails) => packs.set(n, mails) };
function load(kind, n, into) {
	const name = "data/" + kind + "-" + String(n).padStart(4, "0") + ".js";
	if (into.has(n)) return Promise.resolve(into.get(n));
	if (!asked.has(name)) asked.set(name, new Promise((done, fail) => {
		const s = document.createElement("script");
		s.onload = () => { s.remove(); asked.delete(name); done(into.get(n)); };
		s.onerror = () => { s.remove(); asked.delete(name); fail(new Error(say("lost") + name)); };
		s.src = name;
		document.head.append(s);
	}));
	return asked.get(name);
}
const source = {
	searches: "search",
	open: async () => summary,
	rows: n => load("rows", n, pages),
	ready: n => pages.get(n),
	async mail(i, row) {
		const pack = await load("mails", row[5], packs);
		if (packs.size > 8) for (const n of packs.keys()) if (n !== row[5]) { packs.delete(n); break; }
		const [html, text, source] = pack[row[6]];
		return { html, text, source };
	},
	// find returns the indexes of the rows that match, undefined once it is stale.
	async find(q, f, stale) {
		const out = [];
		for (let p = 1; p <= Math.ceil(summary.mails / summary.perPage); p++) {
			const rows = await load("rows", p, pages);
			if (stale()) return;
			rows.forEach((r, i) => {
				if (f === "warned" && !r[7].length || f === "clean" && r[7].length) return;
				if (f[0] === "=" && !r[7].includes(f.slice(1))) return;
				if (!q || String(r[0]) === q || r[1].toLowerCase().includes(q) || r[2].toLowerCase().includes(q)) out.push((p - 1) * summary.perPage + i);
			});
		}
		return out;
	},
	files(i, row, mail) {
		return [[".eml", row[3]], [".html", mail.html], [".txt", true]].filter(f => f[1]).map(([ext]) => [ext, "mails/" + encodeURIComponent(row[4] + ext)]);
	},
	watch() {},
};
