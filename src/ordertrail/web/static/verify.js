// Checks evidence in the visitor's browser: SHA-256 and Ed25519 of WebCrypto, and nothing is sent anywhere.
//
// The formats are those of C2SP: tlog-proof, tlog-checkpoint, signed-note; the tree is RFC 6962. The steps have the
// numbers and names of the house: 1 content, 2 inclusion, 3 signature, 4 continuity, 5 time, 6 custody. A step that
// cannot be taken with what is here says so; it is never passed.

const MAX_MEMBER = 1 << 20;
const MAX_FILE = 64 << 20;
const MAX_ENTRIES = 10_000;
const utf8 = new TextDecoder("utf-8", { fatal: true });

class Refused extends Error {
  constructor(step, message) { super(message); this.step = step; }
}

const bytesOf = (base64) => {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4) throw new Refused(2, "a hash is not base64");
  const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  if (btoa(String.fromCharCode(...bytes)) !== base64) throw new Refused(2, "base64 with a second spelling");
  return bytes;
};
const hex = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
const joined = (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
};
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);
const number = (text) => {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) throw new Refused(2, `${text.slice(0, 40)} is not a number of leaves`);
  return BigInt(text);
};

// A note: text, an empty line, signature lines.
function readNote(text) {
  const split = text.lastIndexOf("\n\n");
  if (split < 0 || !text.endsWith("\n")) throw new Refused(3, "the checkpoint is not a signed note");
  const signatures = text.slice(split + 2, -1).split("\n").map((line) => {
    const found = /^\u2014 (\S+) (\S+)$/.exec(line);
    if (!found) throw new Refused(3, "a signature line is malformed");
    const blob = bytesOf(found[2]);
    return { name: found[1], id: hex(blob.slice(0, 4)), signature: blob.slice(4) };
  });
  return { text: text.slice(0, split + 1), signatures };
}

function readCheckpoint(note) {
  const lines = note.text.split("\n");
  if (lines.length < 4 || lines.at(-1) !== "") throw new Refused(3, "the checkpoint has fewer than three lines");
  const root = bytesOf(lines[2]);
  if (root.length !== 32) throw new Refused(3, "the root is not of 32 bytes");
  return { origin: lines[0], size: number(lines[1]), root };
}

function readProof(text) {
  const split = text.indexOf("\n\n");
  if (split < 0) throw new Refused(2, "the proof has no checkpoint");
  const lines = text.slice(0, split).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1") throw new Refused(2, "this is no C2SP tlog-proof");
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = /^index (.+)$/.exec(lines.shift() ?? "");
  if (!index || lines.length > 63) throw new Refused(2, "the proof has no index, or too many hashes");
  const hashes = lines.map(bytesOf);
  if (hashes.some((one) => one.length !== 32)) throw new Refused(2, "a hash of the proof is not of 32 bytes");
  return { index: number(index[1]), hashes, note: readNote(text.slice(split + 2)) };
}

async function readKey(text) {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
  if (!found) throw new Refused(3, "the key is not of the form name+id+base64");
  const data = bytesOf(found[3]);
  if (data[0] !== 1 || data.length !== 33) {
    throw new Refused(3, "this page checks Ed25519 keys; use 'ordertrail check' for others");
  }
  const id = hex((await sha256(new TextEncoder().encode(`${found[1]}\n`), data)).slice(0, 4));
  if (id !== found[2]) throw new Refused(3, "the key's id is not that of its bytes");
  const key = await crypto.subtle.importKey("raw", data.slice(1), { name: "Ed25519" }, false, ["verify"]);
  return { name: found[1], id, key };
}

// RFC 9162 section 2.1.3.2: from the leaf to the root.
async function rootOf(index, size, leaf, hashes) {
  if (index >= size) throw new Refused(2, `entry ${index} is not among ${size}`);
  let at = index;
  let last = size - 1n;
  let root = leaf;
  for (const hash of hashes) {
    if (last === 0n) throw new Refused(2, "the proof is too long");
    if (at & 1n || at === last) {
      root = await nodeHash(hash, root);
      while (!(at & 1n) && at !== 0n) { at >>= 1n; last >>= 1n; }
    } else {
      root = await nodeHash(root, hash);
    }
    at >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new Refused(2, "the proof is too short");
  return root;
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
  return joined(...parts);
}

// One entry: what each step found, or what it failed on.
async function check(entry, proofText, keys) {
  const told = new Map();
  const leaf = await leafHash(entry);
  const said = JSON.parse(utf8.decode(entry));
  const proof = readProof(proofText);
  if (BigInt(said.ledger.index) !== proof.index) {
    throw new Refused(1, `the entry says that it is number ${said.ledger.index}, and is proven at ${proof.index}`);
  }
  told.set(1, `The entry’s bytes hash to ${hex(leaf).slice(0, 16)}…, the leaf that is proven.`);
  const checkpoint = readCheckpoint(proof.note);
  const root = await rootOf(proof.index, checkpoint.size, leaf, proof.hashes);
  if (!same(root, checkpoint.root)) throw new Refused(2, "the proof does not lead to the root that was signed");
  told.set(2, `The leaf is under the root of ${checkpoint.size} entries.`);
  const signer = keys.find((one) => proof.note.signatures.some((line) => line.name === one.name && line.id === one.id));
  if (!signer) throw new Refused(3, "the checkpoint is not signed by the key that you trust");
  if (signer.name !== checkpoint.origin) throw new Refused(3, `the checkpoint is of ${checkpoint.origin}, the key of ${signer.name}`);
  const text = new TextEncoder().encode(proof.note.text);
  for (const line of proof.note.signatures.filter((one) => one.name === signer.name && one.id === signer.id)) {
    if (!(await crypto.subtle.verify({ name: "Ed25519" }, signer.key, line.signature, text))) {
      throw new Refused(3, "the signature is not good");
    }
  }
  told.set(3, `${checkpoint.origin} signed that root with the key ${signer.id}.`);
  return { told, said, checkpoint, index: proof.index };
}

// Of one order: each event names the one before it in its chain.
function chains(checked) {
  const orders = new Map();
  for (const one of checked) {
    const order = one.said.event.subject.order;
    if (order && one.said.ledger.order) {
      const key = JSON.stringify([one.checkpoint.origin, order, one.said.event.subject.tenant ?? ""]);
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

async function pairs() {
  const found = [];
  let keys = "";
  for (const [name, data] of chosen) {
    if (data[0] === 0x50 && data[1] === 0x4b) {
      const members = await unzip(data);
      keys += members.has("keys.txt") ? utf8.decode(members.get("keys.txt")) : "";
      for (const [member, bytes] of members) {
        if (!member.endsWith(".json")) continue;
        const proof = members.get(member.replace(/\.json$/, ".tlog-proof"));
        if (!proof) throw new Refused(1, `${member} has no proof beside it`);
        found.push({ entry: bytes, proof: utf8.decode(proof), name: member });
      }
    } else if (name.endsWith(".json")) {
      const proof = chosen.get(name.replace(/\.json$/, ".tlog-proof"));
      if (proof) found.push({ entry: data, proof: utf8.decode(proof), name });
    }
  }
  return { found, keys };
}

async function run() {
  for (let step = 1; step <= 6; step += 1) show(step, "wait", "not run", "");
  $("results").replaceChildren();
  $("verdict").textContent = "";
  if (!chosen.size) return;
  try {
    const { found, keys } = await pairs();
    if (!found.length) { $("verdict").textContent = "Choose an entry (.json) together with its proof (.tlog-proof), or a bundle."; return; }
    const typed = $("key").value.trim();
    const texts = typed ? [typed] : keys.split("\n").filter(Boolean);
    if (!texts.length) { $("verdict").textContent = "Name the log’s verifier key."; return; }
    const trusted = await Promise.all(texts.map(readKey));
    const checked = [];
    for (const one of found.slice(0, MAX_ENTRIES)) {
      const result = await check(one.entry, one.proof, trusted);
      checked.push({ ...result, hash: hex(await leafHash(one.entry)) });
    }
    const whole = found.length === 1 ? checked[0].told : null;
    const told = (step, many) => (whole ? whole.get(step) : many);
    show(1, "good", "passed", told(1, `${checked.length} entries hash to the leaves that are proven.`));
    show(2, "good", "passed", told(2, `All ${checked.length} leaves are under the roots that were signed.`));
    show(3, "good", "passed", told(3, `All of it is signed by ${trusted.map((one) => `${one.name}+${one.id}`).join(", ")}.`));
    show(4, "good", "passed", chains(checked));
    show(5, "wait", "not here", "A bundle of proofs holds no time stamp: the time is the log’s own word.");
    show(6, "wait", "not here", "Whether copies are kept is asked where they are kept.");
    $("verdict").textContent = `${checked.length === 1 ? "This event is" : `All ${checked.length} events are`} in the log, as it was signed`
      + (typed ? "." : ", by the key that came with it: compare that key with the one you trust.");
    $("verdict").dataset.verdict = "proven";
    list(checked);
  } catch (error) {
    const step = error instanceof Refused ? error.step : 1;
    show(step, "bad", "failed", error.message);
    $("verdict").textContent = `BROKEN at step ${step}: ${error.message}.`;
    $("verdict").dataset.verdict = "broken";
  }
}

function list(checked) {
  const table = document.createElement("table");
  const body = table.createTBody();
  for (const one of checked.slice(0, 500)) {
    const row = body.insertRow();
    const event = one.said.event;
    row.insertCell().textContent = event.time;
    row.insertCell().textContent = `${event.actor.id}: ${event.action} ${event.subject.kind} ${event.subject.id} (${event.outcome})`;
    row.insertCell().textContent = `entry ${one.index}`;
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
