// Keys: every action that shows a key acts on it, unless somebody is writing.
import { openDialog } from "./desk.js";

const FIELDS = "input, textarea, select, [contenteditable]";
let going = 0;

const singleKeys = () => localStorage.getItem("amends-keys") !== "off";

function rows() {
  const list = [...document.querySelectorAll("a.row")];
  return list.length ? list : [...document.querySelectorAll(".stream > li .acts :is(a, button):first-child")];
}

function move(step) {
  const list = rows();
  if (!list.length) return;
  let at = list.indexOf(document.activeElement);
  if (at < 0) at = list.findIndex((row) => row.hasAttribute("aria-current")) - (step > 0 ? 0 : 0);
  const next = list[Math.min(Math.max(at + step, 0), list.length - 1)];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const seen = (element) => element.offsetParent !== null && !element.disabled;
  const field = [...document.querySelectorAll(`[data-key-focus="${key}"]`)].find(seen);
  if (field) {
    field.focus();
    if (field.matches("textarea")) field.setSelectionRange(field.value.length, field.value.length);
    return true;
  }
  const button = [...document.querySelectorAll(`[data-key="${key}"]`)].find(seen);
  button?.click();
  return Boolean(button);
}

function go(key) {
  const link = document.querySelector(`[data-go="g ${key}"]`);
  if (link) location.assign(link.href);
  return Boolean(link);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches(FIELDS) && !event.target.closest("dialog")) {
    event.target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.matches(FIELDS) || document.querySelector("dialog[open]") || !singleKeys()) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  let done = true;
  if (Date.now() - going < 1200) {
    going = 0;
    done = go(key);
  } else if (key === "g") going = Date.now();
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "?") openDialog("help");
  else if (key === "/") {
    const search = document.querySelector("#search");
    search?.focus();
    search?.select();
    done = Boolean(search);
  } else if (/^[a-z0-9]$/.test(key)) done = press(key);
  else done = false;
  if (done) event.preventDefault();
});

document.addEventListener("change", (event) => {
  if (event.target.id === "single-keys") localStorage.setItem("amends-keys", event.target.checked ? "on" : "off");
});

const box = document.querySelector("#single-keys");
if (box) box.checked = singleKeys();
