// Reads the DER that time stamps and certificates are written in. Source: ITU-T X.690, RFC 5280.
import { toHex } from "./bytes";

export const TAG = { integer: 0x02, bits: 0x03, octets: 0x04, sequence: 0x30, utcTime: 0x17, generalTime: 0x18 } as const;
const BASIC_CONSTRAINTS = "551d13";
const MAX_NODES = 4000;

export class Node {
  constructor(readonly tag: number, readonly body: Uint8Array, readonly raw: Uint8Array) {}
  inside(): Node[] { return nodes(this.body); }
  child(at: number): Node { return need(this.inside()[at]); }
  hex(): string { return toHex(this.body); }
}

export type Certificate = {
  raw: Uint8Array; signed: Uint8Array; serial: Uint8Array; issuer: Uint8Array; subject: Uint8Array; begins: number;
  ends: number; key: Node; algorithm: string; signature: Uint8Array; extensions: Map<string, Uint8Array>;
};

export function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("something is missing");
  return value;
}

export function readDer(content: Uint8Array): Node {
  const found = nodes(content);
  if (found.length !== 1) throw new Error("not one DER value");
  return found[0]!;
}

export function readCertificateDer(content: Uint8Array): Certificate {
  const whole = readDer(content);
  const parts = whole.inside();
  if (parts.length !== 3) throw new Error("no certificate");
  const [signed, algorithm, signature] = parts as [Node, Node, Node];
  let fields = signed.inside();
  if (need(fields[0]).tag === 0xa0) fields = fields.slice(1);
  if (fields.length < 6) throw new Error("no certificate");
  const [serial, , issuer, validity, subject, key, ...rest] = fields as [Node, Node, Node, Node, Node, Node, ...Node[]];
  const days = validity.inside();
  if (days.length !== 2) throw new Error("no validity");
  return {
    raw: whole.raw, signed: signed.raw, serial: serial.body, issuer: issuer.raw, subject: subject.raw,
    begins: readTime(days[0]!), ends: readTime(days[1]!), key, algorithm: algorithm.child(0).hex(),
    signature: bitsOf(signature), extensions: readExtensions(rest.find((node) => node.tag === 0xa3)),
  };
}

export function isAuthority(certificate: Certificate): boolean {
  const content = certificate.extensions.get(BASIC_CONSTRAINTS);
  return content !== undefined && readDer(content).inside()[0]?.hex() === "ff";
}

export function holdsAt(certificate: Certificate, time: number): boolean {
  return certificate.begins <= time && time <= certificate.ends;
}

export function bitsOf(node: Node): Uint8Array {
  if (node.tag !== TAG.bits || node.body[0] !== 0) throw new Error("no bit string of whole bytes");
  return node.body.slice(1);
}

// Unix seconds; fractions are dropped.
export function readTime(node: Node): number {
  let text = String.fromCharCode(...node.body);
  if (node.tag === TAG.utcTime) text = (text.slice(0, 2) < "50" ? "20" : "19") + text;
  else if (node.tag !== TAG.generalTime) throw new Error("no time");
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d).*Z$/.exec(text);
  if (!digits) throw new Error("no time in UTC");
  const iso = `${digits[1]}-${digits[2]}-${digits[3]}T${digits[4]}:${digits[5]}:${digits[6]}.000Z`;
  const time = Date.parse(iso);
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso || digits[1] === "0000") throw new Error("no such time");
  return time / 1000;
}

function readExtensions(node: Node | undefined): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (!node) return found;
  for (const extension of node.child(0).inside()) {
    const parts = extension.inside();
    if (parts.length < 2) throw new Error("no extension");
    found.set(parts[0]!.hex(), parts.at(-1)!.body);
  }
  return found;
}

function nodes(content: Uint8Array): Node[] {
  const found: Node[] = [];
  let at = 0;
  while (at < content.length) {
    const [start, size] = bodyAt(content, at);
    if (found.length >= MAX_NODES || start + size > content.length) throw new Error("it ends early");
    found.push(new Node(content[at]!, content.slice(start, start + size), content.slice(at, start + size)));
    at = start + size;
  }
  return found;
}

function bodyAt(content: Uint8Array, at: number): [number, number] {
  if (at + 2 > content.length || (content[at]! & 0x1f) === 0x1f) throw new Error("no DER");
  const first = content[at + 1]!;
  if (first < 0x80) return [at + 2, first];
  const count = first & 0x7f;
  const spelled = content.slice(at + 2, at + 2 + count);
  const size = spelled.reduce((sum, byte) => sum * 256 + byte, 0);
  if (count < 1 || count > 4 || spelled.length !== count || spelled[0] === 0 || size < 0x80) throw new Error("no DER");
  return [at + 2 + count, size];
}
