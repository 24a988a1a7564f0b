// The composer: marks under the words as they are typed, drafts as choices, and nothing that was typed gets lost.
import { copy, notify } from "./desk.js";
import { aside, forget, noteUnkept, offer, place, settled, typing } from "./unkept.js";

const GAP = /\[\[[a-z][a-z ]{0,29}\]\]/g;
const form = () => document.querySelector("#reply");
const sheet = () => document.querySelector("#reply-text");
const state = (name) => form().elements[name];

// `saved`: the words the server has; `base`: a draft as it was made; `mine`: a person's own, set aside for a draft;
// `edited`: drafts as a person changed them beside their own words; `approving`: what `saved` was before that.
let saved = null, base = null, mine = null, approving = null, leaves = false, checking = 0, keeping = 0, line = Promise.resolve(true);
const edited = new Map();

/** Whether a person's words stand here that the server does not have. */
function unkept() {
  const text = sheet();
  return Boolean(text && !approving && text.value.trim() && text.value !== base && text.value !== saved);
}

/** Whether somebody's words stand here that the server does not have, or the cursor is among them. */
export function composing() {
  const text = sheet();
  return Boolean(text && !form().hidden && (approving || unkept() || document.activeElement === text));
}

function draw() {
  const text = sheet(), under = document.querySelector("#under");
  if (!text || !under) return;
  const points = [...text.value];
  const spans = [...text.value.matchAll(GAP)].map((m) => {
    const start = [...text.value.slice(0, m.index)].length;
    return { start, end: start + m[0].length, name: "gap" };
  });
  const list = document.querySelector("#checks");
  if (list?.dataset.of === undefined || list.dataset.of === text.value) {
    for (const item of document.querySelectorAll(".findings li")) {
      const start = Number(item.dataset.start), end = Number(item.dataset.end);
      const whole = start === 0 && end >= points.length;
      if (!whole && end > start && !spans.some((s) => s.start < end && start < s.end)) {
        spans.push({ start, end, name: item.dataset.severity });
      }
    }
  }
  spans.sort((a, b) => a.start - b.start);
  const parts = [];
  let from = 0;
  for (const { start, end, name } of spans) {
    const word = document.createElement("span");
    word.className = name;
    word.textContent = points.slice(start, end).join("");
    parts.push(points.slice(from, start).join(""), word);
    from = end;
  }
  // The last line needs something on it, or it has no height.
  under.replaceChildren(...parts, points.slice(from).join("") + "\u200b");
}

async function check() {
  const text = sheet(), list = document.querySelector("#checks");
  if (!text || !list) return;
  const words = text.value;
  const response = await fetch(list.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form())), headers: { "HX-Request": "true" } }).catch(() => null);
  if (!response?.ok) return;
  const found = document.createElement("template");
  found.innerHTML = await response.text(); // our own template, escaped there
  if (sheet() !== text || text.value !== words) return;
  document.querySelector("#count").replaceChildren(found.content.querySelector(".count"));
  list.replaceChildren(found.content);
  list.dataset.of = words;
  draw();
}

function say(words) {
  const slot = document.querySelector("#saved");
  if (slot) slot.textContent = words;
}

function news(html) {
  const slot = document.querySelector("#composer-news");
  if (!slot) return;
  slot.innerHTML = html; // our own template, escaped there
  slot.dataset.trouble = html && "yes";
}

/** Keep the words as they are now; answers whether the server has them. One after the other: each knows the version. */
export function keep({ leaving = false } = {}) {
  clearTimeout(keeping);
  const text = sheet(), list = document.querySelector("#checks");
  if (!list || !unkept()) return line;
  const sent = { text, of: form(), path: list.dataset.keep, words: text.value, key: place("reply"), leaving };
  const body = new URLSearchParams(new FormData(sent.of));
  line = line.then(() => send(sent, body)).catch(() => false);
  return line;
}

async function send({ text, of, path, words, key, leaving }, body) {
  const here = () => sheet() === text;
  if (approving || (here() && saved === words)) return true;
  if (here() && document.querySelector(".clash")) {
    say("Not kept yet: choose above");
    return false; // a person decides first which words stand
  }
  for (const name of ["reply_id", "version"]) body.set(name, of.elements[name].value);
  const response = await fetch(path, { method: "POST", body, keepalive: leaving, headers: { "HX-Request": "true" } }).catch(() => null);
  if (response?.ok) {
    const answer = await response.json();
    settled(key, words);
    if (answer.kept) hold(answer, of);
    if (!here()) return true;
    saved = words;
    if (document.querySelector("#composer-news").dataset.trouble) news("");
    say(answer.kept ? `✓ kept ${answer.at}` : "Approved already");
    return true;
  }
  if (!here()) return false;
  const status = response?.status ?? 0;
  if (status >= 400 && status < 500) news(await response.text());
  if (status === 409) say("Not kept yet");
  else if (status === 401) say("Not kept: you were signed out");
  else if (status >= 400 && status < 500) say("Not kept"); // final: it says why, and the words stay here
  else say("Not kept: trying again");
  if (status === 401 || status < 400 || status >= 500) keeping = setTimeout(keep, status === 401 ? 15000 : 5000);
  return false;
}

function hold(state, of = form()) {
  for (const name of ["reply_id", "version", "revision", "standing"]) {
    if (of && state[name] !== undefined) of.elements[name].value = state[name];
  }
}

const chip = (id) => document.querySelector(`[data-draft="${id}"]`);
const pressed = () => document.querySelector('[data-draft][aria-pressed="true"]')?.dataset.draft;

function press(id) {
  for (const button of document.querySelectorAll("[data-draft]")) button.ariaPressed = String(button.dataset.draft === id);
}

function choose(id) {
  const text = sheet(), from = pressed(), made = document.querySelector(`[data-text="${id}"]`)?.content.textContent;
  const words = id === "mine" ? mine?.words : (edited.get(id) ?? made);
  if (words === undefined || (from === id && from === "mine")) return;
  if (unkept()) keep();
  if (from === "mine") mine = { words: text.value, lang: text.lang };
  else if (from && text.value !== base) edited.set(from, text.value);
  press(id);
  text.value = words;
  text.lang = (id === "mine" ? mine.lang : chip(id).dataset.lang) || "und";
  state("lang").value = text.lang;
  if (id !== "mine") state("suggestion_id").value = id;
  chip("mine").hidden = mine === null;
  // A draft that was only looked at is not kept: what the server holds are the words of a person.
  base = id === "mine" ? null : made;
  if (unkept()) keeping = setTimeout(keep, 900);
  draw();
  check();
}

function typed() {
  const text = sheet(), from = pressed(), key = place("reply");
  if (from && from !== "mine" && mine === null) {
    press("mine");
    chip("mine").hidden = false;
  }
  if (!from || pressed() === "mine") mine = { words: text.value, lang: text.lang };
  else {
    edited.set(from, text.value); // one's own words stay as they are, under their own button
    aside(key, mine.words);
  }
  typing(key, text.value === saved ? "" : text.value);
  say(text.value.trim() ? "" : "An empty reply is not kept");
  draw();
  clearTimeout(checking);
  clearTimeout(keeping);
  checking = setTimeout(check, 250);
  keeping = setTimeout(keep, 900);
}

/** Put words that were not kept into the sheet again; what stands there gives way. */
function bring(words) {
  const text = sheet();
  if (text.value !== base) aside(place("reply"), text.value);
  if (form().hidden) document.querySelector("[data-unfold]")?.click();
  if (chip("mine")) {
    press("mine");
    chip("mine").hidden = false;
  }
  base = null;
  text.value = words;
  typed();
  text.focus();
}

function nextGap() {
  const text = sheet();
  if (!text) return;
  const gaps = [...text.value.matchAll(GAP)];
  const next = gaps.find((gap) => gap.index >= text.selectionEnd) ?? gaps[0];
  text.focus();
  if (next) text.setSelectionRange(next.index, next.index + next[0].length);
}

function show(finding) {
  const { start, end } = finding.closest("li").dataset, text = sheet();
  const place = (count) => [...text.value].slice(0, Number(count)).join("").length;
  text.focus();
  text.setSelectionRange(place(start), place(end));
}

/** What stands in the way of sending, as far as it is known here; the server asks again. */
async function obstacle() {
  const text = sheet(), list = document.querySelector("#checks");
  if (!text.value.trim()) return text;
  if ([...text.value.matchAll(GAP)].length) return document.querySelector("[data-next-gap]") ?? text;
  if (list.dataset.of !== undefined && list.dataset.of !== text.value) await check();
  return document.querySelector(".findings .block [data-finding]");
}

async function approve() {
  if (approving) return;
  clearTimeout(keeping);
  await line;
  const text = sheet(), first = await obstacle();
  if (first) {
    if (first === text) text.focus();
    else if (first.matches("[data-next-gap]")) nextGap();
    else show(first);
    return;
  }
  if (approving || sheet() !== text) return;
  // From here on these words are the approval's: when the field goes with the swap, they are no draft any more.
  approving = { before: saved };
  saved = text.value;
  clearTimeout(keeping);
  if (form().dataset.manual) {
    const post = document.querySelector("#reply [data-open]")?.dataset.open;
    if (!(await copy(text.value))) notify("The text could not be copied", "Copy it from your reply above, then post it.");
    if (post) open(post, "_blank", "noopener");
  }
  htmx.trigger(form(), "amends:approve");
}

/** The answer to an approval has come, or none came: where it was refused, the words go on as a draft. */
function approved({ ctx }) {
  const found = /\/cases\/(\d+)\/approve$/.exec(ctx.request.action);
  if (!found) return;
  if (ctx.response?.status < 300) forget(place("reply", found[1]));
  else if (approving) {
    saved = approving.before;
    approving = null;
    if (unkept()) keeping = setTimeout(keep, 5000);
  }
}

function settle(which) {
  const theirs = document.querySelector(".clash");
  if (!theirs) return;
  if (which === "reload") {
    leaves = true; // what was typed is offered again there
    return location.reload();
  }
  const words = theirs.querySelector("[data-theirs]").textContent, text = sheet();
  hold({ reply_id: theirs.dataset.reply, version: theirs.dataset.version });
  saved = words;
  if (which === "theirs") {
    settled(place("reply"), text.value);
    aside(place("reply"), text.value);
    text.value = words;
    if (!pressed() || pressed() === "mine") mine = { words, lang: text.lang };
  }
  news("");
  draw();
  check();
  if (which === "mine") keep();
}

function begin() {
  const whole = document.querySelector("#composer"), text = sheet();
  if (!whole || whole.dataset.begun) return;
  whole.dataset.begun = "yes";
  approving = mine = base = saved = null;
  edited.clear();
  if (text) {
    if (state("reply_id").value) {
      saved = text.value;
      mine = { words: text.value, lang: text.lang };
    } else base = text.value;
  }
  offer(place("reply"), document.querySelector("#composer-unkept"), text?.value ?? "", text && bring);
  draw();
}

document.addEventListener("input", (event) => event.target === sheet() && typed());
document.addEventListener("focusout", (event) => event.target === sheet() && keep());
document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  approve();
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === sheet()) {
    event.preventDefault();
    form().requestSubmit();
  } else if (event.altKey && event.key === ".") {
    event.preventDefault();
    nextGap();
  }
});
document.addEventListener("click", (event) => {
  const hit = (selector) => event.target.closest(selector);
  if (hit("[data-draft]")) choose(hit("[data-draft]").dataset.draft);
  else if (hit("[data-next-gap]")) nextGap();
  else if (hit("[data-finding]")) show(hit("[data-finding]"));
  else if (hit("[data-clash]")) settle(hit("[data-clash]").dataset.clash);
  else if (hit("[data-unfold]")) {
    form().hidden = false;
    hit("[data-unfold]").parentElement.hidden = true;
    sheet().focus();
    draw();
  }
});
document.addEventListener("amends:kept", (event) => {
  if (!form()) return;
  hold(event.detail);
  saved = sheet().value;
  settled(place("reply"), saved);
  approving = null;
});
document.addEventListener("htmx:finally:request", (event) => approved(event.detail));
document.addEventListener("htmx:before:request", (event) => event.detail.ctx.target?.id === "case" && keep({ leaving: true }));
document.addEventListener("htmx:after:swap", begin);
document.addEventListener("visibilitychange", () => keep({ leaving: document.hidden }));
addEventListener("pagehide", () => keep({ leaving: true }));
addEventListener("beforeunload", (event) => {
  const lost = unkept() || noteUnkept();
  keep({ leaving: true });
  if (lost && !leaves) event.preventDefault();
});
begin();
