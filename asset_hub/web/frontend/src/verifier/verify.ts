// The rule of the stand-alone page: the same checks, names and words as ledger/verifier.py, which the tests compare.
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { dayOf, eventIn, showTime, timeOf } from "./blocks";
import { fromHex, join, same, toHex, toWhole, utf8 } from "./bytes";
import type { Members } from "./json";
import { BITS, MOST_SIMILAR, distanceOf, readFingerprint } from "./likeness";
import { type Paper, type Params, Refused, checkSignature, readCertificate, readLicence, readStatus, readTrust } from "./papers";
import { Sm3 } from "./sm";
import { ProofRefused } from "./trie";
import { type Outcome, checkCountersignatures, checkKeys, checkLister, checkSm2, checkStamp, climb } from "./witnesses";

export type Given = { media?: Blob; trust?: Uint8Array; status?: Uint8Array; today: string };
export type Check = { name: string; ok: boolean | null; text: string; params: Params };

const GRANTED = keccak_256(
  utf8("Granted(bytes32,bytes32,uint256,bytes32,bytes32,uint256,uint256,uint256,bytes32,bytes32,bytes32)"));
export const ANCHORED = keccak_256(utf8("Anchored(bytes32,bytes32,uint32,uint8)"));
const TERMS_WORD = 5;
const SLICE = 4 << 20;

export async function verify(content: Uint8Array, given: Given): Promise<Check[]> {
  let paper: Paper;
  try {
    paper = readCertificate(content);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return [{ name: "form", ok: false, text: error.text, params: error.params }];
  }
  const links: [string, () => Outcome | Promise<Outcome>][] = [
    ["signature", () => checkSigner(paper)],
    ["issuer", () => checkIssuer(paper, given.trust)],
    ["key history", () => checkKeys(paper, given.trust, given.status)],
    ["licence recorded", () => checkGrant(paper)],
    ["delivery anchored", () => checkAnchor(paper)],
    ["file", () => checkMedia(paper, given.media)],
    ["SM3", () => checkSm3(paper, given.media)],
    ["period", () => checkPeriod(paper, given.today)],
    ["revocation", () => checkStatus(paper, given.trust, given.status)],
    ["SM2 signature", () => checkSm2(paper, given.trust)],
    ["time stamp", () => checkStamp(paper, given.trust)],
    ["countersignatures", () => checkCountersignatures(paper, given.trust)],
  ];
  const checks: Check[] = [{ name: "form", ok: true, text: "canonical, closed", params: {} }];
  for (const [name, link] of links) {
    const [ok, text, params] = await attempt(link);
    checks.push({ name, ok, text, params: params ?? {} });
  }
  return checks;
}

export async function attempt(link: () => Outcome | Promise<Outcome>): Promise<Outcome> {
  try {
    return await link();
  } catch (error) {
    if (error instanceof Refused) return [false, error.text, error.params];
    if (error instanceof ProofRefused) return [false, "the proof does not lead to the block it names"];
    return [false, "it cannot be read: damaged or made up"];
  }
}

function checkSigner(paper: Paper): Outcome {
  return [true, "signed by {address}", { address: `0x${checkSignature(paper, paper.text("issuer", "address"))}` }];
}

function checkIssuer(paper: Paper, trust: Uint8Array | undefined): Outcome {
  if (!trust) return [null, "issuer not pinned"];
  const pinned = readTrust(trust);
  const address = paper.text("issuer", "address");
  const issuer = (pinned.list("issuers") as Members[]).filter((one) => one.get("address") === address).at(-1);
  if (!issuer) throw new Refused("the issuer is not in the trust file");
  const isPinned = (pinned.list("chains") as Members[]).some(
    (one) => one.get("id") === paper.whole("chain", "id") && one.get("genesis") === paper.text("chain", "genesis"));
  if (!isPinned) throw new Refused("the chain is not in the trust file");
  return [true, "pinned: {name}", { name: Array.from(issuer.get("name") as string).slice(0, 80).join("") }];
}

function checkGrant(paper: Paper): Outcome {
  const { topics, data, time } = eventIn(paper.inner("grant"), GRANTED);
  const licence = readLicence(paper.text("licence"));
  if (toWhole(topics[3]!) !== licence.number) throw new Refused("the recorded licence has another number");
  const commitment = keccak_256(join(fromHex(paper.text("licence_salt")), utf8(paper.text("licence"))));
  if (!same(data.slice(32 * TERMS_WORD, 32 * TERMS_WORD + 32), commitment)) {
    throw new Refused("the terms are not the recorded ones");
  }
  return [true, "licence {number} recorded {time}", { number: String(licence.number), time: showTime(time) }];
}

function checkAnchor(paper: Paper): Outcome {
  const { topics, time } = eventIn(paper.inner("anchor"), ANCHORED);
  const commitment = keccak_256(join(fromHex(paper.text("delivery", "salt")), fromHex(paper.text("delivery", "sha256"))));
  const path = (paper.list("delivery", "path") as string[]).map(fromHex);
  if (!same(climb(commitment, path), topics[2]!)) {
    throw new Refused("the delivered file's digest is not under the anchored root");
  }
  return [true, "anchored {time}", { time: showTime(time) }];
}

async function checkMedia(paper: Paper, media: Blob | undefined): Promise<Outcome> {
  if (!media) return [null, "no file given"];
  const digest = sha256.create();
  for await (const slice of slices(media)) digest.update(slice);
  const agrees = toHex(digest.digest()) === paper.text("delivery", "sha256")
    && BigInt(media.size) === paper.whole("delivery", "bytes");
  return agrees ? [true, "its SHA-256 agrees"] : likeness(paper.inner("delivery"), media);
}

// Of another file: whether it looks like the delivered one. It is another file all the same.
async function likeness(delivery: Paper, media: Blob): Promise<Outcome> {
  if ((delivery.members.get("fingerprint") ?? null) === null) {
    return [false, "not the delivered file: bytes differ (likeness not checked: no fingerprint stated)"];
  }
  const found = await readFingerprint(media);
  if (!found) return [false, "not the delivered file: bytes differ (likeness not checked: no picture read here)"];
  const distance = distanceOf(found, delivery.text("fingerprint", "value"));
  const said = { distance: String(distance), bits: String(BITS), most: String(MOST_SIMILAR) };
  if (distance > MOST_SIMILAR) return [false, "not the delivered file, nor similar to it: {distance} of {bits} bits differ", said];
  return [false, "similar, not identical: {distance} of {bits} bits differ, at most {most} is similar; it is another file", said];
}

async function checkSm3(paper: Paper, media: Blob | undefined): Promise<Outcome> {
  const stated = paper.text("delivery", "sm3");
  if (!stated) return [null, "the certificate states no SM3 digest"];
  if (!media) return [null, "no file given"];
  const digest = new Sm3();
  for await (const slice of slices(media)) digest.update(slice);
  if (toHex(digest.digest()) !== stated) throw new Refused("the file is not the delivered one: its SM3 differs");
  return [true, "its SM3 agrees"];
}

async function* slices(media: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < media.size; at += SLICE) {
    yield new Uint8Array(await media.slice(at, at + SLICE).arrayBuffer());
  }
}

function checkPeriod(paper: Paper, today: string): Outcome {
  const { first, last } = readLicence(paper.text("licence"));
  if (today > last) throw new Refused("expired: the last day was {last}", { last });
  const recorded = dayOf(timeOf(paper.inner("grant")));
  if (recorded > last) throw new Refused("recorded on {recorded}, after its last day {last}", { recorded, last });
  if (today < first) return [true, "{first} – {last}, last day included (not begun yet)", { first, last }];
  return [true, "{first} – {last}, last day included", { first, last }];
}

function checkStatus(paper: Paper, trust: Uint8Array | undefined, status: Uint8Array | undefined): Outcome {
  if (!status) return [null, "revocation not checked"];
  const listed = readStatus(status);
  checkLister(paper, listed, trust);
  const dated = listed.text("dated");
  if (listed.list("revoked").includes(readLicence(paper.text("licence")).number)) {
    throw new Refused("revoked, as of the list dated {dated}", { dated });
  }
  return [true, "not revoked as of {dated}", { dated }];
}
