// Checks an evidence bundle as ledger/bundles.py does: its zip, manifest, members, records, and the certificate inside.
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { digestOf, eventIn, showTime } from "./blocks";
import { fromHex, join, same, toHex, utf8 } from "./bytes";
import { type Json, type Members, OtherSpelling, parseOneSpelling } from "./json";
import {
  Paper, Refused, type Shape, checkAttestationForm, checkHex, checkShape, checkSignature, readCertificate, readMoment,
} from "./papers";
import { Sm3 } from "./sm";
import { ANCHORED, type Check, type Given, attempt, verify } from "./verify";
import { type Outcome, checkCountersignatures, checkStamp, climb, spansOf } from "./witnesses";
import { readZip } from "./zip";

const [MANIFEST, CERTIFICATE, STATUS, CAPTURE] = ["manifest.json", "certificate.json", "status.json", "capture.json"] as const;
const MEMBERS = new Set([
  CERTIFICATE, STATUS, CAPTURE, "certificate.pdf", "trust.json", "transactions.json", "review.json", "statement.json",
  "sbom.cdx.json", "verifier.pyz", "evidence.pdf", "README.txt",
]);
const SHAPE: Shape = { type: "text", made_at: "text", issuer: "text", licence: "whole", members: "list", signature: "text" };
const MEMBER: Shape = { name: "text", bytes: "whole", sha256: "text", sm3: "text" };
const PROOF: { [member: string]: Shape } = {
  type: "text", session: "text", record: "text", salts: "list", paths: "list",
  anchor: [{ contract: "text", header: "text", index: "whole", nodes: "list" }],
};
const ATTESTATION: Shape = { day: "text", anchor: "list", stamp: "text", countersignatures: "list" };
const PROOFS = new Map<Json | undefined, Shape>([
  ["asset_hub/capture-proof/2", { ...PROOF, attestation: [ATTESTATION] }], ["asset_hub/capture-proof/1", PROOF],
]);

type Found = Map<string, Uint8Array>;
export type Bundle = { checks: Check[]; certificate?: Uint8Array };

export async function verifyBundle(content: Uint8Array, given: Given): Promise<Bundle> {
  const checks: Check[] = [];
  let found: Found = new Map();
  let manifest = new Paper(new Map());
  const look = async (name: string, link: () => Outcome | Promise<Outcome>): Promise<boolean> => {
    const [ok, text, params] = await attempt(link);
    checks.push({ name, ok, text, params: params ?? {} });
    return ok !== false;
  };
  const holds = await look("bundle", async () => {
    found = await readZip(content, new Set([...MEMBERS, MANIFEST]));
    return [true, "{count} members", { count: String(found.size) }];
  }) && await look("manifest", () => {
    manifest = readManifest(found.get(MANIFEST)!);
    return [true, "signed by 0x{signer}", { signer: checkSignature(manifest, manifest.text("issuer")) }];
  }) && await look("members", () => checkMembers(found, manifest));
  if (!holds) return { checks };
  const certificate = found.get(CERTIFICATE)!;
  const inside = await verify(certificate, { ...given, status: given.status ?? found.get(STATUS)! });
  if (inside[0]!.ok) {
    const paper = readCertificate(certificate);
    await look("one issuer", () => checkIssuer(paper, manifest));
    await look("transactions", () => checkTransactions(paper, found));
    await look("capture record", () => checkCapture(paper, found));
    await look("capture time stamp", () => checkStamp(attestedCapture(paper, found), given.trust));
    await look("capture countersignatures", () => checkCountersignatures(attestedCapture(paper, found), given.trust));
    await look("for reading", () => [null, "reports and lists are signed, their contents not examined"]);
  }
  return { checks: [...checks, ...inside], certificate };
}

function readManifest(content: Uint8Array): Paper {
  let document: Json;
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  try {
    document = parseOneSpelling(text);
  } catch (error) {
    JSON.parse(text);
    if (error instanceof OtherSpelling) throw new Refused("it is not written in its one spelling");
    throw error;
  }
  checkShape(document, SHAPE, "manifest");
  const manifest = new Paper(document as Members);
  if (manifest.text("type") !== "asset_hub/evidence-bundle/1") throw new Refused("it is not written in its one spelling");
  checkHex("issuer", manifest.text("issuer"), 40);
  checkHex("signature", manifest.text("signature"), 130);
  for (const member of manifest.list("members")) {
    checkShape(member, MEMBER, "members");
    checkHex("sha256", (member as Members).get("sha256")!, 64);
    checkHex("sm3", (member as Members).get("sm3")!, 64);
  }
  return manifest;
}

function checkMembers(found: Found, manifest: Paper): Outcome {
  const listed = new Map((manifest.list("members") as Members[]).map((one) => [one.get("name") as string, new Paper(one)]));
  const isWhole = listed.size === MEMBERS.size && [...MEMBERS].every((name) => listed.has(name));
  if (!isWhole || listed.size !== manifest.list("members").length) throw new Refused("the manifest lists other members");
  for (const [name, member] of listed) {
    const content = found.get(name)!;
    if (toHex(sha256(content)) !== member.text("sha256") || BigInt(content.length) !== member.whole("bytes")) {
      throw new Refused("“{name}” was changed: its SHA-256 differs", { name });
    }
    if (toHex(new Sm3().update(content).digest()) !== member.text("sm3")) {
      throw new Refused("“{name}” was changed: its SM3 differs", { name });
    }
  }
  return [true, "{count} members are as they were signed", { count: String(listed.size) }];
}

function checkIssuer(certificate: Paper, manifest: Paper): Outcome {
  const issuer = manifest.text("issuer");
  const spans = spansOf(certificate.list("issuer", "keys")).filter(({ address }) => address === issuer);
  if (issuer !== certificate.text("issuer", "address") && !spans.length) {
    throw new Refused("the bundle is signed by another than the certificate's issuer");
  }
  const made = BigInt(Date.parse(readMoment(manifest.text("made_at"), "made_at")) / 1000);
  if (!spans.some(({ from, until }) => from <= made && (!until || made < until))) {
    throw new Refused("the key that signed the bundle was not valid then");
  }
  if (readNumber(certificate) !== Number(manifest.whole("licence"))) {
    throw new Refused("the bundle is of another licence than its certificate");
  }
  return [true, "bundle and certificate have one issuer"];
}

const readNumber = (certificate: Paper): unknown => (JSON.parse(certificate.text("licence")) as { number: unknown }).number;

type Transaction = { raw: string; transaction: string; block_hash: string };

function checkTransactions(certificate: Paper, found: Found): Outcome {
  const listed = (parse(found.get("transactions.json")!) as { transactions: Transaction[] }).transactions;
  for (const one of listed) {
    if (toHex(keccak_256(hex(one.raw))) !== one.transaction) throw new Refused("a transaction is not the one that is named");
  }
  const blocks = new Set(listed.map((one) => one.block_hash));
  if (!["grant", "anchor"].every((name) => blocks.has(toHex(digestOf(certificate.inner(name)))))) {
    throw new Refused("the transactions of licence and delivery are not among them");
  }
  return [true, "{count} transactions are as they are named", { count: String(listed.length) }];
}

function readCapture(found: Found): Paper {
  const document = asJson(parse(found.get(CAPTURE)!));
  if (!(document instanceof Map)) throw new Error("no record");
  const shape = PROOFS.get(document.get("type"));
  if (!shape) throw new Refused("it is not written in its one spelling");
  checkShape(document, shape, "capture");
  const proof = new Paper(document);
  if (!document.has("attestation")) document.set("attestation", null);
  if (!proof.isNull("attestation")) checkAttestationForm(proof.inner("attestation"), ["anchor"]);
  return proof;
}

function attestedCapture(certificate: Paper, found: Found): Paper {
  const proof = readCapture(found);
  const anchor = proof.members.get("anchor")!;
  return new Paper(new Map<string, Json>([
    ["attestation", anchor === null ? null : proof.members.get("attestation")!], ["anchor", anchor],
    ["issuer", certificate.members.get("issuer")!], ["chain", certificate.members.get("chain")!],
  ]));
}

type CaptureRecord = { session: string; number: string; sha256: string };

function checkCapture(certificate: Paper, found: Found): Outcome {
  const proof = readCapture(found);
  if (proof.isNull("anchor")) return [null, "no capture record is provided (未提供)"];
  const texts = [proof.text("session"), proof.text("record")];
  const record = JSON.parse(texts[1]!) as CaptureRecord;
  if (record.session !== toHex(sha256(utf8(texts[0]!)))) throw new Refused("the record names another intake");
  if (proof.text("anchor", "contract") !== certificate.text("anchor", "contract")) {
    throw new Refused("the record is anchored in another register than the delivery");
  }
  const licence = JSON.parse(certificate.text("licence")) as { work: { number: string } };
  if (record.number !== licence.work.number) throw new Refused("the record is of another work than the licence");
  const { topics, time } = eventIn(proof.inner("anchor"), ANCHORED);
  const [salts, paths] = [proof.list("salts") as string[], proof.list("paths") as string[][]];
  if (salts.length !== 2 || paths.length !== 2) throw new Error("not two lines");
  texts.forEach((text, at) => {
    const commitment = keccak_256(join(hex(salts[at]!), sha256(utf8(text))));
    if (!same(climb(commitment, paths[at]!.map(hex)), topics[2]!)) throw new Refused("the record is not under the anchored root");
  });
  return [
    true, "file {sha256}… taken in, anchored {time}, on the issuer's word",
    { sha256: record.sha256.slice(0, 16), time: showTime(time) },
  ];
}

const parse = (content: Uint8Array): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));

function hex(text: string): Uint8Array {
  if (typeof text !== "string" || !/^(?:[0-9a-f]{2})*$/.test(text)) throw new Error("no hex");
  return fromHex(text);
}

function asJson(value: unknown): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return BigInt(value);
  if (Array.isArray(value)) return value.map(asJson);
  return new Map(Object.entries(value as object).map(([name, inner]) => [name, asJson(inner)]));
}
