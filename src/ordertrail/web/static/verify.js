// The page around the verifier: what is chosen is checked in this browser, and nothing is sent anywhere.
//
// evidence.js is the verifier that evidence bundles carry in their own page: C2SP proofs, checkpoints and notes, bundles,
// stamps. Here are the choosing of files, the zip of several proofs, and the showing of the numbered steps.

import { StepError, checkBundle, checkProof, sha256 } from "/static/evidence.js";

const MAX_MEMBER = 1 << 20;
const MAX_FILE = 64 << 20;
const MAX_ENTRIES = 10_000;
const utf8 = new TextDecoder("utf-8", { fatal: true });
const hex = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");

class Refused extends Error {
  constructor(step, message) { super(message); this.step = step; }
}

// A zip of plain or deflated members, read by its central directory (PKWARE APPNOTE sections 4.3.12 and 4.3.16).
async function unzip(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let end = data.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) throw new Refused(1, "this is not a bundle");
  const count = view.getUint16(end + 10, true);
  if (count > 2 * MAX_ENTRIES + 1) throw new Refused(1, "the bundle holds more than this page reads");
  let at = view.getUint32(end + 16, true);
  const members = new Map();
  for (let one = 0; one < count; one += 1) {
    if (view.getUint32(at, true) !== 0x02014b50) throw new Refused(1, "the bundle's directory is damaged");
    const method = view.getUint16(at + 10, true);
    const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const [named, extra, remark] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const place = view.getUint32(at + 42, true);
    const name = utf8.decode(data.subarray(at + 46, at + 46 + named));
    if (size > MAX_MEMBER || members.has(name)) throw new Refused(1, `${name} is too large, or there twice`);
    const start = place + 30 + view.getUint16(place + 26, true) + view.getUint16(place + 28, true);
    const raw = data.subarray(start, start + packed);
    members.set(name, method === 0 ? raw : await inflated(raw, size, method));
    at += 46 + named + extra + remark;
  }
  return members;
}

async function inflated(raw, size, method) {
  if (method !== 8) throw new Refused(1, "a member is packed in a way that is not read here");
  const reader = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > size || length > MAX_MEMBER) { await reader.cancel(); throw new Refused(1, "a member is larger than it says"); }
    parts.push(value);
  }
  if (length !== size) throw new Refused(1, "a member is not as long as it says");
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

// Of one order: each event names the one before it in its chain.
function chains(checked) {
  const orders = new Map();
  for (const one of checked) {
    const order = one.said.event.subject.order;
    if (order && one.said.ledger.order) {
      const key = JSON.stringify([one.origin, order, one.said.event.subject.tenant ?? ""]);
      orders.set(key, [...(orders.get(key) ?? []), one]);
    }
  }
  let whole = 0;
  for (const [key, events] of orders) {
    events.sort((one, other) => one.said.ledger.order.number - other.said.ledger.order.number);
    events.forEach((one, at) => {
      const before = events[at - 1];
      if (before && one.said.ledger.order.number === before.said.ledger.order.number + 1
          && one.said.ledger.order.previous !== before.hash) {
        throw new Refused(4, `an event of order ${JSON.parse(key)[1]} does not follow the one before it`);
      }
    });
    const numbers = events.map((one) => one.said.ledger.order.number);
    if (numbers[0] === 1 && numbers.every((one, at) => one === at + 1)) whole += 1;
  }
  if (!orders.size) return "It belongs to no order.";
  return `${whole} of ${orders.size} orders are here unbroken from their first event.`;
}

const $ = (id) => document.getElementById(id);
const chosen = new Map();

function show(step, tone, word, found) {
  const item = document.querySelector(`#steps [data-step="${step}"]`);
  item.className = tone;
  const chip = item.querySelector(".chip");
  chip.className = `chip ${tone === "wait" ? "mute" : tone}`;
  chip.textContent = word;
  if (found) item.querySelector("p").textContent = found;
}

// What was chosen: an evidence bundle, or entries with their proofs and the keys that came with them.
async function read() {
  const found = [];
  let keys = "";
  for (const [name, data] of chosen) {
    if (data[0] === 0x50 && data[1] === 0x4b) {
      const members = await unzip(data);
      if (members.has("manifest.json")) return { bundle: data };
      keys += members.has("keys.txt") ? utf8.decode(members.get("keys.txt")) : "";
      for (const [member, bytes] of members) {
        if (!member.endsWith(".json")) continue;
        const proof = members.get(member.replace(/\.json$/, ".tlog-proof"));
        if (!proof) throw new Refused(1, `${member} has no proof beside it`);
        found.push({ entry: bytes, proof });
      }
    } else if (name.endsWith(".json")) {
      const proof = chosen.get(name.replace(/\.json$/, ".tlog-proof"));
      if (proof) found.push({ entry: data, proof });
    }
  }
  if (found.length > MAX_ENTRIES) throw new Refused(1, `there are more than ${MAX_ENTRIES} entries`);
  return { found, keys };
}

async function run() {
  for (let step = 1; step <= 6; step += 1) show(step, "wait", "not run", "");
  $("results").replaceChildren();
  $("verdict").textContent = "";
  delete $("verdict").dataset.verdict;
  if (!chosen.size) return;
  try {
    const { bundle, found, keys } = await read();
    const typed = $("key").value.trim();
    if (bundle) await runBundle(bundle, typed ? [typed] : []);
    else await runProofs(found, typed ? [typed] : keys.split("\n").filter(Boolean), Boolean(typed));
  } catch (error) {
    const step = error.step ?? 1;
    const message = error instanceof StepError ? error.message.replace(/^step \d \w+: /, "") : error.message;
    show(step, "bad", "failed", message);
    say(`BROKEN at step ${step}: ${message}.`, "broken");
  }
}

// An evidence bundle: its own verifier tells each step as it passes; several findings of a step stand together.
async function runBundle(bundle, trusted) {
  const told = new Map();
  const outcome = await checkBundle(bundle, trusted, ({ step, message }) => {
    told.set(step, [...(told.get(step) ?? []), message]);
    show(step, "good", "passed", told.get(step).join("; "));
  });
  list(outcome.entries.map((one) => one.entry));
  say(`${outcome.verdict}${outcome.notes.length ? ` ${outcome.notes.join(" ")}` : ""}`, outcome.vouched ? "proven" : "agrees");
}

async function runProofs(found, trusted, typed) {
  if (!found.length) return say("Choose an entry (.json) together with its proof (.tlog-proof), or a bundle.");
  if (!trusted.length) return say("Name the log’s verifier key.");
  const checked = [];
  for (const { entry, proof } of found) {
    const result = await checkProof(proof, entry, trusted);
    const hash = hex(await sha256(new Uint8Array([0, ...entry])));
    checked.push({ said: result.entry, steps: result.steps, hash, origin: / of (\S+), recorded /.exec(result.verdict)[1] });
  }
  const one = checked.length === 1;
  const told = (step, many) => (one ? checked[0].steps.find((passed) => passed.step === step).message : many);
  show(1, "good", "passed", told(1, `${checked.length} entries hash to the leaves that are proven.`));
  show(2, "good", "passed", told(2, `All ${checked.length} leaves are under the roots that were signed.`));
  show(3, "good", "passed", told(3, `All of it is signed by ${trusted.map((key) => key.split("+", 2).join("+")).join(", ")}.`));
  show(4, "good", "passed", chains(checked));
  show(5, "wait", "not here", "Proofs alone hold no time stamp: the time is the log’s own word.");
  show(6, "wait", "not here", "Whether copies are kept is asked where they are kept.");
  list(checked.map(({ said }) => said));
  say(`${one ? "This event is" : `All ${checked.length} events are`} in the log, as it was signed`
    + (typed ? "." : ", by the key that came with it: compare that key with the one you trust."), "proven");
}

function say(text, verdict) {
  $("verdict").textContent = text;
  if (verdict) $("verdict").dataset.verdict = verdict;
}

function list(entries) {
  const table = document.createElement("table");
  const body = table.createTBody();
  for (const { event, ledger } of entries.slice(0, 500)) {
    const row = body.insertRow();
    row.insertCell().textContent = event.time;
    row.insertCell().textContent = `${event.actor.id}: ${event.action} ${event.subject.kind} ${event.subject.id} (${event.outcome})`;
    row.insertCell().textContent = `entry ${ledger.index}`;
  }
  $("results").append(table);
}

async function take(files) {
  chosen.clear();
  for (const file of files) {
    if (file.size > MAX_FILE) { $("verdict").textContent = `${file.name} is larger than this page reads.`; return; }
    chosen.set(file.name, new Uint8Array(await file.arrayBuffer()));
  }
  await run();
}

$("file").addEventListener("change", (event) => take(event.target.files));
$("key").addEventListener("change", run);
$("drop").addEventListener("dragover", (event) => { event.preventDefault(); $("drop").classList.add("over"); });
$("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  take(event.dataTransfer.files);
});
