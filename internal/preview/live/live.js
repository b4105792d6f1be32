// The live page: mails are composed when they are asked for.
const pages = new Map(), asked = new Map();
let mails = new Map(), version = 0;
async function ask(path) {
	let answer;
	try { answer = await fetch(path); } catch { throw new Error(say("ended")); }
	if (!answer.ok) throw new Error(say("lost") + await answer.text());
	return answer.json();
}
const source = {
	searches: "find",
	async open(line) {
		const summary = await ask("summary?line=" + line);
		version = summary.version;
		if (!summary.faults) { pages.clear(); asked.clear(); mails.clear(); }
		return summary;
	},
	rows(n) {
		if (pages.has(n)) return Promise.resolve(pages.get(n));
		if (!asked.has(n)) {
			const mine = version;
			asked.set(n, ask("rows/" + n).then(rows => { if (mine === version) pages.set(n, rows); return rows; }).finally(() => { if (mine === version) asked.delete(n); }));
		}
		return asked.get(n);
	},
	ready: n => pages.get(n),
	async mail(i) {
		const mine = version;
		if (mails.has(i)) return mails.get(i);
		const mail = await ask("mails/" + i);
		if (mails.size > 8) mails.clear();
		if (mine === version) mails.set(i, mail);
		return mail;
	},
	find: (q, f) => ask("find?" + new URLSearchParams({ q, f })),
	files: (i, row) => row[3] ? [[".eml", "eml/" + i]] : [],
	watch(open, ended) {
		const events = new EventSource("events");
		let opening = Promise.resolve();
		events.onmessage = e => { ended(false); opening = opening.then(() => +e.data === version ? null : open()).catch(() => ended(true)); };
		events.onerror = () => ended(true);
	},
};
