// Checks time stamps of RFC 3161: imprint, signed attributes (RFC 5652, 5.4), RSA signature (RFC 8017, 8.2.2).
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { fromHex, join, same, toHex, toWhole } from "./bytes";
import { type Certificate, Node, TAG, bitsOf, holdsAt, need, readCertificateDer, readDer, readTime } from "./der";

export type Stamp = { imprint: Uint8Array; time: number; certificateSha256: string; isSigned: boolean | null };

const SHA256 = "608648016503040201";
const TOKEN_KIND = "2a864886f70d0109100104";
const SIGNED_DATA = "2a864886f70d010702";
const CONTENT_KIND = "2a864886f70d010903";
const CONTENT_DIGEST = "2a864886f70d010904";
const RSA = new Set(["2a864886f70d010101", "2a864886f70d01010b", "2a864886f70d01010c", "2a864886f70d01010d"]);
const HASHES = new Map<string, (data: Uint8Array) => Uint8Array>([
  [SHA256, sha256], ["608648016503040202", sha384], ["608648016503040203", sha512],
]);
const PURPOSES = "551d25";
const STAMPING = "06082b06010505070308";
const MIN_MODULUS_BITS = 2048;

export function readStamp(token: Uint8Array): Stamp {
  const [kind, content] = exactly(readDer(token), 2);
  if (kind!.hex() !== SIGNED_DATA) throw new Error("no signed data");
  const parts = content!.child(0).inside();
  if (parts.length < 4) throw new Error("no signed data");
  const [innerKind, inner] = exactly(parts[2]!, 2);
  if (innerKind!.hex() !== TOKEN_KIND) throw new Error("no time stamp inside");
  const text = inner!.child(0);
  const rest = parts.slice(3);
  const certificates = rest.filter((part) => part.tag === 0xa0)
    .flatMap((part) => part.inside().map((node) => readCertificateDer(node.raw)));
  const signers = rest.at(-1)!.inside();
  if (text.tag !== TAG.octets || signers.length !== 1) throw new Error("not one signer");
  const [certificate, isSigned] = checkSigner(signers[0]!, text.body, certificates);
  const [imprint, time] = readInfo(readDer(text.body));
  if (!holdsAt(certificate, time) || !toHex(certificate.extensions.get(PURPOSES) ?? new Uint8Array()).includes(STAMPING)) {
    throw new Error("its certificate is not for stamping at that time");
  }
  return { imprint, time, certificateSha256: toHex(sha256(certificate.raw)), isSigned };
}

function readInfo(info: Node): [Uint8Array, number] {
  const parts = info.inside();
  const [algorithm, digest] = exactly(need(parts[2]), 2);
  if (algorithm!.child(0).hex() !== SHA256) throw new Error("the stamped digest is no SHA-256");
  return [digest!.body, readTime(need(parts[4]))];
}

function checkSigner(signer: Node, content: Uint8Array, certificates: Certificate[]): [Certificate, boolean | null] {
  const parts = signer.inside();
  if (parts.length < 6) throw new Error("no signer");
  const [, identifier, digest, attributes, algorithm, signature] = parts as [Node, Node, Node, Node, Node, Node];
  const found = certificates.filter((one) => identifier.tag === TAG.sequence && names(identifier, one));
  const oid = digest.child(0).hex();
  const hash = HASHES.get(oid);
  if (found.length !== 1 || attributes.tag !== 0xa0 || !hash) throw new Error("signed in an unknown way");
  const values = new Map(attributes.inside().map((node) => [node.child(0).hex(), node.child(1).child(0).body]));
  if (toHex(need(values.get(CONTENT_KIND))) !== TOKEN_KIND || !same(need(values.get(CONTENT_DIGEST)), hash(content))) {
    throw new Error("another content was signed");
  }
  if (!RSA.has(algorithm.child(0).hex())) return [found[0]!, null];
  const signed = join(Uint8Array.of(0x31), attributes.raw.slice(1));
  if (!isRsaSigned(found[0]!.key, oid, hash(signed), signature.body)) throw new Error("its signature does not hold");
  return [found[0]!, true];
}

function names(identifier: Node, certificate: Certificate): boolean {
  const [issuer, serial] = exactly(identifier, 2);
  return same(issuer!.raw, certificate.issuer) && same(serial!.body, certificate.serial);
}

function isRsaSigned(key: Node, oid: string, digest: Uint8Array, signature: Uint8Array): boolean {
  const [modulus, exponent] = exactly(readDer(bitsOf(key.child(1))), 2).map((node) => toWhole(node.body)) as [bigint, bigint];
  const bits = modulus.toString(2).length;
  const size = Math.ceil(bits / 8);
  if (bits < MIN_MODULUS_BITS || signature.length !== size) return false;
  const identifier = fromHex(oid);
  const head = join(Uint8Array.of(0x06, identifier.length), identifier, Uint8Array.of(0x05, 0));
  const info = join(Uint8Array.of(0x30, head.length), head, Uint8Array.of(0x04, digest.length), digest);
  const body = join(Uint8Array.of(0x30, info.length), info);
  const filling = new Uint8Array(size - body.length - 3).fill(0xff);
  const expected = join(Uint8Array.of(0, 1), filling, Uint8Array.of(0), body);
  return power(toWhole(signature), exponent, modulus) === toWhole(expected);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus];
  for (let left = exponent; left; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function exactly(node: Node, count: number): Node[] {
  const found = node.inside();
  if (found.length !== count) throw new Error("other members than expected");
  return found;
}
