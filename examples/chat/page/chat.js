"use strict";

const $ = (id) => document.getElementById(id);

const again = [1001, 1006, 1011, 1012]; // the server or the network has gone
const longest = 30; // seconds between two attempts

let me = null; // {name, room} while we are in a room, or on our way back
let socket = null;
let timer = 0;
let attempts = 0; // since we were in the room

function connect() {
	clearTimeout(timer);
	state("connecting", "connecting …");
	const url = new URL("ws", location.href);
	url.protocol = url.protocol.replace("http", "ws");
	url.search = new URLSearchParams(me);
	url.hash = "";
	socket = new WebSocket(url);
	socket.onmessage = (message) => told(JSON.parse(message.data));
	socket.onclose = closed;
}

// closed decides whether to try again, at growing intervals, or to stop.
function closed(end) {
	if (again.includes(end.code)) {
		const most = Math.min(longest, 2 ** attempts++);
		const wait = most * (0.5 + Math.random() / 2); // so that clients do not come back all at once
		timer = setTimeout(connect, wait * 1000);
		const why = end.reason || "no connection";
		state("waiting", `${why}; attempt ${attempts} in ${Math.ceil(wait)} s`);
	} else {
		out(end.reason || "the connection was closed");
	}
}

function out(why) {
	me = null;
	$("why").textContent = why;
	state("out", "");
	$("name").focus();
}

function state(name, text) {
	document.body.dataset.state = name;
	$("status").textContent = text;
	$("text").disabled = name !== "in";
}

// told shows an event.
function told(event) {
	switch (event.kind) {
	case "welcome":
		attempts = 0;
		me.name = event.name;
		state("in", `you are ${event.name}`);
		$("room").textContent = event.room;
		$("who").replaceChildren();
		$("log").replaceChildren();
		event.who.forEach(arrive);
		(event.history || []).forEach(said);
		$("text").focus();
		break;
	case "joined":
		arrive(event.name);
		line("note", event.at, `${event.name} has come in`);
		break;
	case "left":
		[...$("who").children].find((li) => li.textContent === event.name)?.remove();
		count();
		line("note", event.at, `${event.name} has left`);
		break;
	case "said":
		said(event);
	}
}

function arrive(name) {
	const li = element("li", "", name);
	li.style.setProperty("--hue", hue(name));
	const next = [...$("who").children].find((other) => other.textContent.localeCompare(name) > 0);
	$("who").insertBefore(li, next || null);
	count();
}

function count() {
	$("count").textContent = $("who").children.length;
}

function said(event) {
	const li = line(event.name === me.name ? "mine" : "theirs", event.at, event.text);
	const name = element("strong", "", event.name);
	name.style.setProperty("--hue", hue(event.name));
	li.prepend(name);
}

// line adds to the log, and scrolls unless the reader has scrolled up.
function line(kind, at, text) {
	const log = $("log");
	const below = log.scrollHeight - log.scrollTop - log.clientHeight;
	const li = element("li", kind, "");
	const time = element("time", "", new Date(at).toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"}));
	time.dateTime = at;
	li.append(element("span", "", text), time);
	log.append(li);
	if (below < 50) {
		log.scrollTop = log.scrollHeight;
	}
	return li;
}

// element makes an element with text as its content, never markup.
function element(tag, kind, text) {
	const e = document.createElement(tag);
	e.className = kind;
	e.dir = "auto";
	e.textContent = text;
	return e;
}

function hue(name) {
	let h = 0;
	for (const c of name) {
		h = (h * 31 + c.codePointAt(0)) % 360;
	}
	return h;
}

$("wanted").value = new URLSearchParams(location.hash.slice(1)).get("room") || "lobby";
$("join").onsubmit = (submit) => {
	submit.preventDefault();
	me = {name: $("name").value, room: $("wanted").value};
	location.hash = new URLSearchParams({room: me.room}); // an address to give to others
	attempts = 0;
	connect();
};
$("say").onsubmit = (submit) => {
	submit.preventDefault();
	if (socket.readyState === WebSocket.OPEN && $("text").value.trim()) {
		socket.send($("text").value);
		$("text").value = "";
	}
};
$("retry").onclick = connect;
$("leave").onclick = () => {
	clearTimeout(timer);
	socket.onmessage = socket.onclose = null;
	socket.close(1000);
	out("");
};
