// Reads what the verifier is given: documents of a closed shape, each value in its one spelling.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { fromHex, toHex, toWhole, utf8 } from "./bytes";
import { type Json, type Members, parseOneSpelling, spell } from "./json";

export type Params = Record<string, string>;
export type Shape = "text" | "whole" | "list" | [Shape] | { [member: string]: Shape };
export type Licence = { number: bigint; first: string; last: string };

const MAX_BYTES = 1 << 20;
const MAX_BRACKETS = 500;
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const PROOF: Shape = { contract: "text", header: "text", index: "whole", nodes: "list" };
const SPAN = { address: "text", from: "whole", until: "whole" } as const;
const SM2: Shape = { public_key: "text", signature: "text", standing: "text", certificates: "list" };
const ATTESTATION: Shape = { day: "text", grant: "list", anchor: "list", stamp: "text", countersignatures: "list" };
const FINGERPRINT: Shape = { algorithm: "text", value: "text" };
const DELIVERY = { sha256: "text", sm3: "text", bytes: "whole", name: "text", salt: "text", path: "list" } as const;
const CERTIFICATE: { [member: string]: Shape } = {
  type: "text", issued_at: "text", licence: "text", licence_salt: "text", signature: "text",
  issuer: { name: "text", address: "text", custody: "text", witness: "text", keys: "list" },
  chain: { id: "whole", genesis: "text" }, grant: PROOF, anchor: PROOF,
  delivery: { ...DELIVERY, fingerprint: [FINGERPRINT] }, sm2: [SM2], attestation: [ATTESTATION],
};
const CERTIFICATES = new Map<string, Shape>([
  ["asset_hub/licence-certificate/3", CERTIFICATE],
  ["asset_hub/licence-certificate/2", { ...CERTIFICATE, delivery: DELIVERY }],
]);
const TRUST: Shape = { type: "text", issuers: "list", chains: "list", authorities: "list", witnesses: "list" };
const STATUS: Shape = { type: "text", dated: "text", issuer: "text", keys: "list", revoked: "list", signature: "text" };
const DAY: Shape = {
  type: "text", day: "text", chain: { id: "whole", genesis: "text" }, blocks: "whole", head: "text",
  root: "text",
};
const COUNTERSIGNATURE: Shape = { address: "text", signed_at: "text", signature: "text" };
const MAX_TIME = 1n << 32n;

export class Refused extends Error {
  constructor(readonly text: string, readonly params: Params = {}) { super(text); }
}

export class Paper {
  constructor(readonly members: Members) {}
  text(...path: string[]): string { return this.at(path) as string; }
  whole(...path: string[]): bigint { return this.at(path) as bigint; }
  list(...path: string[]): Json[] { return this.at(path) as Json[]; }
  isNull(name: string): boolean { return this.members.get(name) === null; }
  inner(name: string): Paper { return new Paper(this.at([name]) as Members); }
  private at(path: string[]): Json {
    return path.reduce<Json>((value, name) => (value as Members).get(name)!, this.members);
  }
}

export function readCertificate(content: Uint8Array): Paper {
  const paper = read(content, CERTIFICATES);
  checkHex("signature", paper.text("signature"), 130);
  checkHex("licence_salt", paper.text("licence_salt"), 64);
  checkHex("issuer.address", paper.text("issuer", "address"), 40);
  checkSpans("issuer.keys", paper.list("issuer", "keys"), SPAN);
  checkHex("chain.genesis", paper.text("chain", "genesis"), 64);
  checkHex("delivery.sha256", paper.text("delivery", "sha256"), 64);
  checkHex("delivery.sm3", paper.text("delivery", "sm3"), paper.text("delivery", "sm3") ? 64 : null);
  checkHex("delivery.salt", paper.text("delivery", "salt"), 64);
  checkEvery("delivery.path", paper.list("delivery", "path"), 64);
  checkFingerprint(paper.inner("delivery"));
  for (const name of ["grant", "anchor"]) {
    checkHex(`${name}.contract`, paper.text(name, "contract"), 40);
    checkHex(`${name}.header`, paper.text(name, "header"), null);
    checkEvery(`${name}.nodes`, paper.list(name, "nodes"), null);
  }
  readMoment(paper.text("issued_at"), "issued_at");
  if (!paper.isNull("sm2")) checkSm2Form(paper.inner("sm2"));
  if (!paper.isNull("attestation")) checkAttestationForm(paper.inner("attestation"), ["grant", "anchor"]);
  return paper;
}

// A certificate of the earlier type has no such member.
function checkFingerprint(delivery: Paper): void {
  if ((delivery.members.get("fingerprint") ?? null) === null) return;
  checkHex("delivery.fingerprint", delivery.text("fingerprint", "value"), 64);
  if (delivery.text("fingerprint", "algorithm") !== "asset_hub/picture/1") {
    throw new Refused("“{where}” is not of its type", { where: "delivery.fingerprint" });
  }
}

function checkSm2Form(sm2: Paper): void {
  checkHex("sm2.public_key", sm2.text("public_key"), 130);
  checkHex("sm2.signature", sm2.text("signature"), 128);
  checkEvery("sm2.certificates", sm2.list("certificates"), null);
  if (sm2.text("standing") !== (sm2.list("certificates").length ? "" : "自签")) {
    throw new Refused("“{where}” is not of its type", { where: "sm2.standing" });
  }
}

export function checkAttestationForm(attestation: Paper, proofs: string[]): void {
  checkHex("attestation.stamp", attestation.text("stamp"), null);
  for (const name of proofs) checkEvery(`attestation.${name}`, attestation.list(name), 64);
  for (const one of attestation.list("countersignatures")) {
    checkShape(one, COUNTERSIGNATURE, "countersignatures");
    const signature = new Paper(one as Members);
    checkHex("countersignatures.address", signature.text("address"), 40);
    checkHex("countersignatures.signature", signature.text("signature"), 130);
    readMoment(signature.text("signed_at"), "signed_at");
  }
}

export function readTrust(content: Uint8Array): Paper {
  const paper = read(content, new Map([["asset_hub/trust/2", TRUST]]));
  checkSpans("issuers", paper.list("issuers"), { ...SPAN, name: "text" });
  checkSpans("witnesses", paper.list("witnesses"), { ...SPAN, name: "text" });
  for (const chain of paper.list("chains")) {
    checkShape(chain, { id: "whole", genesis: "text" }, "chains");
    checkHex("chains", (chain as Members).get("genesis")!, 64);
  }
  for (const authority of paper.list("authorities")) {
    checkShape(authority, { name: "text", sha256: "text" }, "authorities");
    checkHex("authorities", (authority as Members).get("sha256")!, 64);
  }
  return paper;
}

export function readStatus(content: Uint8Array): Paper {
  const paper = read(content, new Map([["asset_hub/status-list/2", STATUS]]));
  checkHex("signature", paper.text("signature"), 130);
  checkHex("issuer", paper.text("issuer"), 40);
  checkSpans("keys", paper.list("keys"), SPAN);
  for (const number of paper.list("revoked")) checkShape(number, "whole", "revoked");
  readMoment(paper.text("dated"), "dated");
  return paper;
}

export function readDay(text: string): Paper {
  const paper = read(utf8(text), new Map([["asset_hub/day/1", DAY]]));
  checkHex("chain.genesis", paper.text("chain", "genesis"), 64);
  checkHex("head", paper.text("head"), 64);
  checkHex("root", paper.text("root"), 64);
  dayIn(paper.text("day"));
  return paper;
}

export function sm2Message(paper: Paper): Uint8Array {
  const without = (members: Members): Members => new Map([...members].filter(([name]) => name !== "signature"));
  return utf8(spell(without(paper.members).set("sm2", without(paper.inner("sm2").members))));
}

export function readLicence(text: string): Licence {
  const licence = parse(utf8(text));
  if (!(licence instanceof Map)) throw new Refused("the licence is not a JSON document");
  const number = licence.get("number");
  if (typeof number !== "bigint") throw new Refused("the licence has no number");
  return { number, first: dayIn(licence.get("first_day")), last: dayIn(licence.get("last_day")) };
}

export function readMoment(text: string, where: string): string {
  const found = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/.exec(text);
  if (!found || !isDay(found[1]!)) throw new Refused("“{where}” is no moment in UTC", { where });
  return text;
}

export function checkSignature(paper: Paper, address: string): string {
  let signer: string;
  try {
    signer = recoverAddress(signingDigest(paper), fromHex(paper.text("signature")));
  } catch {
    throw new Refused("the signature fits no key");
  }
  if (signer !== address) throw new Refused("the signature is not the issuer's, or something in it was changed");
  return signer;
}

export function signingDigest(paper: Paper): Uint8Array {
  const rest = new Map([...paper.members].filter(([name]) => name !== "signature"));
  return keccak_256(utf8(spell(rest)));
}

export function recoverAddress(digest: Uint8Array, signature: Uint8Array): string {
  const last = signature[64];
  if (signature.length !== 65 || (last !== 27 && last !== 28)) throw new Error("no signature");
  if (toWhole(signature.slice(32, 64)) > HALF_ORDER) throw new Error("not in its low-s form");
  const read = secp256k1.Signature.fromBytes(signature.slice(0, 64), "compact").addRecoveryBit(last - 27);
  return toHex(keccak_256(read.recoverPublicKey(digest).toBytes(false).slice(1)).slice(-20));
}

export function checkShape(value: Json | undefined, shape: Shape, where: string): void {
  if (typeof shape === "string") {
    const fits = shape === "text" ? typeof value === "string"
      : shape === "whole" ? typeof value === "bigint" : Array.isArray(value);
    if (!fits) throw new Refused("“{where}” is not of its type", { where });
    return;
  }
  if (Array.isArray(shape)) {
    if (value !== null) checkShape(value, shape[0], where);
    return;
  }
  const names = Object.keys(shape);
  if (!(value instanceof Map) || value.size !== names.length || names.some((name) => !value.has(name))) {
    if (where) throw new Refused("other members than expected in “{where}”", { where });
    throw new Refused("other members than expected");
  }
  for (const name of names) checkShape(value.get(name), shape[name]!, name);
}

function read(content: Uint8Array, shapes: Map<string, Shape>): Paper {
  const value = parse(content);
  const kind = value instanceof Map ? value.get("type") : undefined;
  const shape = typeof kind === "string" ? shapes.get(kind) : undefined;
  checkShape(value, shape ?? [...shapes.values()][0]!, "");
  const paper = new Paper(value as Members);
  const type = paper.text("type");
  if (!shape) throw new Refused("another type of document: {type}", { type: Array.from(type).slice(0, 60).join("") });
  return paper;
}

function parse(content: Uint8Array): Json {
  const isPdf = [0x25, 0x50, 0x44, 0x46].every((byte, at) => content[at] === byte);
  if (isPdf) throw new Refused("this is the certificate to print; choose the JSON file that came with it");
  if (content.length > MAX_BYTES) throw new Refused("longer than any certificate");
  const brackets = content.reduce((count, byte) => count + (byte === 0x5b || byte === 0x7b ? 1 : 0), 0);
  if (brackets > MAX_BRACKETS) throw new Refused("nested deeper than any certificate");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new Refused("not a JSON document in UTF-8");
  }
  try {
    return parseOneSpelling(text);
  } catch {
    throw new Refused("not in its one canonical spelling");
  }
}

function checkSpans(where: string, spans: Json[], shape: Shape): void {
  const seen = new Set<string>();
  for (const span of spans) {
    checkShape(span, shape, where);
    const paper = new Paper(span as Members);
    checkHex(where, paper.text("address"), 40);
    for (const time of [paper.whole("from"), paper.whole("until")]) {
      if (time < 0n || time >= MAX_TIME) throw new Refused("“{where}” is not of its type", { where });
    }
    seen.add(paper.text("address"));
  }
  if (seen.size !== spans.length) throw new Refused("a key stands twice in “{where}”", { where });
}

function checkEvery(where: string, texts: Json[], length: number | null): void {
  for (const text of texts) checkHex(where, text, length);
}

export function checkHex(where: string, text: Json, length: number | null): void {
  const fits = typeof text === "string" && /^(?:[0-9a-f]{2})*$/.test(text) && (length === null || text.length === length);
  if (!fits) throw new Refused("“{where}” is not lower-case hex of its length", { where });
}

function dayIn(text: Json | undefined): string {
  if (typeof text !== "string" || !isDay(text)) throw new Refused("a day of the licence is not written YYYY-MM-DD");
  return text;
}

function isDay(text: string): boolean {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!found || found[1] === "0000") return false;
  const day = new Date(0);
  day.setUTCFullYear(Number(found[1]), Number(found[2]) - 1, Number(found[3]));
  return day.toISOString().slice(0, 10) === text;
}
