/* The verifier of OrderTrail evidence, for browsers and any other JavaScript. No imports, no network, no globals.
 *
 * It checks bundles and C2SP tlog-proofs in the house's six numbered steps. Formats: C2SP signed-note,
 * tlog-checkpoint, tlog-cosignature, tlog-proof; RFC 6962 and RFC 9162 (Merkle trees); RFC 8785 (JSON);
 * RFC 3161 (time stamps: what a stamp is over, its time and its signer's signature; not the signer's certificates).
 * Hashes and signatures are the browser's own (WebCrypto); SHA-256, SHA-512 and Ed25519 are here too, for where
 * the browser has none. ML-DSA-44 is not checked here, and that is said.
 */

export const STEPS = ["", "content", "inclusion", "signature", "continuity", "time", "custody"];

/** A check that failed, at a numbered step. */
export class StepError extends Error {
  constructor(step, message) {
    super(`step ${step} ${STEPS[step]}: ${message}`);
    this.name = "StepError";
    this.step = step;
    this.label = STEPS[step];
  }
}

class Broken extends Error {}

function require(held, message) {
  if (!held) throw new Broken(message);
}

// --- bytes ---------------------------------------------------------------------------------------------------

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const subtle = globalThis.crypto?.subtle;

const text = (bytes) => utf8.decode(bytes);
const bytesOf = (string) => encoder.encode(string);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function same(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

export function toBase64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary);
}

export function fromBase64(encoded) {
  let binary;
  try {
    binary = atob(encoded);
  } catch {
    throw new Broken(`${JSON.stringify(encoded.slice(0, 40))} is not base64`);
  }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  require(toBase64(bytes) === encoded, "base64 is not in its one spelling");
  return bytes;
}

// --- hashes: WebCrypto's, else ours (FIPS 180-4) ---------------------------------------------------------------

function primes(count) {
  const found = [];
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime)) found.push(candidate);
  }
  return found;
}

/** The integer root of a number of any length: the largest r with r^power <= n. */
function integerRoot(n, power) {
  let low = 0n, high = 1n << (BigInt(n.toString(2).length) / power + 1n);
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** power <= n) low = middle;
    else high = middle - 1n;
  }
  return low;
}

// The fractional parts of roots of the first primes, 64 bits of each; SHA-256 takes the upper half.
const fraction = (prime, power) => integerRoot(BigInt(prime) << (64n * power), power) & 0xffffffffffffffffn;
let constants;
function shaConstants() {
  constants ??= {
    k: primes(80).map((prime) => fraction(prime, 3n)),
    h: primes(8).map((prime) => fraction(prime, 2n)),
  };
  return constants;
}

/** SHA-256 (bits 32n) or SHA-512 (bits 64n) in plain arithmetic. */
export function shaPlain(data, bits) {
  const { k, h } = shaConstants();
  const long = bits === 64n, mask = (1n << bits) - 1n, size = long ? 128 : 64, rounds = long ? 80 : 64;
  const cut = long ? (word) => word : (word) => word >> 32n;
  const turn = (x, n) => ((x >> n) | (x << (bits - n))) & mask;
  const [s0, s1, S0, S1] = long
    ? [[1n, 8n, 7n], [19n, 61n, 6n], [28n, 34n, 39n], [14n, 18n, 41n]]
    : [[7n, 18n, 3n], [17n, 19n, 10n], [2n, 13n, 22n], [6n, 11n, 25n]];
  const small = (x, [a, b, c]) => turn(x, a) ^ turn(x, b) ^ (x >> c);
  const large = (x, [a, b, c]) => turn(x, a) ^ turn(x, b) ^ turn(x, c);
  const tail = long ? 17 : 9;
  const padded = new Uint8Array(Math.ceil((data.length + tail) / size) * size);
  padded.set(data);
  padded[data.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(data.length) * 8n);
  let state = h.map(cut);
  const view = new DataView(padded.buffer);
  for (let block = 0; block < padded.length; block += size) {
    const w = [];
    for (let t = 0; t < rounds; t++) {
      if (t < 16) w.push(long ? view.getBigUint64(block + 8 * t) : BigInt(view.getUint32(block + 4 * t)));
      else w.push((small(w[t - 2], s1) + w[t - 7] + small(w[t - 15], s0) + w[t - 16]) & mask);
    }
    let [a, b, c, d, e, f, g, i] = state;
    for (let t = 0; t < rounds; t++) {
      const t1 = i + large(e, S1) + ((e & f) ^ (~e & mask & g)) + cut(k[t]) + w[t];
      const t2 = large(a, S0) + ((a & b) ^ (a & c) ^ (b & c));
      [i, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & mask, c, b, a, (t1 + t2) & mask];
    }
    state = [a, b, c, d, e, f, g, i].map((word, at) => (word + state[at]) & mask);
  }
  const width = Number(bits) / 4;
  const digits = state.map((word) => word.toString(16).padStart(width, "0")).join("");
  return Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
}

async function digest(name, data) {
  if (subtle) return new Uint8Array(await subtle.digest(name, data));
  return shaPlain(data, name === "SHA-512" ? 64n : 32n);
}
export const sha256 = (data) => digest("SHA-256", data);
const leafHash = (entry) => sha256(concat(Uint8Array.of(0), entry));
const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

// --- signatures --------------------------------------------------------------------------------------------------

const P = (1n << 255n) - 19n;
const L = (1n << 252n) + 27742317777372353535851937790883648493n;
const mod = (a, m = P) => ((a % m) + m) % m;

function power(base, exponent, m = P) {
  let result = 1n;
  for (base = mod(base, m); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % m;
    base = (base * base) % m;
  }
  return result;
}

const D = mod(-121665n * power(121666n, P - 2n));
const little = (bytes) => BigInt("0x" + hex(Uint8Array.from(bytes).reverse()));

/** Points of edwards25519 in extended coordinates (RFC 8032 section 5.1.4). */
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2)), b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * t2 * D), d = mod(2n * z1 * z2);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function multiply(point, scalar) {
  let result = [0n, 1n, 1n, 0n];
  for (; scalar > 0n; scalar >>= 1n) {
    if (scalar & 1n) result = add(result, point);
    point = add(point, point);
  }
  return result;
}

function decodePoint(bytes) {
  const encoded = little(bytes), y = encoded & ((1n << 255n) - 1n), odd = encoded >> 255n;
  require(y < P, "a point of a signature is misspelled");
  const u = mod(y * y - 1n), v = mod(D * y * y + 1n);
  let x = mod(u * power(v, 3n) * power(u * power(v, 7n), (P - 5n) / 8n));
  if (mod(v * x * x) === mod(-u)) x = mod(x * power(2n, (P - 1n) / 4n));
  require(mod(v * x * x) === u, "a point of a signature is not on the curve");
  require(x !== 0n || odd === 0n, "a point of a signature is misspelled");
  if ((x & 1n) !== odd) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

const BASE_Y = mod(4n * power(5n, P - 2n));

/** Ed25519 in plain arithmetic (RFC 8032 section 5.1.7). Nothing here is secret. */
export function verifyEd25519Plain(publicKey, signature, message) {
  try {
    if (signature.length !== 64 || publicKey.length !== 32) return false;
    const s = little(signature.subarray(32));
    if (s >= L) return false;
    const base = decodePoint(Uint8Array.from(hexBytes(BASE_Y.toString(16).padStart(64, "0"))).reverse());
    const a = decodePoint(publicKey), r = decodePoint(signature.subarray(0, 32));
    const k = mod(little(shaPlain(concat(signature.subarray(0, 32), publicKey, message), 64n)), L);
    const left = multiply(base, s), right = add(r, multiply(a, k));
    return mod(left[0] * right[2]) === mod(right[0] * left[2]) && mod(left[1] * right[2]) === mod(right[1] * left[2]);
  } catch (error) {
    if (error instanceof Broken) return false;
    throw error;
  }
}

const hexBytes = (digits) => digits.match(/../g).map((pair) => parseInt(pair, 16));

async function verifyEd25519(publicKey, signature, message) {
  if (subtle) {
    let key;
    try {
      key = await subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
    } catch {
      return verifyEd25519Plain(publicKey, signature, message); // this browser has no Ed25519
    }
    return subtle.verify("Ed25519", key, signature, message);
  }
  return verifyEd25519Plain(publicKey, signature, message);
}

const P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SPKI = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";

/** ECDSA over P-256 and SHA-256, in its one spelling: strict DER, s at most half the order. */
async function verifyEcdsa(spki, signature, message) {
  require(subtle, "this browser cannot check ECDSA signatures");
  require(spki.length === 91 && hex(spki).startsWith(SPKI), "a key of type 2 is misspelled");
  const { r, s } = readEcdsa(signature);
  require(r > 0n && r < P256 && s > 0n && s <= P256 / 2n, "an ECDSA signature is misspelled");
  const raw = Uint8Array.from(hexBytes([r, s].map((n) => n.toString(16).padStart(64, "0")).join("")));
  const key = await subtle.importKey("spki", spki, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  return subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, raw, message);
}

function readEcdsa(signature) {
  const [sequence, ...rest] = readAll(signature);
  const numbers = readAll(sequence.content);
  require(rest.length === 0 && sequence.tag === 0x30 && numbers.length === 2, "an ECDSA signature is misspelled");
  const [r, s] = numbers.map(({ tag, content }) => {
    const padded = content[0] === 0 && content[1] & 0x80;
    require(tag === 2 && content.length && (content[0] || padded) && content[0] < 0x80, "an ECDSA signature is misspelled");
    return BigInt("0x" + hex(content));
  });
  return { r, s };
}

// --- Merkle trees (RFC 9162 section 2.1) --------------------------------------------------------------------------

async function checkInclusion(index, size, hash, proof, root) {
  require(index >= 0n && index < size, `entry ${index} is not among the ${size}`);
  let at = index, last = size - 1n;
  for (const other of proof) {
    require(last > 0n && other.length === 32, `the proof of entry ${index} is too long`);
    if (at & 1n || at === last) {
      hash = await nodeHash(other, hash);
      while (!(at & 1n) && at) [at, last] = [at >> 1n, last >> 1n];
    } else {
      hash = await nodeHash(hash, other);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  require(last === 0n && same(hash, root), `the proof of entry ${index} does not lead to the signed root`);
}

async function checkConsistency(older, newer, proof) {
  if (older.size === 0n && !proof.length) return;
  require(older.size > 0n && older.size <= newer.size, "no proof shows that a log shrank");
  const differ = `the log of ${newer.size} entries does not continue the one of ${older.size}`;
  if (older.size === newer.size) return require(same(older.root, newer.root) && !proof.length, differ);
  const path = older.size & (older.size - 1n) ? [...proof] : [older.root, ...proof];
  require(path.length, differ);
  let at = older.size - 1n, last = newer.size - 1n;
  while (at & 1n) [at, last] = [at >> 1n, last >> 1n];
  let first = path[0], second = path[0];
  for (const other of path.slice(1)) {
    require(last > 0n, differ);
    if (at & 1n || at === last) {
      first = await nodeHash(other, first);
      second = await nodeHash(other, second);
      while (!(at & 1n) && at) [at, last] = [at >> 1n, last >> 1n];
    } else {
      second = await nodeHash(second, other);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  require(last === 0n && same(first, older.root) && same(second, newer.root), differ);
}

// --- keys, notes, checkpoints, proofs -------------------------------------------------------------------------------

/** A verifier key: `<name>+<id>+<base64 of type and public key>` (C2SP signed-note). */
export async function readVkey(line) {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/u.exec(line);
  require(match, `${JSON.stringify(line.slice(0, 60))} is not a verifier key`);
  return keyOf(match[1], fromBase64(match[3]), match[2]);
}

async function keyOf(name, material, id) {
  const hashed = material[0] === 2 ? material.subarray(1) : concat(bytesOf(`${name}\n`), material);
  const found = hex((await sha256(hashed)).subarray(0, 4));
  require(id === undefined || found === id, `the verifier key of ${name} has another id`);
  return { name, type: material[0], public: material.subarray(1), id: found, vkey: `${name}+${found}+${toBase64(material)}` };
}

function readNote(data) {
  const note = text(data);
  const split = note.lastIndexOf("\n\n");
  require(split >= 0 && note.endsWith("\n"), "a signed note is cut off");
  const lines = note.slice(split + 2).split("\n").slice(0, -1);
  const signatures = lines.map((line) => {
    const [dash, name, encoded, ...rest] = line.split(" ");
    require(dash === "\u2014" && name && encoded && !rest.length, "a signature line is malformed");
    const blob = fromBase64(encoded);
    require(blob.length > 4, "a signature line is malformed");
    return { name, id: hex(blob.subarray(0, 4)), blob: blob.subarray(4) };
  });
  return { text: note.slice(0, split + 1), signatures };
}

function readCheckpoint(data) {
  const note = readNote(data);
  const [origin, size, root] = note.text.split("\n");
  require(/^(0|[1-9][0-9]{0,18})$/.test(size ?? "") && root, "this is no checkpoint");
  const hash = fromBase64(root);
  require(hash.length === 32, "a checkpoint's root has not 32 bytes");
  return { ...note, origin, size: BigInt(size), root: hash };
}

function readProof(data) {
  const split = data.findIndex((byte, at) => byte === 10 && data[at + 1] === 10);
  require(split > 0, "a proof is malformed");
  const [header, index, ...hashes] = text(data.subarray(0, split)).split("\n");
  const match = /^index (0|[1-9][0-9]{0,18})$/.exec(index ?? "");
  require(header === "c2sp.org/tlog-proof@v1" && match, "a proof is malformed");
  return { index: BigInt(match[1]), hashes: hashes.map(fromBase64), note: data.subarray(split + 2) };
}

/** Verify one signature; return a cosignature's time in seconds, null for others, undefined where it is not checked. */
async function verifySignature(key, noteText, blob) {
  let time = null, message = bytesOf(noteText), good;
  if (key.type === 4 || key.type === 6) {
    time = Number(new DataView(blob.buffer, blob.byteOffset, 8).getBigUint64(0));
    if (key.type === 6) return undefined;
    message = bytesOf(`cosignature/v1\ntime ${time}\n${noteText}`);
    blob = blob.subarray(8);
  }
  if (key.type === 1 || key.type === 4) good = await verifyEd25519(key.public, blob, message);
  else if (key.type === 2) good = await verifyEcdsa(key.public, blob, message);
  else throw new Broken(`${key.name} has a key of the unknown type ${key.type}`);
  require(good, `the signature of ${key.name}+${key.id} is not over this text`);
  return time;
}

/** Check that all of `must` signed, and that no signature by one of `may` is bad; return who cosigned when. */
async function checkNote(data, must, may, notes) {
  const note = readNote(data);
  const signed = new Set(), times = [];
  for (const signature of note.signatures) {
    for (const key of [...must, ...may]) {
      if (key.name !== signature.name || key.id !== signature.id) continue;
      const time = await verifySignature(key, note.text, signature.blob);
      if (time === undefined) notes.add(`A signature of ${key.name} (ML-DSA-44) is not checked here.`);
      else signed.add(key.vkey);
      if (time) times.push({ key, time });
    }
  }
  for (const key of must) require(signed.has(key.vkey), `${key.name}+${key.id} has not signed`);
  return times;
}

// --- the archive: stored members in one spelling ---------------------------------------------------------------------

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function crc32(data) {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function numbers(...pairs) {
  const view = new DataView(new ArrayBuffer(pairs.reduce((sum, [, width]) => sum + width, 0)));
  let at = 0;
  for (const [value, width] of pairs) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

/** Write the one archive that members make (a Map of names to bytes). */
export function writeArchive(members) {
  const local = [], central = [];
  let offset = 0, directory = 0;
  for (const name of [...members.keys()].sort()) {
    const data = members.get(name), path = bytesOf(name);
    const about = numbers([20, 2], [0, 2], [0, 2], [0, 2], [0x21, 2], [crc32(data), 4], [data.length, 4],
      [data.length, 4], [path.length, 2], [0, 2]);
    local.push(numbers([0x04034b50, 4]), about, path, data);
    central.push(numbers([0x02014b50, 4], [20, 2]), about, numbers([0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), path);
    offset += 30 + path.length + data.length;
    directory += 46 + path.length;
  }
  const end = numbers([0x06054b50, 4], [0, 2], [0, 2], [members.size, 2], [members.size, 2], [directory, 4], [offset, 4], [0, 2]);
  return concat(...local, ...central, end);
}

/** Read an archive: exactly the one that its members make. */
export function readArchive(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength), members = new Map();
  let at = 0;
  while (at + 30 <= data.length && view.getUint32(at, true) === 0x04034b50) {
    const length = view.getUint32(at + 22, true), begin = at + 30 + view.getUint16(at + 26, true);
    const name = String.fromCharCode(...data.subarray(at + 30, Math.min(begin, at + 230)));
    const plain = name.length <= 160 && name.split("/").every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(part));
    at = begin + length;
    require(plain && !members.has(name) && at <= data.length, "the archive has a member that no bundle has, or is cut off");
    members.set(name, data.subarray(begin, at));
  }
  require(members.size, "this is not a bundle");
  require(same(writeArchive(members), data), "the archive's headers or what stands between its members was altered");
  return members;
}

// --- JSON in its one spelling (RFC 8785, whole numbers and text only) ------------------------------------------------

export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

function readJson(data, name) {
  let value;
  try {
    value = JSON.parse(text(data ?? new Uint8Array()), (_, part) => {
      if (typeof part === "number" && !Number.isSafeInteger(part)) throw new Broken(`${name} has a number that is not whole`);
      return part;
    });
  } catch (error) {
    throw error instanceof Broken ? error : new Broken(`${name} is missing, or not JSON`);
  }
  require(same(bytesOf(canonical(value)), data), `${name} is not in its one spelling (RFC 8785)`);
  return value;
}

// --- DER and time stamps (RFC 3161, RFC 5652) --------------------------------------------------------------------------

function readDer(data, at = 0) {
  require(data.length >= at + 2, "a structure is cut off");
  let length = data[at + 1], begin = at + 2;
  if (length & 0x80) {
    const width = length & 0x7f;
    require(width > 0 && width < 5 && data.length >= begin + width, "a structure is cut off");
    length = data.subarray(begin, begin + width).reduce((sum, byte) => sum * 256 + byte, 0);
    begin += width;
    require(length >= 128 && (width === 1 || length >= 2 ** (8 * (width - 1))), "a length is misspelled");
  }
  require(data.length >= begin + length, "a structure is cut off");
  return { tag: data[at], content: data.subarray(begin, begin + length), whole: data.subarray(at, begin + length) };
}

function readAll(data) {
  const found = [];
  for (let at = 0; at < data.length; at += found.at(-1).whole.length) found.push(readDer(data, at));
  return found;
}

const HASH_NAMES = { "608648016503040201": "SHA-256", "608648016503040202": "SHA-384", "608648016503040203": "SHA-512" };
const CURVES = { "2a8648ce3d030107": ["P-256", 32], "2b81040022": ["P-384", 48] };

/** Check what a stamp is over and that its signer signed it; return its time in seconds. */
async function checkStamp(response, data) {
  require(subtle, "this browser cannot check time stamps");
  const [status, token] = readAll(readDer(response).content);
  require(readDer(response).whole.length === response.length && hex(readAll(status.content)[0].content) === "00", "the stamp was not granted");
  const signed = readAll(readAll(readAll(token.content)[1].content)[0].content);
  const encapsulated = readAll(signed[2].content);
  require(hex(encapsulated[0].content) === "2a864886f70d0109100104", "it holds no time stamp");
  const info = readAll(encapsulated[1].content)[0].content;
  const told = readAll(readAll(info)[0].content);
  const imprint = readAll(told[2].content);
  const hasher = HASH_NAMES[hex(readAll(imprint[0].content)[0].content)];
  require(hasher && same(await digest(hasher, data), imprint[1].content), "the stamp is over other bytes");
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(text(told[4].content));
  const [signer] = readAll(signed.at(-1).content);
  const fields = readAll(signer.content);
  const certificates = signed[3].tag === 0xa0 ? readAll(signed[3].content).map((one) => one.whole) : [];
  const named = hex(fields[1].content);
  const certificate = certificates.map(readCertificate).find((one) => one.named === named);
  if (!certificate) return { time: Date.UTC(year, month - 1, day, hour, minute, second) / 1000, signer: null };
  const attributes = readAll(fields[3].content).map((one) => readAll(one.content));
  const digested = attributes.find(([name]) => hex(name.content) === "2a864886f70d010904");
  const algorithm = HASH_NAMES[hex(readAll(fields[2].content)[0].content)];
  require(algorithm && digested && same(readAll(digested[1].content)[0].content, await digest(algorithm, info)), "the stamp's digest is of something else");
  const message = concat(Uint8Array.of(0x31), fields[3].whole.subarray(1));
  require(await verifyByCertificate(certificate, algorithm, fields[5].content, message), "the stamp's signature is not its certificate's");
  return { time: Date.UTC(year, month - 1, day, hour, minute, second) / 1000, signer: certificate.subject };
}

function readCertificate(der) {
  const fields = readAll(readAll(readDer(der).content)[0].content);
  const from = fields[0].tag === 0xa0 ? 1 : 0;
  const names = readAll(fields[from + 4].content).map((one) => readAll(readAll(one.content)[0].content)[1].content);
  return {
    named: hex(concat(fields[from + 2].whole, fields[from].whole)),
    subject: names.map((name) => new TextDecoder().decode(name)).join(", "),
    spki: fields[from + 5].whole,
  };
}

async function verifyByCertificate({ spki }, hash, signature, message) {
  const kind = readAll(readAll(readDer(spki).content)[0].content).map((one) => hex(one.content));
  if (kind[0] === "2a864886f70d010101") {
    const key = await subtle.importKey("spki", spki, { name: "RSASSA-PKCS1-v1_5", hash }, false, ["verify"]);
    return subtle.verify("RSASSA-PKCS1-v1_5", key, signature, message);
  }
  const [curve, width] = CURVES[kind[1]] ?? [];
  require(curve, "the stamp's certificate has a key of a kind that is not known here");
  const { r, s } = readEcdsa(signature);
  const raw = Uint8Array.from(hexBytes([r, s].map((n) => n.toString(16).padStart(2 * width, "0")).join("")));
  const key = await subtle.importKey("spki", spki, { name: "ECDSA", namedCurve: curve }, false, ["verify"]);
  return subtle.verify({ name: "ECDSA", hash }, key, raw, message);
}

// --- one log of a bundle -------------------------------------------------------------------------------------------------

const BESIDE = new Set(["manifest.json", "seal.json", "seal.tlog-proof", "seal.consistency", "verify.html"]);
const digits = (size) => String(size).padStart(16, "0");
const hashLines = (data) => {
  const lines = text(data ?? new Uint8Array()).split("\n");
  require(lines.pop() === "", "a proof between checkpoints is cut off");
  return lines.map(fromBase64);
};

class Log {
  constructor(members, part, notes) {
    Object.assign(this, { members, notes, stream: part.stream, origin: part.origin, keys: [] });
    this.checkpoints = this.sized("checkpoints").map(([size, data]) => ({ name: size, data, ...readCheckpoint(data) }));
    for (const one of this.checkpoints) {
      require(one.origin === this.origin && one.size === one.name, "a checkpoint is of another log or size");
    }
    this.head = this.checkpoints.at(-1);
    require(this.head && this.head.size === BigInt(part.size), `the checkpoint of ${this.origin} is missing`);
  }

  sized(kind) {
    const folder = `logs/${this.stream}/${kind}/`;
    const names = [...this.members.keys()].filter((name) => name.startsWith(folder)).sort();
    return names.map((name) => [BigInt(name.slice(-16)), this.members.get(name)]);
  }

  member(name) {
    return this.members.get(`logs/${this.stream}/${name}`);
  }

  /** Check that the first key began this log, and that each key was named by the one before. */
  async checkKeys() {
    for (const [first, statement] of this.sized("keys")) {
      const lines = readNote(statement).text.split("\n").slice(0, -1);
      const old = this.keys.at(-1), key = await readVkey(lines.at(-1));
      const expected = old
        ? ["ordertrail/rotation/v1", this.origin, String(first), old.key.vkey]
        : ["ordertrail/log/v1", this.origin, this.stream, ...lines.slice(3, 5)];
      require(lines.slice(0, -1).join("\n") === expected.join("\n"), "a key was not named by the one before it");
      require(old ? first > old.first : first === 0n, "the log's first statement is missing");
      await checkNote(statement, old ? [old.key, key] : [key], [], this.notes);
      this.keys.push({ first, key });
    }
    require(this.keys.length, "the log's keys are missing");
    this.witnesses = await this.readWitnesses();
    const others = text(this.member("cosigners.txt") ?? new Uint8Array()).split("\n").filter(Boolean);
    this.beside = [...(await Promise.all(others.map(readVkey))), ...this.witnesses.map((one) => one.key)];
  }

  async readWitnesses() {
    const found = [];
    for (const line of text(this.member("policy.txt") ?? new Uint8Array()).split("\n")) {
      const [keyword, name, vkey] = line.split(/[ \t]+/).filter(Boolean);
      if (keyword !== "witness" || !vkey) continue;
      let key = await readVkey(vkey);
      if (key.type === 1) key = await keyOf(key.name, concat(Uint8Array.of(4), key.public));
      found.push({ name, key });
    }
    return found;
  }

  keyAt(size) {
    return this.keys.filter(({ first }) => first <= size).at(-1).key;
  }

  async checkCheckpoints() {
    for (const { size, data } of this.checkpoints) {
      require(this.keyAt(size).name === this.origin, "the log's key has another name than the log");
      await checkNote(data, [this.keyAt(size)], this.beside, this.notes);
    }
  }

  async checkHistory() {
    const proofs = new Map(this.sized("consistency")), smaller = this.checkpoints.slice(0, -1);
    require(proofs.size === smaller.length, "a proof between checkpoints is missing, or of none");
    for (const one of smaller) {
      require(proofs.has(one.size), "a proof between checkpoints is missing");
      await checkConsistency(one, this.head, hashLines(proofs.get(one.size)));
    }
  }

  /** Return who else saw which checkpoint, and when, in seconds. */
  async seen() {
    const found = [];
    for (const { size, data } of this.checkpoints) {
      const present = new Set(readNote(data).signatures.map((one) => one.id));
      const keys = this.witnesses.map((one) => one.key).filter((key) => present.has(key.id));
      for (const { key, time } of await checkNote(data, [], keys, this.notes)) {
        found.push({ name: this.witnesses.find((one) => one.key.vkey === key.vkey).name, size, time });
      }
    }
    if (found.length) this.notes.add("The witnesses are those of the bundle's own policy: compare their keys.");
    const folder = `logs/${this.stream}/timestamps/`;
    for (const name of [...this.members.keys()].filter((one) => one.startsWith(folder)).sort()) {
      const [size, file] = name.slice(folder.length).split("/");
      const anchor = this.member(`anchors/${size}`), tree = this.checkpoints.find((one) => digits(one.size) === size);
      require(anchor && tree && readNote(anchor).text === tree.text, `${name} is over another checkpoint`);
      const { time, signer } = await checkStamp(this.members.get(name), anchor);
      const by = signer ? `signed by ${signer}, whose certificate's own issuers are` : "whose signer is";
      this.notes.add(`The time stamp of ${file.replace(/\.tsr$/, "")} is ${by} not checked here: verify.py does.`);
      found.push({ name: file.replace(/\.tsr$/, ""), size: tree.size, time });
    }
    return found;
  }
}

// --- the bundle --------------------------------------------------------------------------------------------------------------

/** Run a step; whatever goes wrong in it is told with its number. */
async function at(step, run) {
  try {
    return await run();
  } catch (error) {
    if (error instanceof StepError) throw error;
    throw new StepError(step, error instanceof Broken ? error.message : `what is there cannot be read (${error.message})`);
  }
}

const iso = (seconds) => new Date(seconds * 1000).toISOString();
const micros = (recorded) => Date.parse(recorded) / 1000;

class BundleCheck {
  constructor(data, trusted, tell) {
    Object.assign(this, { data, trusted, tell, steps: [], notes: new Set(), disclosed: [] });
  }

  passed(step, message) {
    const told = { step, label: STEPS[step], message };
    this.steps.push(told);
    this.tell?.(told);
  }

  async run() {
    await at(1, () => this.content());
    await at(2, () => this.inclusion());
    await at(3, () => this.signature());
    await at(4, () => this.continuity());
    await at(5, () => this.time());
    await at(6, () => this.custody());
  }

  async content() {
    const members = (this.members = readArchive(this.data));
    const manifest = (this.manifest = readJson(members.get("manifest.json"), "manifest.json"));
    require(manifest.bundle === "ordertrail/bundle/v1", "the manifest is of another format");
    const listed = new Map(manifest.members.map((one) => [one.name, one]));
    require([...listed.keys()].join() === manifest.members.map((one) => one.name).sort().join(), "the manifest is not in order");
    for (const name of [...new Set([...members.keys(), ...listed.keys()])].sort()) {
      if (BESIDE.has(name) && !listed.has(name)) continue;
      const one = listed.get(name), bytes = members.get(name);
      require(one, `${name} is not in the manifest`);
      require(bytes && !BESIDE.has(name), `${name} is missing`);
      require(bytes.length === one.length && hex(await sha256(bytes)) === one.sha256, `${name} was altered`);
    }
    require(members.has("seal.json") && members.has("seal.tlog-proof"), "the seal is missing");
    if (members.has("verify.html")) await this.page();
    else this.notes.add("The page is checked against the manifest where the whole bundle is: open the .zip here, or use verify.py.");
    this.entries = [];
    for (const name of [...members.keys()].sort()) {
      if (name.startsWith("logs/") && name.endsWith(".json")) {
        const entry = readJson(members.get(name), name);
        require(digits(entry.ledger.index) === name.slice(-21, -5), `${name} is another entry`);
        const proof = members.get(`${name.slice(0, -4)}tlog-proof`);
        require(proof, `${name} has no proof`);
        this.entries.push({ stream: name.split("/")[1], data: members.get(name), proof, entry });
      }
      if (name.startsWith("blobs/")) require(hex(await sha256(members.get(name))) === name.slice(6), `${name} has another hash`);
    }
    this.purges = new Map();
    for (const name of [...members.keys()].filter((one) => one.startsWith("purges/")).sort()) {
      this.purges.set(name.slice(7, -5), this.purge(name, readJson(members.get(name), name)));
    }
    for (const part of manifest.logs) {
      require(this.entries.filter((one) => one.stream === part.stream).length === part.entries, `entries of ${part.stream} are missing`);
    }
    await this.disclosures();
    this.passed(1, `${members.size} members as the manifest names them, ${this.entries.length} canonical entries`);
    if (this.disclosed.length) this.passed(1, `${this.disclosed.length} sealed fields opened by their keys`);
  }

  /** Read what was destroyed: the deletion log's certificate and the log's own order must say the same. */
  purge(name, { certificate, order, consistency, ...more }) {
    const find = ({ stream, index }) => this.entries.find((one) => one.stream === stream && one.entry.ledger.index === index);
    const certified = find(certificate), ordered = find(order), id = name.slice(7, -5);
    require(certified && ordered && certified.stream !== ordered.stream, `${name} is of entries that are not here`);
    const said = (one) => Object.fromEntries(one.entry.event.changes.map(({ path, after }) => [path, after]));
    const is = ({ entry: { event } }, kind, of) => event.action === "retention.purge" && event.outcome === "success"
      && event.subject.kind === kind && event.subject.id === of;
    const { origin } = this.manifest.logs.find((part) => part.stream === order.stream) ?? {};
    const told = said(certified), asked = said(ordered), minimum = told["/minimum"];
    const certifies = told["/stream"] === order.stream && told["/origin"] === origin && !Object.keys(more).length;
    require(is(certified, "disposal", id) && certifies, `${name}: entry ${certificate.index} does not certify it`);
    const same = told["/order"] === ordered.entry.event.id && asked["/minimum"] === minimum && asked["/root"] === told["/root"];
    const whole = Number.isSafeInteger(minimum) && minimum > 0 && minimum <= order.index;
    require(is(ordered, "log", origin) && same && whole, `${name}: entry ${order.index} does not order what is certified`);
    const root = Uint8Array.from(hexBytes(told["/root"]));
    return { certified, stream: order.stream, origin, tree: { size: BigInt(minimum), root }, hashes: consistency.map(fromBase64) };
  }

  /** Whether a log is here for its certificates of destruction only; an entry of the other log ordered each. */
  certifies(log) {
    const certified = [...this.purges.values()].map((one) => one.certified);
    const own = this.entries.filter((one) => one.stream === log.stream);
    return log !== this.home && own.length > 0 && own.every((one) => certified.includes(one));
  }

  /** Hold a whole bundle's page against the manifest, and what it carries against the other members. */
  async page() {
    // This file stands inside the page that it takes apart: it must not hold these tags itself.
    const tag = "script", opening = `<${tag} type="application/octet-stream" id="evidence">`;
    const page = text(this.members.get("verify.html"));
    const [before, rest, ...more] = page.split(opening);
    require(rest !== undefined && !more.length, "verify.html was altered");
    const end = rest.indexOf(`</${tag}>`);
    const frame = bytesOf(before + opening + rest.slice(end));
    require(hex(await sha256(frame)) === this.manifest.page, "verify.html was altered");
    const others = new Map([...this.members].filter(([name]) => name !== "verify.html"));
    require(rest.slice(0, end) === toBase64(writeArchive(others)), "verify.html does not carry what this bundle holds");
  }

  async disclosures() {
    const found = this.members.has("disclosures.json") ? readJson(this.members.get("disclosures.json"), "disclosures.json") : [];
    if (found.length && !subtle) this.notes.add("This browser cannot open the disclosed fields.");
    for (const { event, path, key } of subtle ? found : []) {
      let value = this.entries.find((one) => one.entry.event.id === event)?.entry.event;
      for (const name of path.split("/").slice(1)) value = value?.[name.replaceAll("~1", "/").replaceAll("~0", "~")];
      require(value?.sealed, `no entry has a sealed field at ${path}`);
      const raw = fromBase64(key), box = fromBase64(value.sealed.box), place = bytesOf(`${event}\0${path}`);
      const opener = await subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
      const options = { name: "AES-GCM", iv: box.subarray(0, 12), additionalData: place };
      const plain = new Uint8Array(await subtle.decrypt(options, opener, box.subarray(12)).catch(() => {
        throw new Broken(`the field at ${path} does not open with its key`);
      }));
      const committed = await sha256(concat(bytesOf("ordertrail/commitment/v1\0"), raw, place, Uint8Array.of(0), plain));
      require(toBase64(committed) === value.sealed.commitment, `the field at ${path} is not the one committed to`);
      this.disclosed.push({ event, path, value: JSON.parse(text(plain)) });
    }
  }

  async inclusion() {
    this.logs = new Map(this.manifest.logs.map((part) => [part.stream, new Log(this.members, part, this.notes)]));
    for (const one of this.entries) {
      const proof = readProof(one.proof), log = this.logs.get(one.stream);
      const tree = log?.checkpoints.find((checkpoint) => same(checkpoint.data, proof.note));
      require(tree && proof.index === BigInt(one.entry.ledger.index), `the proof of entry ${proof.index} is of another, or leads elsewhere`);
      one.leaf = await leafHash(one.data);
      await checkInclusion(proof.index, tree.size, one.leaf, proof.hashes, tree.root);
    }
    this.home = this.logs.get(this.manifest.sealed_in);
    const data = this.members.get("seal.json"), proof = readProof(this.members.get("seal.tlog-proof"));
    const entry = readJson(data, "seal.json"), tree = readCheckpoint(proof.note);
    require(this.home && proof.index === BigInt(entry.ledger.index), "the seal's proof is of another entry");
    await checkInclusion(proof.index, tree.size, await leafHash(data), proof.hashes, tree.root);
    this.seal = { entry, proof, tree };
    this.passed(2, `${this.entries.length} entries and the seal are under the roots of checkpoints`);
  }

  async signature() {
    for (const log of this.logs.values()) {
      await log.checkKeys();
      await log.checkCheckpoints();
      const known = log.keys.map(({ key }) => key.vkey);
      const named = !this.trusted.length || known.some((vkey) => this.trusted.includes(vkey));
      require(named || this.certifies(log), `no key that you trust is ${log.origin}'s`);
      if (!named) this.notes.add(`${log.origin} only certifies what was destroyed; you named no key of it: compare ${known.join(", ")}.`);
      this.passed(3, `${log.origin}: ${log.checkpoints.length} checkpoint(s) signed by ${known.join(", ")}`);
    }
    const { entry, proof, tree } = this.seal;
    require(tree.origin === this.home.origin && tree.signatures.length === 1, "the seal is malformed");
    await checkNote(proof.note, [this.home.keyAt(tree.size)], [], this.notes);
    const { event } = entry, named = event.changes.find((change) => change.path === "/manifest/sha256")?.after;
    const hash = hex(await sha256(this.members.get("manifest.json")));
    const right = event.action === "bundle.make" && event.outcome === "success" && event.subject.id === this.manifest.id;
    require(right && named === hash, "the log names another manifest: the manifest was altered");
    this.passed(3, `entry ${proof.index} of the log names this manifest, ${hash}`);
    if (!this.trusted.length) this.notes.add("You named no key to trust: compare the log's key with one from another source.");
  }

  async continuity() {
    for (const log of this.logs.values()) await log.checkHistory();
    const { proof, tree } = this.seal;
    const between = this.members.get("seal.consistency");
    await checkConsistency(this.home.head, tree, hashLines(between));
    require(proof.index >= this.home.head.size, "the seal is older than what it seals");
    for (const [id, { stream, origin, tree: destroyed, hashes }] of this.purges) {
      await checkConsistency(destroyed, this.logs.get(stream).head, hashes);
      this.passed(4, `entries 0 to ${destroyed.size - 1n} of ${origin} were purged under certificate ${id}`);
    }
    const orders = this.manifest.orders ?? [];
    for (const told of orders) {
      let { previous, number } = await this.before(told);
      const last = number + told.events;
      for (const { stream, entry, leaf } of this.entries) {
        const { subject } = entry.event;
        if (stream !== told.stream || subject.order !== told.order || subject.tenant !== told.tenant) continue;
        number += 1;
        const link = entry.ledger.order;
        require(link?.number === number && link.previous === previous, `order ${told.order} has a gap before its event ${number}`);
        previous = hex(leaf);
      }
      require(number === last, `order ${told.order} ends with event ${number}, not ${last}`);
    }
    this.passed(4, `one history; ${orders.length} order(s) without an unexplained gap`);
  }

  /** Return the hash and number that an order begins after: what a certificate explains, or nothing. */
  async before({ order, tenant, stream, before }) {
    if (!before) return { previous: "0".repeat(64), number: 0 };
    const { entry: index, number, hashes, purge } = before;
    const [first] = [...this.purges].filter(([, one]) => one.stream === stream && BigInt(index) < one.tree.size)
      .sort(([, a], [, b]) => (a.tree.size < b.tree.size ? -1 : 1));
    require(first?.[0] === purge && number > 0, `order ${order}: no certificate explains what is missing`);
    const of = ({ subject }) => subject.order === order && subject.tenant === tenant;
    const { previous } = this.entries.find((one) => one.stream === stream && of(one.entry.event)).entry.ledger.order;
    const { head } = this.logs.get(stream), leaf = Uint8Array.from(hexBytes(previous));
    await checkInclusion(BigInt(index), head.size, leaf, hashes.map(fromBase64), head.root);
    this.passed(4, `order ${order}: events 1 to ${number} are purged under certificate ${purge}, not missing`);
    return { previous, number };
  }

  async time() {
    for (const log of this.logs.values()) {
      const recorded = this.entries.filter((one) => one.stream === log.stream).map((one) => one.entry.ledger);
      for (let n = 1; n < recorded.length; n++) {
        require(recorded[n - 1].recorded <= recorded[n].recorded, "recorded times run backwards");
      }
      const seen = await log.seen();
      for (const { name, size, time } of seen) {
        const late = recorded.find((one) => BigInt(one.index) < size && micros(one.recorded) > time + 2);
        require(!late, `entry ${late?.index} says that it was recorded after ${name} saw it`);
        this.passed(5, `${name} saw the first ${size} entries of ${log.origin} at ${iso(time)}`);
      }
      if (!seen.length) this.notes.add(`Nobody else's clock is on ${log.origin}: its times are its operator's word.`);
    }
    this.passed(5, "recorded times do not run backwards");
  }

  async custody() {
    const { made } = this.manifest, { event, ledger } = this.seal.entry;
    require(event.actor.id === made.by && made.approved_by !== made.by, "the log says that somebody else made it");
    this.passed(6, `made by ${made.by}; the log recorded it at ${ledger.recorded}: ${made.reason}`);
  }
}

/** Check a bundle (bytes of the .zip, or of what a page carries) against verifier keys that one trusts.
 *
 * Returns `{ verdict, vouched, steps, notes, manifest, entries, disclosed, keys }`; throws a StepError at the first
 * step that does not hold. `tell` is called with each step as it passes.
 */
export async function checkBundle(data, trusted = [], tell = undefined) {
  const check = new BundleCheck(data, trusted.map((vkey) => vkey.trim()).filter(Boolean), tell);
  await check.run();
  const vouched = check.trusted.length > 0, events = check.entries.length;
  return {
    verdict: vouched
      ? `All ${events} events are proven: ${check.manifest.about}.`
      : `The bundle of ${events} events agrees with itself. Compare its key with one from another source.`,
    vouched,
    steps: check.steps,
    notes: [...check.notes],
    manifest: check.manifest,
    entries: check.entries.map(({ stream, entry, leaf }) => ({ stream, entry, leaf: hex(leaf) })),
    disclosed: check.disclosed,
    keys: [...check.logs.values()].flatMap((log) => log.keys.map(({ key }) => key.vkey)),
  };
}

/** Check a C2SP tlog-proof of an entry's bytes against verifier keys that one trusts, at least one. */
export async function checkProof(proofBytes, entryBytes, trusted) {
  const steps = [], passed = (step, message) => steps.push({ step, label: STEPS[step], message });
  const notes = new Set();
  const entry = await at(1, () => readJson(entryBytes, "the entry"));
  passed(1, "the entry's bytes hash to the leaf that is proven");
  const tree = await at(2, async () => {
    const proof = readProof(proofBytes), checkpoint = readCheckpoint(proof.note);
    require(proof.index === BigInt(entry.ledger.index), "the proof is of another entry");
    await checkInclusion(proof.index, checkpoint.size, await leafHash(entryBytes), proof.hashes, checkpoint.root);
    return { ...checkpoint, data: proof.note };
  });
  passed(2, `the leaf is under the root of ${tree.size} entries`);
  await at(3, async () => {
    const keys = await Promise.all(trusted.map((vkey) => readVkey(vkey.trim())));
    const present = new Set(tree.signatures.map((one) => `${one.name}+${one.id}`));
    const signer = keys.find((key) => key.name === tree.origin && present.has(`${key.name}+${key.id}`));
    require(signer, `the checkpoint of ${tree.origin} is signed by no key that you named`);
    await checkNote(tree.data, [signer], keys.filter((key) => key !== signer), notes);
    passed(3, `the root is signed by ${signer.vkey}`);
  });
  const verdict = `Event ${entry.event.id} is entry ${entry.ledger.index} of ${tree.origin}, recorded ${entry.ledger.recorded}.`;
  return { verdict, vouched: true, steps, notes: [...notes], entry };
}
