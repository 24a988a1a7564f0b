// The composer: marks under the words as they are typed, drafts as choices, and nothing that was typed gets lost.
import { copy, notify } from "./desk.js";

const GAP = /\[\[[a-z][a-z ]{0,29}\]\]/g;
const form = () => document.querySelector("#reply");
const sheet = () => document.querySelector("#reply-text");
const state = (name) => form().elements[name];

// `at`: the words as they were when they were last kept or shown; `mine`: a person's own, set aside for a draft.
let at = "", mine = null, checking = 0, keeping = 0, inFlight = null;

/** Whether somebody's words stand here that the server does not have, or the cursor is among them. */
export function composing() {
  const text = sheet();
  return Boolean(text && !form().hidden && (text.value !== at || document.activeElement === text));
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

/** Keep the words as they are now; answers whether the server has them. */
export async function keep({ leaving = false } = {}) {
  clearTimeout(keeping);
  if (inFlight) await inFlight;
  const text = sheet(), list = document.querySelector("#checks");
  if (!text || !list || text.value === at || !text.value.trim()) return true;
  if (document.querySelector(".clash")) return false; // a person decides first which words stand
  const words = text.value, body = new URLSearchParams(new FormData(form()));
  const request = fetch(list.dataset.keep, { method: "POST", body, keepalive: leaving, headers: { "HX-Request": "true" } }).catch(() => null);
  inFlight = request.then(async (response) => {
    if (sheet() !== text) return false;
    if (response?.status === 409) {
      document.querySelector("#composer-news").innerHTML = await response.text();
      say("Not kept yet");
      return false;
    }
    if (!response?.ok) {
      say("Not kept: trying again");
      keeping = setTimeout(keep, 5000);
      return false;
    }
    const answer = await response.json();
    if (answer.kept) {
      kept(answer);
      at = words;
      say(`✓ kept ${answer.at}`);
    }
    return true;
  });
  const result = await inFlight;
  inFlight = null;
  return result;
}

function kept({ reply_id, version }) {
  if (!form()) return;
  state("reply_id").value = reply_id;
  state("version").value = version;
}

function choose(id, { draft = document.querySelector(`[data-text="${id}"]`) } = {}) {
  const text = sheet(), own = document.querySelector('[data-draft="mine"]');
  const shown = document.querySelector('[data-draft][aria-pressed="true"]')?.dataset.draft;
  if (shown === "mine") mine = { words: text.value, lang: text.lang };
  const words = id === "mine" ? mine?.words : draft?.content.textContent;
  if (words === undefined) return;
  for (const button of document.querySelectorAll("[data-draft]")) button.ariaPressed = String(button.dataset.draft === id);
  const lang = id === "mine" ? mine.lang : document.querySelector(`[data-draft="${id}"]`).dataset.lang;
  text.value = words;
  text.lang = lang || "und";
  state("lang").value = text.lang;
  if (id !== "mine") state("suggestion_id").value = id;
  own.hidden = mine === null;
  // A draft that was only looked at is not kept: what the server holds are the words of a person.
  if (id !== "mine" || !at) at = text.value;
  draw();
  check();
}

function typed() {
  const own = document.querySelector('[data-draft="mine"]');
  if (own && own.ariaPressed !== "true") {
    for (const button of document.querySelectorAll("[data-draft]")) button.ariaPressed = String(button === own);
    own.hidden = false;
  }
  mine = { words: sheet().value, lang: sheet().lang };
  say("");
  draw();
  clearTimeout(checking);
  clearTimeout(keeping);
  checking = setTimeout(check, 250);
  keeping = setTimeout(keep, 900);
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
  clearTimeout(keeping);
  if (inFlight) await inFlight;
  const text = sheet(), first = await obstacle();
  if (first) {
    if (first === text) text.focus();
    else if (first.matches("[data-next-gap]")) nextGap();
    else show(first);
    return;
  }
  if (form().dataset.manual) {
    const post = document.querySelector("#reply [data-open]")?.dataset.open;
    if (!(await copy(text.value))) notify("The text could not be copied", "Copy it from your reply above, then post it.");
    if (post) open(post, "_blank", "noopener");
  }
  htmx.trigger(form(), "amends:approve");
}

function settle(which) {
  const theirs = document.querySelector(".clash");
  if (!theirs) return;
  if (which === "reload") return location.reload();
  kept({ reply_id: theirs.dataset.reply, version: theirs.dataset.version });
  if (which === "theirs") {
    mine = { words: sheet().value, lang: sheet().lang };
    sheet().value = theirs.querySelector("[data-theirs]").textContent;
    at = sheet().value;
  } else at = "";
  theirs.remove();
  draw();
  check();
  if (which === "mine") keep();
}

function begin() {
  const text = sheet();
  if (!text || text.dataset.begun) return;
  text.dataset.begun = "yes";
  at = text.value;
  mine = state("reply_id").value ? { words: text.value, lang: text.lang } : null;
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
  kept(event.detail);
  if (sheet()) at = sheet().value;
});
document.addEventListener("htmx:before:request", (event) => event.detail.ctx.target?.id === "case" && keep({ leaving: true }));
document.addEventListener("htmx:after:swap", begin);
document.addEventListener("visibilitychange", () => document.hidden && keep({ leaving: true }));
addEventListener("pagehide", () => keep({ leaving: true }));
begin();
