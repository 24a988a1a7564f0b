// The desk's own behaviour around htmx: dialogs, notices, the theme, the chosen row, copying.
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

export function notify(title, words) {
  const box = document.createElement("div");
  box.className = "problem";
  const text = document.createElement("div");
  const head = document.createElement("b");
  head.textContent = title;
  text.append(head, words);
  const close = document.createElement("button");
  close.type = "button";
  close.dataset.dismiss = "";
  close.ariaLabel = "Dismiss";
  close.textContent = "✕";
  box.append(text, close);
  $("#notice")?.replaceChildren(box);
}

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) {
    for (const slot of $$("[data-problem]", dialog)) slot.replaceChildren();
    dialog.showModal();
  }
}

const THEMES = { system: "as the system", light: "light", dark: "dark" };

function themeNow() {
  return document.documentElement.dataset.theme ?? "system";
}

function sayTheme() {
  for (const slot of $$("[data-theme-word]")) slot.textContent = THEMES[themeNow()];
}

function nextTheme() {
  const order = Object.keys(THEMES);
  const next = order[(order.indexOf(themeNow()) + 1) % order.length];
  if (next === "system") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("amends-theme");
  } else {
    document.documentElement.dataset.theme = next;
    localStorage.setItem("amends-theme", next);
  }
  sayTheme();
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function mark(id) {
  for (const row of $$("a.row")) {
    if (row.dataset.row === id) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

/** A case has come into its pane: its row is marked, and its newest post is in sight. */
function settle() {
  const shown = $("#the-case");
  if (!shown) return;
  mark(shown.dataset.case);
  const talk = $("#talk"), newest = $("[data-newest]", shown);
  if (talk && newest && talk.scrollHeight > talk.clientHeight) talk.scrollTop = newest.offsetTop - 16;
}

document.addEventListener("click", async (event) => {
  const dialog = event.target.closest("[data-dialog]");
  if (dialog) return openDialog(dialog.dataset.dialog);
  const close = event.target.closest("[data-close]");
  if (close) return close.closest("dialog").close();
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) return dismiss.parentElement.remove();
  if (event.target.closest("[data-theme-next]")) return nextTheme();
  if (event.target.closest("#take")) {
    const choice = $("#assignee");
    choice.value = choice.dataset.me;
    return choice.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const copying = event.target.closest("[data-copy]");
  if (copying) {
    const done = await copy(document.getElementById(copying.dataset.copy).textContent);
    copying.textContent = done ? "Copied ✓" : "Select the text and copy it";
  }
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

// The server says that a move was made: dialogs close, fields that were kept are empty again, lists are fetched anew.
document.addEventListener("amends:done", () => {
  for (const dialog of $$("dialog[open]")) dialog.close();
  $("#notice")?.replaceChildren();
  document.body.dispatchEvent(new CustomEvent("amends:changed"));
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement;
  if (ctx.response?.status < 300 && form.matches?.("form[data-clear]")) form.reset();
  if (ctx.response?.status >= 400 && form.matches?.("form[data-back]")) form.reset();
});

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  if (ctx.target?.id === "case") settle();
  if (/\/(approve|note)$/.test(ctx.request.action) && ctx.response?.status < 300) $("#talk").scrollTop = $("#talk").scrollHeight;
  sayTheme();
});

document.addEventListener("htmx:error", (event) => {
  const { ctx, error } = event.detail;
  console.error(error);
  if (ctx?.request?.method === "POST") notify("The desk cannot be reached", "Nothing was changed. What you typed is still here: try again in a moment.");
});

sayTheme();
settle();
