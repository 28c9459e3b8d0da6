// Links of a certificate beyond the chain: since when its keys held, SM2, time stamps, countersignatures.
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { dayOf, digestOf, showTime, timeOf } from "./blocks";
import { fromHex, join, order, same, toHex, toWhole, utf8 } from "./bytes";
import { type Certificate, bitsOf, holdsAt as certificateHoldsAt, isAuthority, readCertificateDer, readDer } from "./der";
import type { Json, Members } from "./json";
import { spell } from "./json";
import {
  Paper, type Params, Refused, checkSignature, readDay, readStatus, readTrust, recoverAddress, sm2Message,
} from "./papers";
import { isSm2Signed } from "./sm";
import { type Stamp, readStamp } from "./stamps";

export type Outcome = [boolean | null, string, Params?];
type Span = { address: string; from: bigint; until: bigint; name: string };

const SM2_WITH_SM3 = "2a811ccf55018375";
const CLOCK_SLACK = 3600;
const MAX_CHAIN = 8;
const cut = (text: string, count: number): string => Array.from(text).slice(0, count).join("");
const secondsOf = (moment: string): number => Date.parse(moment) / 1000;

export function checkKeys(paper: Paper, trust: Uint8Array | undefined, status: Uint8Array | undefined): Outcome {
  const issued = BigInt(secondsOf(paper.text("issued_at")));
  if (Math.max(timeOf(paper.inner("grant")), timeOf(paper.inner("anchor"))) > issued) {
    throw new Refused("the certificate is older than the blocks it names");
  }
  const own = spanOf(spansOf(paper.list("issuer", "keys")), paper.text("issuer", "address"));
  if (!own) throw new Refused("the signing key is not in the certificate's key list");
  const later = knownLater(paper, trust, status);
  for (const span of [own, ...later]) {
    if (span.until && issued >= span.until) {
      throw new Refused("the key was retired {time}, before this was signed", { time: showTime(Number(span.until)) });
    }
    if (issued < span.from) {
      throw new Refused("the key was valid only from {time}, after this was signed", { time: showTime(Number(span.from)) });
    }
  }
  const since = { time: showTime(Number(own.from)) };
  if (!later.length) return [null, "by its own list valid from {time}; a later retirement was not checked", since];
  return [true, "the key was valid when it signed, from {time}", since];
}

export function checkLister(paper: Paper, listed: Paper, trust: Uint8Array | undefined): void {
  const [issuer, lister] = [paper.text("issuer", "address"), listed.text("issuer")];
  const pinned = trusted(trust, "issuers");
  const nameOf = (address: string): string | undefined => spanOf(spansOf(pinned), address)?.name;
  if (lister !== issuer && (nameOf(lister) === undefined || nameOf(lister) !== nameOf(issuer))) {
    throw new Refused("the status list is of another issuer");
  }
  checkSignature(listed, lister);
  const span = spanOf(spansOf(pinned), lister);
  if (span?.until && BigInt(secondsOf(listed.text("dated"))) >= span.until) {
    throw new Refused("the status list is signed by a key that was not valid then");
  }
}

export function checkSm2(paper: Paper, trust: Uint8Array | undefined): Outcome {
  if (paper.isNull("sm2")) return [null, "not signed with SM2"];
  const key = fromHex(paper.text("sm2", "public_key"));
  if (!isSm2Signed(key, fromHex(paper.text("sm2", "signature")), sm2Message(paper))) {
    throw new Refused("the SM2 signature is not that key's, or something was changed");
  }
  const chain = (paper.list("sm2", "certificates") as string[]).map(fromHex);
  if (!chain.length) return [true, "signed with SM2 by a key of its own, without certificate"];
  const name = authority(trust, checkChain(chain, key, secondsOf(paper.text("issued_at"))));
  if (name === undefined) return [null, "signed with SM2; its certificates end at a root that no trust file names"];
  return [true, "signed with SM2, certified by {name}", { name: cut(name, 80) }];
}

export function checkStamp(paper: Paper, trust: Uint8Array | undefined): Outcome {
  if (paper.isNull("attestation") || !paper.text("attestation", "stamp")) {
    return [null, "no time stamp: not attested by a third party"];
  }
  checkDay(paper);
  let stamp: Stamp;
  try {
    stamp = readStamp(fromHex(paper.text("attestation", "stamp")));
  } catch {
    throw new Refused("the time stamp is none, or its signature does not hold");
  }
  if (!same(stamp.imprint, sha256(utf8(paper.text("attestation", "day"))))) {
    throw new Refused("the time stamp is of something else");
  }
  if (stamp.time + CLOCK_SLACK < Math.max(...proofsOf(paper).map((name) => timeOf(paper.inner(name))))) throw new Refused("the time stamp is older than the block");
  const name = authority(trust, stamp.certificateSha256);
  const time = showTime(stamp.time);
  if (name === undefined) return [null, "stamped {time} by an authority that no trust file names", { time }];
  const said = { time, name: cut(name, 80) };
  if (!stamp.isSigned) {
    return [null, "imprint and pinned certificate of {name} agree ({time}); its signature not checked", said];
  }
  return [true, "stamped {time} by {name}: imprint, signature and pinned certificate checked", said];
}

export function checkCountersignatures(paper: Paper, trust: Uint8Array | undefined): Outcome {
  if (paper.isNull("attestation") || !paper.list("attestation", "countersignatures").length) {
    return [null, "no countersignature: not attested by a third party"];
  }
  checkDay(paper);
  const witnesses = spansOf(trusted(trust, "witnesses"));
  const own = new Set([paper.text("issuer", "address"), ...spansOf(paper.list("issuer", "keys")).map((span) => span.address)]);
  const names = new Set<string>();
  for (const one of paper.list("attestation", "countersignatures") as Members[]) {
    const signature = new Paper(one);
    checkCountersignature(paper.text("attestation", "day"), signature, own);
    const span = spanOf(witnesses, signature.text("address"));
    if (!span) continue;
    const signed = BigInt(secondsOf(signature.text("signed_at")));
    if (signed < span.from || (span.until && signed >= span.until)) {
      throw new Refused("a countersigner's key was not valid then");
    }
    names.add(span.name);
  }
  if (!names.size) return [null, "countersigned by keys that no trust file names"];
  const sorted = [...names].sort((a, b) => order(utf8(a), utf8(b)));
  return [true, "countersigned by {names}", { names: cut(sorted.join("、"), 200) }];
}

export function climb(commitment: Uint8Array, path: Uint8Array[]): Uint8Array {
  const leaf = keccak_256(keccak_256(commitment));
  return path.reduce((node, sibling) => keccak_256(order(node, sibling) <= 0 ? join(node, sibling) : join(sibling, node)), leaf);
}

function checkCountersignature(day: string, one: Paper, own: Set<string>): void {
  const message: Members = new Map([
    ["type", "asset_hub/countersignature/1"], ["day", day], ["signed_at", one.text("signed_at")],
  ]);
  let signer = "";
  try {
    signer = recoverAddress(keccak_256(utf8(spell(message))), fromHex(one.text("signature")));
  } catch {
    throw new Refused("a countersignature is not that key's");
  }
  if (signer !== one.text("address")) throw new Refused("a countersignature is not that key's");
  if (own.has(signer)) throw new Refused("the issuer cannot countersign its own ledger");
}

// A certificate proves two blocks, a capture record one.
const proofsOf = (paper: Paper): string[] => ["grant", "anchor"].filter((name) => paper.members.has(name));

function checkDay(paper: Paper): void {
  const day = readDay(paper.text("attestation", "day"));
  if (day.whole("chain", "id") !== paper.whole("chain", "id") || day.text("chain", "genesis") !== paper.text("chain", "genesis")) {
    throw new Refused("the day's statement is of another chain");
  }
  for (const name of proofsOf(paper)) {
    const path = (paper.list("attestation", name) as string[]).map(fromHex);
    const root = toHex(climb(digestOf(paper.inner(name)), path));
    if (root !== day.text("root") || dayOf(timeOf(paper.inner(name))) > day.text("day")) {
      throw new Refused("the day's statement does not cover the block");
    }
  }
}

function knownLater(paper: Paper, trust: Uint8Array | undefined, status: Uint8Array | undefined): Span[] {
  const address = paper.text("issuer", "address");
  const found = [spanOf(spansOf(trusted(trust, "issuers")), address)];
  try {
    const listed = readStatus(status ?? new Uint8Array());
    checkLister(paper, listed, trust);
    found.push(spanOf(spansOf(listed.list("keys")), address));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  return found.filter((span) => span !== undefined);
}

function trusted(trust: Uint8Array | undefined, member: string): Json[] {
  try {
    return readTrust(trust ?? new Uint8Array()).list(member);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return [];
  }
}

function authority(trust: Uint8Array | undefined, digest: string): string | undefined {
  const found = (trusted(trust, "authorities") as Members[]).filter((one) => one.get("sha256") === digest).at(-1);
  return found?.get("name") as string | undefined;
}

export function spansOf(list: Json[]): Span[] {
  return (list as Members[]).map((one) => ({
    address: one.get("address") as string, from: one.get("from") as bigint, until: one.get("until") as bigint,
    name: (one.get("name") ?? "") as string,
  }));
}

const spanOf = (spans: Span[], address: string): Span | undefined => spans.find((span) => span.address === address);

function checkChain(chain: Uint8Array[], key: Uint8Array, time: number): string {
  let holds = false;
  try {
    const certificates = chain.slice(0, MAX_CHAIN).map(readCertificateDer);
    const above = [...certificates.slice(1), certificates.at(-1)!];
    holds = chain.length <= MAX_CHAIN && same(bitsOf(certificates[0]!.key.child(1)), key)
      && certificates.every((one) => certificateHoldsAt(one, time))
      && certificates.every((one, at) => isCertified(one, above[at]!));
  } catch { /* what is no certificate does not hold: refused below */ }
  if (!holds) throw new Refused("the SM2 certificates do not hold");
  return toHex(sha256(chain.at(-1)!));
}

function isCertified(certificate: Certificate, by: Certificate): boolean {
  if (certificate.algorithm !== SM2_WITH_SM3 || !same(certificate.issuer, by.subject) || !isAuthority(by)) return false;
  const numbers = readDer(certificate.signature).inside().map((node) => toWhole(node.body));
  if (numbers.length !== 2 || numbers.some((number) => number >= 1n << 256n)) return false;
  const signature = fromHex(numbers.map((number) => number.toString(16).padStart(64, "0")).join(""));
  return isSm2Signed(bitsOf(by.key.child(1)), signature, certificate.signed);
}
