// Words that the server does not have yet, by person, case and field, in this tab: offered again when the case is opened.
const $ = (selector) => document.querySelector(selector);
const PREFIX = "amends-unkept:";
const MOST = 5;

/** Where a field's words are put aside; taken before a case goes, it stays good afterwards. */
export function place(field, id = $("#the-case")?.dataset.case) {
  const me = $("#the-case")?.dataset.me;
  return me && id ? `${PREFIX}${me}:${id}:${field}` : "";
}

function read(key) {
  try {
    return { now: "", earlier: [], ...JSON.parse(sessionStorage.getItem(key)) };
  } catch {
    return { now: "", earlier: [] };
  }
}

function write(key, { now, earlier }) {
  if (!key) return;
  try {
    if (now || earlier.length) sessionStorage.setItem(key, JSON.stringify({ now, earlier }));
    else sessionStorage.removeItem(key);
  } catch {
    // Full, or switched off: the words are on the page still.
  }
}

/** These words stand in the field now. */
export function typing(key, words) {
  write(key, { ...read(key), now: words.trim() ? words : "" });
}

/** These words give way to others. */
export function aside(key, words) {
  const { now, earlier } = read(key);
  if (words.trim()) write(key, { now, earlier: [...earlier.filter((one) => one !== words), words].slice(-MOST) });
}

/** The server has these words, or nobody wants them. */
export function settled(key, words) {
  const { now, earlier } = read(key);
  write(key, { now: now === words ? "" : now, earlier: earlier.filter((one) => one !== words) });
}

export function forget(key) {
  if (key) sessionStorage.removeItem(key);
}

/** Offer what was typed before and not kept; `bring` puts words into the field, where there is one. */
export function offer(key, slot, shown, bring) {
  if (!key || !slot) return;
  const { now } = read(key);
  if (now && now !== shown) aside(key, now);
  write(key, { ...read(key), now: "" });
  settled(key, shown);
  slot.replaceChildren(...read(key).earlier.map((words) => notice(key, words, bring)));
}

function notice(key, words, bring) {
  const make = (name, text, more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });
  const box = make("div", "", { className: "notice unkept" }), acts = make("div", "", { className: "acts" });
  const said = make("blockquote", words, { dir: "auto" });
  box.dataset.test = "unkept";
  const press = (text, test, act) => {
    const button = make("button", text, { type: "button", className: "ghost" });
    button.dataset.test = test;
    button.addEventListener("click", () => {
      box.remove();
      settled(key, words);
      act?.();
    });
    acts.append(button);
  };
  if (bring) press("Bring back what you typed", "bring-back", () => bring(words));
  press("Let it go", "let-go");
  box.append(make("b", "What you typed here before was not kept"), said, acts);
  return box;
}

const note = () => $("#note");

function bringNote(words) {
  note().value = note().value ? `${note().value}\n${words}` : words;
  typing(place("note"), note().value);
  note().focus();
}

function begin() {
  const field = note();
  if (!field || field.dataset.begun) return;
  field.dataset.begun = "yes";
  offer(place("note"), $("#note-unkept"), field.value, bringNote);
}

/** Whether a note stands there that was not kept. */
export const noteUnkept = () => Boolean(note()?.value.trim());

document.addEventListener("input", (event) => event.target === note() && typing(place("note"), note().value));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const dialog = event.target.closest?.("dialog[open]"), go = dialog?.querySelector("form button.go");
  if (event.target !== note() && !go) return;
  event.preventDefault();
  if (go) go.form.requestSubmit(go);
  else note().form.requestSubmit();
});
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail, found = /\/cases\/(\d+)\/note$/.exec(ctx.request.action);
  if (found && ctx.response?.status < 300) forget(place("note", found[1]));
});
document.addEventListener("htmx:after:swap", begin);
document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action") !== "/sign-out") return;
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
});
begin();
