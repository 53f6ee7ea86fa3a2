/* The page works as plain forms without this file. This spares the reloads: it sends forms in the
   background, listens for news, and merges the fresh page into the one that is open, so that
   focus, scroll and half-typed words stay where they are. */
"use strict";

/* ---------- fresh page into open page ---------- */

/* Attributes that belong to the person looking, not to the server. */
const OURS = new Set(["open", "tabindex", "aria-current"]);

function merge(now, next) {
  if (now.isEqualNode(next)) return;
  if (now.nodeName !== next.nodeName) { now.replaceWith(next); return; }
  if (now.nodeType !== Node.ELEMENT_NODE) { now.nodeValue = next.nodeValue; return; }
  if (now.hasAttribute("data-own")) return;
  for (const { name } of [...now.attributes])
    if (!next.hasAttribute(name) && !OURS.has(name)) now.removeAttribute(name);
  for (const { name, value } of next.attributes)
    if (!OURS.has(name) && now.getAttribute(name) !== value) now.setAttribute(name, value);
  const kept = new Set([...next.children].map(el => el.id));
  for (const child of [...now.children]) if (child.id && !kept.has(child.id)) child.remove();
  const named = new Map([...now.children].filter(el => el.id).map(el => [el.id, el]));
  let at = now.firstChild;
  for (const child of [...next.childNodes]) {
    const same = child.id ? named.get(child.id)
      : at && !at.id && at.nodeName === child.nodeName ? at : null;
    /* what has no name gives way: moving a named element would lose its focus and scroll */
    while (child.id && same && at && at !== same && !at.id) at = drop(at);
    if (!same) { now.insertBefore(child, at); continue; }
    if (same === at) at = at.nextSibling; else now.insertBefore(same, at);
    merge(same, child);
  }
  while (at) at = drop(at);
}

function drop(node) { const next = node.nextSibling; node.remove(); return next; }

/* ---------- news ---------- */

let fetching = false, again = false, away = false, stream = null;

async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    const answer = await fetch(location.href.split("#")[0], { headers: { Accept: "text/html" } });
    if (answer.ok) {
      merge(document.body, new DOMParser().parseFromString(await answer.text(), "text/html").body);
      ready();
      if (away) note("");
    }
  } catch { /* the server is away: the stream asks again by itself */ }
  fetching = false;
  if (again) { again = false; setTimeout(refresh, 400); }
}

function listen() {
  if (document.hidden) { stream?.close(); stream = null; return; }
  if (stream) return;
  stream = new EventSource("/events?seen=" + document.body.dataset.version);
  stream.onmessage = refresh;
}
document.addEventListener("visibilitychange", listen);

function note(text) { away = false; document.getElementById("note").textContent = text; }

/* ---------- forms ---------- */

document.addEventListener("submit", async event => {
  const form = event.target, button = event.submitter;
  event.preventDefault();
  if (form.method === "get") { choose(button.value); return; }
  const box = form.querySelector("input[name=text]");
  if (button?.classList.contains("mic") && !form.classList.contains("recording")) { record(form); return; }
  const voice = stopRecording(form);
  const action = voice ? form.querySelector("[formaction]").formAction
    : button?.hasAttribute("formaction") ? button.formAction : form.action;
  try {
    const answer = await fetch(action, { method: "POST", body: new URLSearchParams(new FormData(form, button)), headers: { Accept: "application/json" } });
    note(answer.ok ? "" : await reason(answer));
    if (answer.ok && box && !voice) box.value = "";
  } catch { note("De oefentelefoons antwoorden niet. Draait de server nog?"); away = true; }
  refresh();
});

async function reason(answer) {
  try { return (await answer.json()).error || answer.statusText; } catch { return answer.statusText || "Dat lukte niet."; }
}

/* ---------- typing and recording ---------- */

document.addEventListener("click", event => {
  const el = event.target.closest("button");
  if (el?.matches("[data-key]")) {
    const box = el.closest(".screen").querySelector("input[name=text]");
    box.value = el.textContent; box.focus();
  } else if (el?.matches("[data-cancel]")) {
    const form = el.closest("form"); stopRecording(form); form.querySelector("input").focus();
  } else if (el?.closest("[data-voice]")) {
    const audio = el.closest("[data-voice]").querySelector("audio");
    if (audio.paused) audio.play().catch(() => note("Dit geluid kan niet worden afgespeeld.")); else audio.pause();
  }
  for (const menu of document.querySelectorAll(".menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});

const timers = new WeakMap();

function record(form) {
  const started = Date.now(), rec = form.querySelector(".rec"), text = rec.querySelector("[data-timer]");
  form.classList.add("recording"); form.querySelector("input").required = false;
  rec.hidden = false; text.textContent = "0:00";
  timers.set(form, setInterval(() => { text.textContent = length((Date.now() - started) / 1000); }, 250));
  form.querySelector(".go").focus();
}

function stopRecording(form) {
  if (!form.classList.contains("recording")) return false;
  clearInterval(timers.get(form));
  form.classList.remove("recording"); form.querySelector("input").required = true;
  form.querySelector(".rec").hidden = true;
  return true;
}

const length = seconds => Math.floor(seconds / 60) + ":" + String(Math.floor(seconds % 60)).padStart(2, "0");

/* ---------- what only works with this file ---------- */

function ready() {
  document.querySelectorAll("[data-voice]:not([data-own])").forEach(player);
  rows();
  document.querySelectorAll(".unit").forEach(unit => watcher.observe(unit));
}

/* The browser's own player becomes the one a phone has: button, line, length. */
function player(box) {
  const audio = box.querySelector("audio");
  if (!audio) return;
  box.dataset.own = "";
  for (const el of box.querySelectorAll("[hidden]")) el.removeAttribute("hidden");
  audio.hidden = true; audio.controls = false;
  const bars = box.querySelectorAll(".wave path"), text = box.querySelector(".len");
  const show = () => {
    const whole = Number.isFinite(audio.duration) ? audio.duration : 0;
    text.textContent = length(audio.currentTime || whole);
    bars.forEach((bar, i) => bar.classList.toggle("past", whole > 0 && i / bars.length < audio.currentTime / whole));
    box.classList.toggle("playing", !audio.paused);
  };
  for (const event of ["loadedmetadata", "timeupdate", "play", "pause"]) audio.addEventListener(event, show);
  audio.addEventListener("ended", () => { audio.currentTime = 0; show(); });
  show();
}

/* ---------- the drawer: one row is in the tab order, arrows walk ---------- */

const buttons = () => [...document.querySelectorAll("[data-grid] tbody button")];

function rows() {
  const all = buttons(), held = all.find(b => b === document.activeElement)
    || all.find(b => b.closest("tr").getAttribute("aria-selected") === "true") || all[0];
  for (const button of all) button.tabIndex = button === held ? 0 : -1;
}

function choose(id) {
  const url = new URL(location.href);
  url.searchParams.set("exchange", id);
  history.replaceState(null, "", url);
  for (const row of document.querySelectorAll("[data-grid] tbody tr"))
    row.setAttribute("aria-selected", String(row.id === "x" + id));
  refresh();
}

document.addEventListener("keydown", event => {
  const all = buttons(), at = all.indexOf(document.activeElement);
  if (at < 0) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || !all[to]) return;
  event.preventDefault();
  all[to].focus(); rows(); choose(all[to].value);
});

/* ---------- narrow screens: the tab of the phone in view is current ---------- */

const watcher = new IntersectionObserver(seen => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    for (const tab of document.querySelectorAll(".tabs a")) tab.hash === "#" + target.id ? tab.setAttribute("aria-current", "true") : tab.removeAttribute("aria-current");
  }
}, { root: document.getElementById("row"), threshold: .6 });

document.getElementById("tabs")?.addEventListener("click", event => {
  const tab = event.target.closest("a");
  if (!tab) return;
  event.preventDefault();
  const row = document.getElementById("row"), unit = document.querySelector(tab.hash);
  row.scrollBy({ left: unit.getBoundingClientRect().left - row.getBoundingClientRect().left - 16 });
});

document.documentElement.classList.add("js");
ready();
listen();
/* The window and the clock run on without any news. */
setInterval(() => { if (!document.hidden) refresh(); }, 20000);
