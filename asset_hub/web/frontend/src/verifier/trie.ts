// RLP, and proofs that a receipt is in a block. Source: Ethereum Yellow Paper, appendices B, C and D.
import { keccak_256 } from "@noble/hashes/sha3.js";
import { join, same } from "./bytes";

export type Rlp = Uint8Array | Rlp[];
const MAX_DEPTH = 200;

export class ProofRefused extends Error {}

export function rlpDecode(encoded: Uint8Array): Rlp {
  const [item, end] = decodeItem(encoded, 0, encoded.length, 0);
  if (end !== encoded.length) throw new Error("bytes are left over");
  return item;
}

export function rlpOfWhole(value: bigint): Uint8Array {
  if (value < 0n) throw new Error("no index");
  const digits = value ? value.toString(16) : "";
  const padded = digits.length % 2 ? `0${digits}` : digits;
  const bytes = Uint8Array.from(padded.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  if (bytes.length === 1 && bytes[0]! < 0x80) return bytes;
  if (bytes.length > 55) throw new Error("no index");
  return join(Uint8Array.of(0x80 + bytes.length), bytes);
}

export function valueInProof(root: Uint8Array, index: bigint, proof: Uint8Array[]): Uint8Array {
  let key = nibbles(rlpOfWhole(index));
  let expected = root;
  for (const [at, encoded] of proof.entries()) {
    if (!same(keccak_256(encoded), expected)) throw new ProofRefused();
    const step = follow(decodeNode(encoded), key);
    if (step.value) {
      if (at + 1 < proof.length) throw new ProofRefused();
      return step.value;
    }
    [expected, key] = [step.next, step.key];
  }
  throw new ProofRefused();
}

type Step = { value: Uint8Array | null; next: Uint8Array; key: number[] };

function decodeNode(encoded: Uint8Array): Rlp[] {
  let node: Rlp;
  try { node = rlpDecode(encoded); } catch { throw new ProofRefused(); }
  if (!Array.isArray(node)) throw new ProofRefused();
  return node;
}

function follow(node: Rlp[], key: number[]): Step {
  if (node.length === 17) return key.length ? stepDown(node[key[0]!]!, key.slice(1)) : end(node[16]!, key);
  const prefix = node[0];
  if (node.length !== 2 || prefix === undefined || Array.isArray(prefix)) throw new ProofRefused();
  const [part, isLeaf] = fromPrefix(prefix);
  if (part.some((nibble, at) => key[at] !== nibble)) throw new ProofRefused();
  const rest = key.slice(part.length);
  return isLeaf ? end(node[1]!, rest) : stepDown(node[1]!, rest);
}

function end(value: Rlp, key: number[]): Step {
  if (key.length || Array.isArray(value) || !value.length) throw new ProofRefused();
  return { value, next: new Uint8Array(), key };
}

function stepDown(child: Rlp, key: number[]): Step {
  if (Array.isArray(child)) return follow(child, key);
  if (child.length !== 32) throw new ProofRefused();
  return { value: null, next: child, key };
}

function nibbles(data: Uint8Array): number[] {
  return Array.from(data).flatMap((byte) => [byte >> 4, byte & 15]);
}

function fromPrefix(data: Uint8Array): [number[], boolean] {
  const all = nibbles(data);
  if (!all.length || all[0]! > 3) throw new ProofRefused();
  return [all.slice(all[0]! % 2 ? 1 : 2), all[0]! >= 2];
}

function decodeItem(encoded: Uint8Array, at: number, limit: number, depth: number): [Rlp, number] {
  if (at >= limit || depth > MAX_DEPTH) throw new Error("it ends early or is nested too deep");
  const prefix = encoded[at]!;
  if (prefix < 0x80) return [encoded.slice(at, at + 1), at + 1];
  const isList = prefix >= 0xc0;
  const [start, stop] = body(encoded, at, prefix - (isList ? 0xc0 : 0x80));
  if (stop > limit) throw new Error("it ends early");
  if (!isList) {
    if (stop - start === 1 && encoded[start]! < 0x80) throw new Error("a byte below 80 has no prefix");
    return [encoded.slice(start, stop), stop];
  }
  const items: Rlp[] = [];
  let next = start;
  while (next < stop) {
    const [inner, after] = decodeItem(encoded, next, stop, depth + 1);
    items.push(inner);
    next = after;
  }
  return [items, stop];
}

function body(encoded: Uint8Array, at: number, size: number): [number, number] {
  if (size < 56) return [at + 1, at + 1 + size];
  const start = at + 1 + size - 55;
  const spelled = encoded.slice(at + 1, start);
  const count = spelled.reduce((sum, byte) => sum * 256 + byte, 0);
  if (!spelled.length || spelled[0] === 0 || count < 56) throw new Error("its length is not in its shortest form");
  return [start, start + count];
}
