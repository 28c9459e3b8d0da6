// Reads blocks out of proofs: a header's time and digest, and the one event of a proven receipt.
import { keccak_256 } from "@noble/hashes/sha3.js";
import { fromHex, same, toWhole } from "./bytes";
import { type Paper, Refused } from "./papers";
import { type Rlp, rlpDecode, valueInProof } from "./trie";

export type Event = { topics: Uint8Array[]; data: Uint8Array; time: number };

export function eventIn(proof: Paper, signature: Uint8Array): Event {
  const header = headerOf(proof);
  const nodes = (proof.list("nodes") as string[]).map(fromHex);
  const receipt = listOf(rlpDecode(valueInProof(header[5]!, proof.whole("index"), nodes)));
  if (!same(bytesOf(receipt[0]), Uint8Array.of(1))) throw new Refused("the transaction was refused");
  const contract = fromHex(proof.text("contract"));
  for (const log of listOf(receipt[3])) {
    const [address, topics, data, more] = listOf(log);
    if (more !== undefined) throw new Error("no log");
    const words = listOf(topics).map(bytesOf);
    if (same(bytesOf(address), contract) && same(bytesOf(words[0]), signature)) {
      return { topics: words, data: bytesOf(data), time: Number(toWhole(header[11]!)) };
    }
  }
  throw new Refused("the receipt has no such event of this contract");
}

export const timeOf = (proof: Paper): number => Number(toWhole(headerOf(proof)[11]!));

export function digestOf(proof: Paper): Uint8Array {
  headerOf(proof);
  return keccak_256(fromHex(proof.text("header")));
}

export function showTime(time: number): string {
  return `${beijing(time).slice(0, 19).replace("T", " ")} +08:00`;
}

export const dayOf = (time: number): string => beijing(time).slice(0, 10);

const beijing = (time: number): string => new Date((time + 8 * 3600) * 1000).toISOString();

function headerOf(proof: Paper): Uint8Array[] {
  let fields: Rlp = new Uint8Array();
  try { fields = rlpDecode(fromHex(proof.text("header"))); } catch { /* no RLP is no header: refused below */ }
  const isHeader = Array.isArray(fields) && fields.length >= 15 && fields.length < 22
    && fields.every((field) => !Array.isArray(field)) && fields[11]!.length <= 4;
  if (!isHeader) throw new Refused("the block's header is none");
  return fields as Uint8Array[];
}

function listOf(item: Rlp | undefined): Rlp[] {
  if (!Array.isArray(item)) throw new Error("no list");
  return item;
}

function bytesOf(item: Rlp | undefined): Uint8Array {
  if (item === undefined || Array.isArray(item)) throw new Error("no bytes");
  return item;
}
