// Live: the server says what has changed, and what is on the page is fetched again, quietly and in its place.
import { composing } from "./composer.js";

let source = null, timer = 0, wanted = { lists: false, sources: false, cases: new Set() };

function listen() {
  if (source || document.hidden || !document.querySelector("#desk")) return;
  source = new EventSource("/live");
  source.addEventListener("hello", () => want({ kinds: ["case", "source"], cases: [] }, 0, true));
  source.addEventListener("changed", (event) => want(JSON.parse(event.data), 250));
}

// A hidden tab lets go: browsers allow only a handful of connections to one host.
function rest() {
  source?.close();
  source = null;
}

function want(news, wait, all = false) {
  wanted.lists ||= news.kinds.some((kind) => kind !== "source");
  wanted.sources ||= news.kinds.includes("source");
  for (const id of news.cases) wanted.cases.add(String(id));
  const shown = document.querySelector("#the-case")?.dataset.case;
  if (all && shown) wanted.cases.add(shown);
  clearTimeout(timer);
  timer = setTimeout(fetchAgain, wait);
}

let first = true;

function fetchAgain() {
  const { lists, sources, cases } = wanted;
  wanted = { lists: false, sources: false, cases: new Set() };
  if (first) {
    first = false; // the page has just come: it shows what there is
    return;
  }
  if (lists || sources) document.body.dispatchEvent(new CustomEvent("amends:changed"));
  if (sources) document.body.dispatchEvent(new CustomEvent("amends:sources"));
  const shown = document.querySelector("#the-case");
  if (shown && cases.has(shown.dataset.case)) refreshCase(shown);
}

function refreshCase(shown) {
  const query = new URLSearchParams({ keep: composing() });
  for (const input of document.querySelectorAll("#composer [data-state]")) query.set(input.name, input.value);
  const of = (name) => document.querySelector(`#composer [name=${name}]`)?.value ?? "";
  for (const name of ["revision", "standing", "newest"]) query.set(name, of(name));
  query.set("mention", of("mention_id"));
  query.set("drafts", [...document.querySelectorAll("#reply [data-text]")].map((draft) => draft.dataset.text).join());
  query.set("answer", new URLSearchParams(location.search).get("answer") ?? "");
  htmx.ajax("GET", `/cases/${shown.dataset.case}/live?${query}`, { source: shown, target: "#notice", swap: "none" });
}

// Somebody has begun to write while the answer was under way: their words stay. Or has sent them: they need no news.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  if (!ctx.request?.action.includes("/live?")) return;
  const stale = composing() ? "composer" : ctx.request.action.includes("keep=true") ? "composer-news" : "";
  const place = tasks.findIndex((task) => stale && task.target?.id === stale);
  if (place >= 0) tasks.splice(place, 1);
});
document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
addEventListener("pagehide", rest);
addEventListener("pageshow", listen);
setInterval(() => {
  const shown = document.querySelector("#the-case");
  if (shown && !document.hidden) refreshCase(shown);
}, 60000);
listen();
