"use strict";

const $ = (id) => document.getElementById(id);

const chunk = 500; // rows that are made at a time
const patience = 3000; // ms without an answer, until the page says so
const hung = 30000; // ms without an answer, until the page asks anew
const fresh = 1000; // ms for which a new node is marked

let snapshot = null; // the last that has come
let roots = []; // the nodes of the tree
let nodes = new Map(); // all nodes by key
let added = new Set(); // keys of nodes that the last snapshot was the first to have
let rows = []; // the nodes that are to be seen, from top to bottom
let limit = chunk; // of them have an element
let current = ""; // key of the node that Tab leads to
const open = new Map(); // by key, whether the children are to be seen, where that was chosen
const openInFilter = new Map(); // the same, while there is a filter
const shown = new Set(); // keys of the nodes with their stack

// ---- the tree ----

// build makes the nodes of a snapshot. The keys are its IDs, and parts of the page remember
// them from one snapshot to the next. A goroutine may be a task and the body of a nursery.
function build(s) {
	roots = [];
	nodes = new Map();
	const add = (parent, key, kind, data) => {
		const node = {key, kind, data, parent, children: [], hit: true, below: false};
		for (let i = 2; nodes.has(node.key); i++) node.key = `${key}.${i}`;
		nodes.set(node.key, node);
		(parent ? parent.children : roots).push(node);
		return node;
	};
	const nursery = (parent, n) => {
		const node = add(parent, n.id, "nursery", n);
		const waits = n.phase?.startsWith("waits");
		if (n.body && !(waits && !n.body.nurseries && !n.body.escaped)) task(node, `${n.id}.body`, "body", n.body);
		(n.tasks || []).forEach((t, i) => task(node, t.id || `${n.id}.${i}`, "task", t));
		if (n.more) add(node, `${n.id}.more`, "more", n);
	};
	const task = (parent, key, kind, t) => {
		const node = add(parent, key, kind, t);
		(t.nurseries || []).forEach((n) => nursery(node, n));
		if (t.deeper) add(node, `${node.key}.deeper`, "deeper", t);
		(t.escaped || []).forEach((g, i) => add(node, `${node.key}.escaped${i}`, "escaped", g));
	};
	s.roots.forEach((n) => nursery(null, n));
	if (s.others.length > 0) {
		const others = add(null, "others", "others", s);
		s.others.forEach((g) => add(others, `others.${g.state}.${at(g.at)}.${at(g.creator)}`, "group", g));
		if (s.more) add(others, "others.more", "more", s);
	}
	if (s.profile) {
		const all = add(null, "profile", "profile", s);
		s.profile.forEach((g) => add(all, `profile.${g.state}.${at(g.at)}.${g.label}`, "group", g));
		if (s.more_profile) add(all, "profile.more", "more", {more: s.more_profile});
	}
}

// isOpen tells whether the children of a node are to be seen.
function isOpen(node) {
	if (node.children.length === 0) return false;
	if ($("filter").value && node.below) return openInFilter.get(node.key) ?? true;
	return open.get(node.key) ?? node.kind !== "others";
}

function setOpen(node, value) {
	($("filter").value && node.below ? openInFilter : open).set(node.key, value);
	render();
}

// look finds the nodes that the filter hits, and those above one, and lists the rows: what
// is hit with all that is open below it, and what is above.
function look() {
	const words = $("filter").value.toLowerCase();
	let hits = 0;
	const mark = (list) => {
		let any = false;
		for (const node of list) {
			node.index = -1; // until it is a row
			node.hit = !words || columns(node).some(([, text]) => text.toLowerCase().includes(words));
			node.below = mark(node.children);
			hits += node.hit;
			any = any || node.hit || node.below;
		}
		return any;
	};
	mark(roots);
	rows = [];
	const list = (siblings, level, all) => {
		const seen = all ? siblings : siblings.filter((node) => node.hit || node.below);
		seen.forEach((node, i) => {
			Object.assign(node, {level, position: i + 1, size: seen.length, index: rows.length});
			rows.push(node);
			if (isOpen(node)) list(node.children, level + 1, all || node.hit);
		});
	};
	list(roots, 1, false);
	text($("hits"), !snapshot ? "" : words ? `${hits} of ${nodes.size} lines match` : nodes.size ? "" : "No nursery is open.");
}

// columns returns what the row of a node says, as pairs of a class and a text.
function columns({kind, data: d}) {
	switch (kind) {
	case "nursery": {
		const s = d.stats;
		return [
			["name", d.name || "nursery"], ["faint", at(d.place)],
			["", d.unregistered ? "open before the registry was on" : d.opened ? `open ${span(d.age_ns)}` : ""],
			...(d.options || []).map((o) => ["", o]),
			["", s ? `${s.running} running, ${s.queued ? `${s.queued} queued, ` : ""}${s.finished} done` : ""],
			["bad", s?.failed ? `${s.failed} FAILED` : ""],
			["faint", d.phase === "open" ? "" : d.phase || ""],
			["bad", d.panicking ? "PANICKING" : ""],
			...scope(d.scope), ["faint", d.id],
		];
	}
	case "task":
	case "body":
		return [
			["name", (kind === "body" ? "body" : d.name || d.function || "a task") + (d.fold > 1 ? ` ×${d.fold}` : "")],
			["faint", d.id || ""], ["", d.age_ns ? span(d.age_ns) : ""], ["", d.daemon ? "daemon" : ""],
			["", (d.waits_for || "") + (d.on ? ` on ${d.on}` : "")], ["", d.blocked_minutes ? `for ${d.blocked_minutes} min` : ""],
			["faint", d.nurseries ? "" : at(d.at)], ...(d.scopes || []).flatMap(scope),
		];
	case "escaped":
		return [["name", `+ ${count(d.count, "goroutine")}`], ["", d.state], ["faint", at(d.at)], ["bad", `BARE GO ${at(d.creator)}`]];
	case "group":
		return [["name", count(d.count, "goroutine")], ["", d.state], ["faint", at(d.at)], ["faint", d.creator ? `begun at ${at(d.creator)}` : ""], ["faint", d.label ? `{${d.label}}` : ""]];
	case "profile":
		return [["name", `all ${count(d.goroutines, "goroutine")} by stack`]];
	case "others":
		return [["name", `${count(d.counts.outside, "goroutine")} in no nursery`]];
	case "deeper":
		return [["faint", `and ${d.deeper} ${d.deeper === 1 ? "nursery" : "nurseries"} below`]];
	default:
		return [["faint", `and ${d.more} more`]];
	}
}

// scope returns what a cancel scope has to say.
function scope(s) {
	if (!s) return [];
	const notes = [];
	if (s.own_deadline && !s.canceled) notes.push(["", `[deadline in ${span(s.left_ns || 0)}]`]);
	if (s.shielded) notes.push(["", "[shielded]"]);
	if (s.stopping && !s.canceled) notes.push(["bad", `STOPPING${s.grace_left_ns ? `, grace of ${span(s.grace_left_ns)}` : ""}`]);
	if (s.canceled) notes.push(["bad", `CANCELED ${s.canceled.ago_ns ? `${span(s.canceled.ago_ns)} ago ` : ""}(${s.canceled.reason})`]);
	return notes;
}

// details returns the text below the row of a node that is shown.
function details({kind, data: d}) {
	const lines = [];
	const place = (p) => `${p.function}\n\t${p.file}:${p.line}`;
	if (kind === "nursery") {
		if (d.opened) lines.push(`opened ${d.opened}`);
		if (d.place) lines.push(place(d.place));
		(d.failures || []).forEach((f) => lines.push(`failure: ${f}`));
	}
	if (d.fold > 1) lines.push(`${d.fold} tasks, such as ${d.ids.join(", ")}; the stack of ${d.id}:`);
	if (d.goroutines) lines.push(`goroutines ${d.goroutines.join(", ")}${d.count > d.goroutines.length ? ", …" : ""}`);
	for (const p of [d.at, d.creator]) if (d.count && p) lines.push(place(p));
	const goroutine = goroutineOf(kind, d);
	if (goroutine) lines.push(...(stacks.get(goroutine)?.map(place) || [snapshot.stacks === "all" ? "…" : `no stacks: ${snapshot.stacks}`]));
	return lines.join("\n") || "nothing more is known";
}

// goroutineOf returns the ID of the goroutine whose stack a node shows.
function goroutineOf(kind, d) {
	const id = kind === "nursery" ? d.body?.id : kind === "task" || kind === "body" ? d.id : "";
	return id?.startsWith("g") ? id : "";
}

// stacks has the stacks of the last snapshot by goroutine. A task in a nursery of its own
// has its stack there.
let stacks = new Map();

function collect() {
	stacks = new Map();
	for (const {data: d} of nodes.values()) {
		for (const t of [d, d.body]) if (t?.stack?.length) stacks.set(t.id, t.stack);
	}
}

// ---- texts ----

function at(place) {
	return place?.file ? `${place.file.split(/[/\\]/).pop()}:${place.line}` : "";
}

function count(n, noun) {
	return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

// span returns a duration, which is in nanoseconds, in two units at most.
function span(ns) {
	const s = Math.abs(ns) / 1e9;
	const sign = ns < 0 ? "-" : "";
	if (s < 1) return `${sign}${Math.round(s * 1000)}ms`;
	if (s < 10) return `${sign}${s.toFixed(1)}s`;
	if (s < 60) return `${sign}${Math.floor(s)}s`;
	const units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
	const i = units.findIndex(([seconds]) => s >= seconds);
	const [big, small] = units.slice(i, i + 2);
	return `${sign}${Math.floor(s / big[0])}${big[1]}${Math.floor((s % big[0]) / small[0])}${small[1]}`;
}

// ---- the page ----

// text and attribute change what differs alone: a change costs, and ends a selection.
function text(element, value) {
	if (element.textContent !== value) element.textContent = value;
}

function attribute(element, name, value) {
	if (value === undefined) element.removeAttribute(name);
	else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// reconcile gives parent an element for each item, and keeps those that are there.
function reconcile(parent, items, key, make, update) {
	const keys = new Set(items.map(key));
	const old = new Map();
	for (const element of [...parent.children]) {
		if (keys.has(element.dataset.key)) old.set(element.dataset.key, element);
		else element.remove();
	}
	let next = parent.firstElementChild;
	for (const item of items) {
		let element = old.get(key(item));
		if (!element) {
			element = make(item);
			element.dataset.key = key(item);
		}
		if (element === next) next = next.nextElementSibling;
		else parent.insertBefore(element, next);
		update(element, item);
	}
}

// render brings the page up to date. Elements stay, and with them the focus and the scroll
// position.
function render() {
	const focused = $("tree").contains(document.activeElement);
	const index = focused ? rows.findIndex((node) => node.key === current) : 0;
	look();
	// What has gone leaves the focus to the row that is now in its place.
	if (!rows[nodes.get(current)?.index]) current = rows[Math.min(index, rows.length - 1)]?.key ?? "";
	if (focused) limit = Math.max(limit, (nodes.get(current)?.index ?? 0) + 1);
	reconcile($("tree"), rows.slice(0, limit), (node) => node.key, makeRow, updateRow);
	$("more").hidden = rows.length <= limit;
	if (focused && !$("tree").contains(document.activeElement)) rowOf(current)?.focus({preventScroll: true});
}

function rowOf(key) {
	const element = $("tree").children[nodes.get(key)?.index];
	return element?.dataset.key === key ? element : undefined;
}

let made = 0; // elements that others refer to

function makeRow(node) {
	const item = document.createElement("div");
	item.setAttribute("role", "treeitem");
	item.append(document.createElement("div"));
	item.firstChild.className = "row";
	item.firstChild.id = `row${++made}`;
	item.setAttribute("aria-labelledby", item.firstChild.id);
	if (added.has(node.key)) {
		item.classList.add("new");
		setTimeout(() => item.classList.remove("new"), fresh);
	}
	return item;
}

function updateRow(item, node) {
	const parent = node.children.length > 0;
	attribute(item, "aria-level", node.level);
	attribute(item, "aria-posinset", node.position);
	attribute(item, "aria-setsize", node.size);
	attribute(item, "aria-expanded", parent ? isOpen(node) : undefined);
	attribute(item, "tabindex", node.key === current ? 0 : -1);
	if (item.style.getPropertyValue("--level") !== String(node.level)) item.style.setProperty("--level", node.level);
	const row = item.firstChild;
	const spans = [["twist", parent ? (isOpen(node) ? "▾" : "▸") : ""], ...columns(node).filter(([, text]) => text)];
	spans.forEach(([name, value], i) => {
		const span = row.children[i] || row.appendChild(document.createElement("span"));
		if (span.className !== name) span.className = name;
		text(span, `${value} `); // for the name of the row, and for a copy
	});
	while (row.children.length > spans.length) row.lastChild.remove();
	attribute(row.firstChild, "aria-hidden", true);
	let pre = item.children[1];
	if (!shown.has(node.key)) {
		pre?.remove();
		attribute(item, "aria-describedby", undefined);
		return;
	}
	if (!pre) {
		pre = item.appendChild(document.createElement("pre"));
		pre.id = `stack${++made}`;
		attribute(item, "aria-describedby", pre.id);
	}
	text(pre, details(node));
}

// show shows a snapshot.
function show(s) {
	const before = nodes;
	const restarted = snapshot && snapshot.pid !== s.pid;
	build(s);
	added = new Set(snapshot && !restarted ? [...nodes.keys()].filter((key) => !before.has(key)) : []);
	const first = !snapshot;
	for (const state of [open, openInFilter, shown]) {
		for (const key of [...state.keys()]) if (!nodes.has(key)) state.delete(key);
	}
	snapshot = s;
	collect();
	const c = s.counts;
	text($("program"), s.program + (s.pid ? ` (pid ${s.pid}, ${s.go})` : ""));
	document.title = (s.warnings.length ? `(${s.warnings.length}) ` : "") + s.program;
	text($("counts"), `${c.nurseries} ${c.nurseries === 1 ? "nursery" : "nurseries"} · ${count(c.tasks, "task")} · ${c.not_begun ? `${c.not_begun} not begun · ` : ""}${c.queued} queued · ${c.canceled} canceled · ${count(s.goroutines, "goroutine")}` +
		(s.stacks === "all" ? "" : ` · stacks: ${s.stacks}`));
	links($("warnings"), s.warnings, (w) => `${w.code} ${w.node} ${at(w.at)}`, (w) => [["bad", w.code], ["", `${w.name || w.node || ""}: ${w.text}`], ["faint", at(w.at)]]);
	text($("wrong-title"), `Warnings (${s.warnings.length})`);
	$("wrong").hidden = s.warnings.length === 0;
	links($("deadlines"), s.deadlines, (d) => `${d.node} ${d.scope} ${d.at}`, (d) => [["", `in ${span(d.in_ns)}`], ["", d.scope || d.owner || "a scope"]]);
	text($("next-title"), `Next deadlines (${s.deadlines.length})`);
	render();
	added.clear();
	if (first && location.hash) reveal();
}

// links lists things that lead to a node.
function links(list, items, key, parts) {
	reconcile(list, items, key, () => {
		const li = document.createElement("li");
		li.append(document.createElement("a"));
		return li;
	}, (li, item) => {
		const a = li.firstChild;
		attribute(a, "href", item.node ? `#${item.node}` : undefined);
		a.onclick = () => a.hash === location.hash && reveal(); // there is no hashchange
		text(a, parts(item).map(([, text]) => text).filter(Boolean).join("  "));
	});
}

// ---- what the reader does ----

// focus moves the focus to a node that has a row.
function focus(node, block = "nearest") {
	current = node.key;
	limit = Math.max(limit, node.index + 1);
	render();
	const row = rowOf(node.key);
	row.focus({preventScroll: true});
	row.firstChild.scrollIntoView({block});
	row.scrollIntoView({block});
}

// toggle shows or hides the stack of a node.
function toggle(node) {
	if (["more", "deeper", "others", "profile"].includes(node.kind)) {
		setOpen(node, !isOpen(node));
	} else if (!shown.delete(node.key)) {
		shown.add(node.key);
		history.replaceState(null, "", `#${node.key}`);
		if (!stacks.has(goroutineOf(node.kind, node.data))) poll();
	}
	focus(node);
}

// reveal opens the node that the address names, which may be a goroutine.
function reveal() {
	const id = location.hash.slice(1);
	if (!id || !snapshot) return;
	const all = [...nodes.values()];
	const node = nodes.get(id) || all.find((node) => node.data.ids?.includes(id)) || all.find((node) => node.kind === "body" && node.data.id === id) ||
		all.find((node) => node.kind === "nursery" && node.data.body?.id === id);
	missing = node ? "" : `${id} is not in the tree: it has returned, or shares an entry.`;
	say();
	if (!node) return;
	if ($("filter").value) {
		$("filter").value = "";
		openInFilter.clear();
	}
	for (let up = node.parent; up; up = up.parent) open.set(up.key, true);
	look();
	if (!shown.has(node.key)) toggle(node);
	focus(node, "center");
}

$("tree").addEventListener("click", (event) => {
	const row = event.target.closest(".row");
	if (!row || getSelection().type === "Range") return;
	const node = nodes.get(row.parentElement.dataset.key);
	if (event.target.className === "twist" && node.children.length > 0) {
		setOpen(node, !isOpen(node));
		focus(node);
	} else {
		toggle(node);
	}
});

$("tree").addEventListener("focusin", (event) => {
	const key = event.target.dataset.key;
	if (key && key !== current) {
		current = key;
		render();
	}
});

$("tree").addEventListener("keydown", (event) => {
	if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
	const node = nodes.get(current);
	if (!node) return;
	const to = (node) => node && focus(node);
	switch (event.key) {
	case "ArrowDown": to(rows[node.index + 1]); break;
	case "ArrowUp": to(rows[node.index - 1]); break;
	case "Home": to(rows[0]); break;
	case "End": to(rows[rows.length - 1]); break;
	case "ArrowRight":
		if (isOpen(node)) to(rows[node.index + 1]);
		else if (node.children.length > 0) setOpen(node, true);
		break;
	case "ArrowLeft":
		if (isOpen(node)) setOpen(node, false);
		else to(node.parent);
		break;
	case "Enter":
	case " ": toggle(node); break;
	default: return;
	}
	event.preventDefault();
});

$("filter").addEventListener("input", () => {
	openInFilter.clear();
	limit = chunk;
	render();
});
$("controls").addEventListener("submit", (event) => event.preventDefault());
$("unfold").addEventListener("change", () => poll());
$("every").addEventListener("change", () => poll());
function more() {
	limit += chunk;
	render();
}
$("more").addEventListener("click", more);
new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && more(), {rootMargin: "500px"}).observe($("more"));
addEventListener("hashchange", reveal);

// ---- the program ----

let timer = 0;
let request = null; // the one under way
let answered = null; // when the last snapshot came
let trouble = ""; // why there is no newer one
let missing = ""; // about the node that the address names

// say says whether the program answers.
function say() {
	const since = answered ? ` since ${answered.toLocaleTimeString()}, when it gave this tree` : "";
	text($("status"), [trouble && `The program does not answer${since} (${trouble}).`, missing].filter(Boolean).join(" "));
	document.body.dataset.state = trouble ? "silent" : answered ? "live" : "waiting";
}

// poll asks for a snapshot now, and again after a while. It has the stacks that are shown,
// because all of them are too much.
async function poll() {
	clearTimeout(timer);
	request?.abort();
	if (document.hidden) {
		request = null;
		return;
	}
	const mine = (request = new AbortController());
	const query = new URLSearchParams({format: "json", stack: ""});
	if ($("unfold").checked) query.set("unfold", 1);
	const under = new URLSearchParams(location.search).get("under");
	if (under) query.set("under", under);
	for (const key of shown) {
		const node = nodes.get(key);
		const id = node && goroutineOf(node.kind, node.data);
		if (id) query.append("stack", id);
	}
	const slow = setTimeout(() => { trouble = "no reply"; say(); }, patience);
	const dead = setTimeout(() => mine.abort(), hung);
	try {
		const answer = await fetch(`?${query}`, {signal: mine.signal, cache: "no-store"});
		if (!answer.ok) throw new Error(`status ${answer.status}`);
		const s = await answer.json();
		if (request !== mine) return;
		answered = new Date();
		trouble = "";
		show(s);
	} catch (error) {
		if (request !== mine) return; // a newer one has aborted it
		trouble = error.message;
	} finally {
		clearTimeout(slow);
		clearTimeout(dead);
		if (request === mine) {
			request = null;
			say();
			const seconds = Math.min(Math.max(Number($("every").value) || 2, 1), 60);
			if (!document.hidden) timer = setTimeout(poll, seconds * 1000);
		}
	}
}

document.addEventListener("visibilitychange", () => poll());
poll();
