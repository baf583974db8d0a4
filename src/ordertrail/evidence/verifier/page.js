/* The page around the verifier: what it carries is checked, told step by step, and shown. Text only, never markup. */

const find = (id) => document.getElementById(id);

// Invisible characters that can make text look like another (controls, overrides of direction) are shown by their codes.
const MISLEADING = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const visible = (text) =>
  text.replace(MISLEADING, (one) => `[U+${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);

function element(name, content = "", className = "") {
  const made = document.createElement(name);
  made.textContent = visible(content);
  if (className) made.className = className;
  return made;
}

const EXPONENTS = { BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0,
  XAF: 0, XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3, CLF: 4, UYW: 4 };

/** A value as a person would write it. */
function words(value) {
  if (value === undefined) return "";
  if (value === null) return "nothing";
  if (typeof value !== "object") return String(value);
  if (Number.isInteger(value.amount) && typeof value.currency === "string") {
    const places = EXPONENTS[value.currency] ?? 2, sign = value.amount < 0 ? "-" : "";
    const digits = String(Math.abs(value.amount)).padStart(places + 1, "0");
    return `${sign}${places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits} ${value.currency}`;
  }
  if (value.sealed) return "(sealed personal data)";
  if (value.blob) return `(document of ${value.blob.length} bytes, ${value.blob.sha256.slice(0, 12)}…)`;
  return JSON.stringify(value);
}

function changesTable(event, disclosed) {
  const table = element("table"), head = element("tr");
  head.append(...["field", "before", "after"].map((word) => element("th", word)));
  head.querySelectorAll("th").forEach((cell) => cell.setAttribute("scope", "col"));
  table.append(head);
  event.changes.forEach((change, number) => {
    const row = element("tr");
    row.append(element("td", change.path));
    for (const name of ["before", "after"]) {
      const opened = disclosed.get(`${event.id} /changes/${number}/${name}`);
      row.append(element("td", opened === undefined ? words(change[name]) : `${words(opened)} (disclosed)`));
    }
    table.append(row);
  });
  return table;
}

function eventArticle({ stream, entry, leaf }, disclosed) {
  const { event, ledger } = entry, article = element("article");
  const number = ledger.order ? `${ledger.order.number}. ` : "";
  const title = element("p");
  title.append(element("strong", `${number}${event.action}`), visible(` of ${event.subject.kind} ${event.subject.id}`));
  if (event.outcome !== "success") title.append(" ", element("span", event.outcome.replace("_", " "), "mark"));
  const roles = event.actor.roles?.length ? ` as ${event.actor.roles.join(", ")}` : "";
  article.append(title, element("p", `${event.time} by ${event.actor.id} (${event.actor.kind})${roles}`));
  if (event.context?.reason) article.append(element("p", `Reason: ${event.context.reason}`));
  if (event.changes?.length) article.append(changesTable(event, disclosed));
  const ip = disclosed.get(`${event.id} /context/ip`) ?? event.context?.ip;
  const place = [event.context?.channel, event.context?.source, event.context?.host, ip && words(ip)].filter(Boolean);
  if (place.length) article.append(element("p", `From ${place.join(", ")}`, "facts"));
  article.append(element("p", `Recorded ${ledger.recorded}, entry ${ledger.index} of ${stream}; event ${event.id}; leaf ${leaf}`, "facts"));
  return article;
}

function showEvents(outcome) {
  const disclosed = new Map(outcome.disclosed.map((one) => [`${one.event} ${one.path}`, one.value]));
  const groups = new Map();
  for (const one of outcome.entries) {
    const { order, tenant } = one.entry.event.subject;
    const name = order ? `Order ${order}${tenant ? ` of ${tenant}` : ""}` : "Events of no order";
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  const whole = new Map((outcome.manifest.orders ?? []).map((one) => [
    `Order ${one.order}${one.tenant ? ` of ${one.tenant}` : ""}`,
    one.before ? `complete from event ${one.before.number + 1} on; what was before is purged under certificate ${one.before.purge}` : "complete",
  ]));
  find("events").replaceChildren(...[...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, members]) => {
    const section = element("section");
    section.append(element("h3", `${name}: ${whole.get(name) ?? "chosen events; there may be others"}`));
    section.append(...members.map((one) => eventArticle(one, disclosed)));
    return section;
  }));
  filter();
}

function filter() {
  const wanted = find("find").value.toLowerCase().split(/\s+/).filter(Boolean), articles = [...document.querySelectorAll("article")];
  for (const article of articles) {
    const told = `${article.textContent} ${article.parentElement.firstChild.textContent}`.toLowerCase();
    article.hidden = !wanted.every((word) => told.includes(word));
  }
  find("shown").textContent = `${articles.filter((one) => !one.hidden).length} of ${articles.length} events`;
}

function tell({ step, label, message }) {
  const line = element("li");
  line.append(element("strong", `✓ ${step} ${label}`), ` ${message}`);
  find("steps").append(line);
}

function verdict(message, kind) {
  find("verdict").textContent = message;
  find("verdict").className = `verdict ${kind}`;
}

async function check(data) {
  const trusted = find("trusted").value.split(/\s*\n\s*/).filter(Boolean);
  for (const id of ["steps", "notes", "limits", "events"]) find(id).replaceChildren();
  for (const id of ["made", "keys", "shown"]) find(id).textContent = "";
  find("about").textContent = "Checking …";
  verdict("Checking …", "");
  try {
    const outcome = await checkBundle(data, trusted, tell);
    const { about, made, not_proven: limits } = outcome.manifest;
    find("about").textContent = visible(about);
    const recipient = made.recipient ? ` for ${made.recipient}` : "";
    find("made").textContent = visible(`Made ${made.at} by ${made.by}${recipient}: ${made.reason}`);
    find("keys").textContent = outcome.keys.join("\n");
    find("notes").replaceChildren(...outcome.notes.map((note) => element("li", note)));
    find("limits").replaceChildren(...limits.map((limit) => element("li", limit)));
    showEvents(outcome);
    verdict(outcome.verdict, outcome.vouched ? "good" : "doubt");
  } catch (error) {
    find("about").textContent = "Do not rely on this";
    const line = element("li");
    line.append(element("strong", `✗ ${error.step ?? ""} ${error.label ?? ""}`), ` ${error.message}`);
    find("steps").append(line);
    verdict(`It does not hold: ${error.message}`, "broken");
  }
  document.documentElement.dataset.checked = "yes";
}

function carried() {
  try {
    return fromBase64(find("evidence").textContent);
  } catch {
    return new Uint8Array();
  }
}

let shown = carried();
find("again").addEventListener("click", () => check(shown));
find("find").addEventListener("input", filter);
find("file").addEventListener("change", async ({ target }) => {
  if (target.files.length) {
    shown = new Uint8Array(await target.files[0].arrayBuffer());
    await check(shown);
  }
});
await check(shown);
