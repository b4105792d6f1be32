"use strict";
const words = {
	en: { lang: "中文", title: "Preview", search: "Search address, subject, line", find: "Search address, line", all: "All mails", warned: "With a warning", clean: "Without a warning", faulty: "Rows with a fault", line: "Line", address: "Address", subject: "Subject", size: "Size", warnings: "⚠", desktop: "Desktop", mobile: "Mobile", dark: "Dark", text: "Text", source: "Source", keys: "j k ↑ ↓ next, previous · 1–5 views · / search", none: "No mail matches.", noHTML: "This mail has no HTML.", noMail: "No mail was made for this row.", reading: "Reading…", lost: "This cannot be read: ", files: "Attachments: ", of: " of ", mend: "To be mended", ended: "hongyan has ended; this page stays as it was." },
	zh: { lang: "English", title: "预览", search: "搜索地址、主题、行号", find: "搜索地址、行号", all: "全部邮件", warned: "有警告", clean: "无警告", faulty: "有错误的行", line: "行", address: "地址", subject: "主题", size: "大小", warnings: "⚠", desktop: "桌面", mobile: "手机", dark: "深色", text: "纯文本", source: "源码", keys: "j k ↑ ↓ 上一封下一封 · 1–5 视图 · / 搜索", none: "没有符合条件的邮件。", noHTML: "这封邮件没有 HTML。", noMail: "这一行没有生成邮件。", reading: "读取中…", lost: "无法读取：", files: "附件：", of: " / ", mend: "有待修正", ended: "hongyan 已结束，此页不再更新。" },
};
const $ = id => document.getElementById(id);
const tabs = ["desktop", "mobile", "dark", "text", "source"];
const height = 32;
let stock = { mails: 0, perPage: 1 }; // the summary of what source has
let lang = "en", view = "desktop", at = -1;
let found = null; // indexes of the rows that match, null: all
const say = key => words[lang][key];

const pageOf = i => Math.floor(i / stock.perPage) + 1;
const row = async i => (await source.rows(pageOf(i)))[i % stock.perPage];
const ready = i => source.ready(pageOf(i))?.[i % stock.perPage];
const total = () => found ? found.length : stock.mails;
const index = k => found ? found[k] : k;
function el(tag, text) { const e = document.createElement(tag); e.textContent = text; return e; }
const kb = n => n < 1024 ? n + " B" : n < 1 << 20 ? (n / 1024).toFixed(1) + " K" : (n / (1 << 20)).toFixed(1) + " M";

// Only the rows in sight are in the page.
let drawing = 0;
async function draw() {
	const mine = ++drawing, top = $("scroll").scrollTop, n = total();
	$("rows").style.height = n * height + "px";
	const first = Math.max(0, Math.floor(top / height) - 8), last = Math.min(n, Math.ceil((top + $("scroll").clientHeight) / height) + 8);
	const wanted = new Set();
	for (let k = first; k < last; k++) wanted.add(pageOf(index(k)));
	try { await Promise.all([...wanted].map(p => source.rows(p))); } catch (e) { $("count").textContent = e.message; return; }
	if (mine !== drawing) return;
	const out = [];
	for (let k = first; k < last; k++) {
		const r = ready(index(k)), e = document.createElement("div");
		if (!r) continue;
		e.className = "row"; e.style.top = k * height + "px"; e.setAttribute("role", "option"); e.setAttribute("aria-selected", k === at);
		e.append(el("span", r[0] || ""), el("span", r[1]), el("span", r[2]), el("span", r[3] ? kb(r[3]) : "–"), el("span", r[7].length || ""));
		e.title = r[7].join("\n"); e.dataset.line = r[0];
		e.onclick = () => go(k);
		out.push(e);
	}
	$("rows").replaceChildren(...out);
	$("count").textContent = (n ? at + 1 + say("of") : "") + n + (found ? say("of") + stock.mails : "");
}

async function go(k) {
	const n = total();
	if (!n) { at = -1; show(); return draw(); }
	at = Math.max(0, Math.min(n - 1, k));
	const s = $("scroll"), y = at * height;
	if (y < s.scrollTop) s.scrollTop = y;
	if (y + height > s.scrollTop + s.clientHeight) s.scrollTop = y + height - s.clientHeight;
	await Promise.all([draw(), show()]);
}

let showing = 0, shown = "";
async function show() {
	const mine = ++showing;
	mark();
	if (stock.faults) return blame(stock.faults);
	if (at < 0) { head("", "", [], []); return stage(el("p", say("none"))); }
	const i = index(at);
	let r, mail;
	try { r = await row(i); mail = await source.mail(i, r); } catch (e) { if (mine === showing) stage(el("p", e.message)); return; }
	if (mine !== showing) return;
	const to = say("line") + " " + (r[0] || "–") + " · " + r[1] + (r[8].length ? " · " + say("files") + r[8].join("、") : "");
	if (mail.faults) return blame(mail.faults, to);
	head(r[2], to, source.files(i, r, mail), r[7]);
	const place = r[0] + " " + r[1] + " " + view, y = place === shown ? scrolled() : 0;
	stage(picture(mail, y));
	shown = place;
}

function mark() { for (const b of $("tabs").children) b.setAttribute("aria-selected", b.dataset.view === view); }

function head(title, to, files, warnings) {
	$("about").children[0].textContent = title;
	$("to").textContent = to;
	$("files").replaceChildren(...files.map(([label, href]) => { const a = el("a", label); a.href = href; a.target = "_blank"; a.rel = "noopener"; return a; }));
	$("warnings").replaceChildren(...warnings.map(w => el("li", w)));
}

function stage(node) {
	shown = "";
	$("stage").className = view;
	if (node.tagName === "IFRAME" && node.forced) $("stage").classList.add("forced");
	$("stage").replaceChildren(node);
}

// Faults stand in the place of the mail: [[place, what, hint]…].
function blame(faults, to = "") {
	head(say("mend"), to, [], []);
	const list = document.createElement("ol");
	list.className = "faults"; list.setAttribute("role", "alert");
	list.append(...faults.map(([place, what, hint]) => {
		const item = document.createElement("li");
		if (place) item.append(el("code", place));
		item.append(el("b", what));
		if (hint) item.append(el("span", hint));
		return item;
	}));
	stage(list);
}

// A mail's HTML gets no scripts, no network and no way out of its frame.
function picture({ html, text, source }, y) {
	if (view === "text") return el("pre", text);
	if (view === "source") return el("pre", source || say("noMail"));
	if (!html) return el("p", source || text ? say("noHTML") : say("noMail"));
	const frame = document.createElement("iframe");
	// No allow-scripts, so the mail can do nothing with the origin, without which
	// Chromium would not let it load the images beside this page.
	frame.setAttribute("sandbox", "allow-same-origin");
	frame.title = say(view);
	frame.forced = view === "dark" && !/\(\s*prefers-color-scheme\s*:\s*dark\s*\)/i.test(html);
	// Links would open a window, which the sandbox forbids: they do nothing.
	frame.srcdoc = scheme(html, view === "dark" ? "dark" : "light").replace(/^(\s*<!doctype[^>]*>)?/i, start => start + '<base target="_blank">');
	if (y) frame.onload = () => frame.contentWindow.scrollTo(0, y);
	return frame;
}
const scrolled = () => $("stage").querySelector("iframe")?.contentWindow.scrollY || 0;
// The reader's own light or dark must not decide what is shown.
function scheme(html, chosen) {
	return html.replace(/\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)/gi, (_, s) => s.toLowerCase() === chosen ? "(min-width: 0)" : "(max-width: 0)");
}

let searching = 0;
// search finds the rows that match and goes to the one with the index, else to the first.
async function search(wanted) {
	const mine = ++searching, stale = () => mine !== searching, q = $("search").value.trim().toLowerCase(), f = $("filter").value;
	let out = null;
	if (q || f !== "all") {
		$("count").textContent = say("reading");
		try { out = await source.find(q, f, stale); } catch (e) { $("count").textContent = e.message; return; }
		if (stale()) return;
	}
	found = out;
	const k = found ? found.indexOf(wanted) : wanted;
	if (!(k > 0)) $("scroll").scrollTop = 0;
	await go(k > 0 ? k : 0);
}

// open takes what the source has now; the reader stays at the line.
async function open() {
	const r = at >= 0 && ready(index(at)), next = await source.open(r ? r[0] : 0);
	if (next.faults) { stock = { ...stock, faults: next.faults }; return show(); } // the rows stay as they were
	stock = next;
	label();
	await search(stock.at || 0);
}

function label() {
	document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
	document.title = say("title") + " · hongyan";
	$("search").placeholder = say(source.searches); $("search").setAttribute("aria-label", say(source.searches));
	$("lang").textContent = say("lang"); $("keys").textContent = say(ended ? "ended" : "keys");
	$("head").replaceChildren(...["line", "address", "subject", "size", "warnings"].map(k => el("span", say(k))));
	choices();
	$("tabs").replaceChildren(...tabs.map(t => { const b = el("button", say(t)); b.type = "button"; b.dataset.view = t; b.setAttribute("role", "tab"); b.onclick = () => { view = t; show(); }; return b; }));
	mark();
}

function choices() {
	const chosen = $("filter").value, options = [["all", say("all"), stock.mails]];
	if (stock.warned !== undefined) options.push(["warned", say("warned"), stock.warned], ["clean", say("clean"), stock.mails - stock.warned], ...stock.warnings.map(([w, n]) => ["=" + w, w, n]));
	if (stock.faulty !== undefined) options.push(["faulty", say("faulty"), stock.faulty]);
	$("filter").replaceChildren(...options.map(([v, t, n]) => { const o = el("option", t + " (" + n + ")"); o.value = v; return o; }));
	$("filter").value = options.some(o => o[0] === chosen) ? chosen : "all";
	$("filter").setAttribute("aria-label", say("all"));
}

const keys = { j: () => go(at + 1), ArrowDown: () => go(at + 1), ArrowRight: () => go(at + 1), k: () => go(at - 1), ArrowUp: () => go(at - 1), ArrowLeft: () => go(at - 1), Home: () => go(0), End: () => go(total() - 1), PageDown: () => go(at + 20), PageUp: () => go(at - 20), "/": () => $("search").focus() };
addEventListener("keydown", e => {
	if (e.ctrlKey || e.metaKey || e.altKey) return;
	const typing = e.target.matches("input, select");
	if (typing && e.key === "Escape") { e.target.blur(); return; }
	if (typing) return;
	const act = keys[e.key] || (tabs[e.key - 1] && (() => { view = tabs[e.key - 1]; show(); }));
	if (act) { e.preventDefault(); act(); }
});
$("scroll").addEventListener("scroll", () => requestAnimationFrame(draw));
addEventListener("resize", draw);
$("search").addEventListener("input", () => search(0));
$("filter").addEventListener("change", () => search(0));
$("lang").addEventListener("click", () => { lang = lang === "en" ? "zh" : "en"; label(); draw(); show(); });
let ended = false;
source.open(0).then(first => {
	lang = first.lang in words ? first.lang : "en";
	stock = { ...stock, ...first };
	label();
	if (first.faults) show(); else go(0);
	source.watch(open, gone => { if (gone !== ended) { ended = gone; label(); } });
});
