// Reads a zip with a closed set of members: everything is bounded and listed before anything is unpacked.
import { join, same } from "./bytes";
import { Refused } from "./papers";

export const LONGEST_IN_ALL = 48 << 20;
const LONGEST = 16 << 20;
const [FIRST, LISTED, END] = [0x04034b50, 0x02014b50, 0x06054b50];
const [END_LENGTH, LISTED_LENGTH] = [22, 46];
const [KIND_OF_FILE, LINK] = [0o170000, 0o120000];
const [STORED, DEFLATED] = [0, 8];
const [ENCRYPTED, DESCRIBED_AFTER] = [1, 8];
const [AROUND, BETWEEN] = ["bytes before or after it", "bytes that belong to no member"];
const [LIST, DAMAGED] = ["its list is damaged", "a member is damaged"];

type Entry = {
  name: string; flags: number; method: number; crc: number; packed: number; bytes: number; mode: number; at: number;
  header: Uint8Array;
};

export const isZip = (content: Uint8Array): boolean => content.length >= 4 && view(content).getUint32(0, true) === FIRST;

export async function readZip(content: Uint8Array, members: Set<string>): Promise<Map<string, Uint8Array>> {
  if (content.length > LONGEST_IN_ALL) throw new Refused("it is too long");
  const start = startOfList(content);
  const entries = listed(content, start);
  checkList(entries, members);
  checkPlaces(content, entries, start);
  const found = new Map<string, Uint8Array>();
  for (const entry of entries) found.set(entry.name, await unpacked(content, entry));
  return found;
}

function startOfList(content: Uint8Array): number {
  const from = content.length - END_LENGTH;
  if (from < 0 || !isZip(content)) throw noZip(AROUND);
  const data = view(content);
  const [count, length, start] = [data.getUint16(from + 10, true), data.getUint32(from + 12, true), data.getUint32(from + 16, true)];
  const isPlain = data.getUint32(from, true) === END && data.getUint32(from + 4, true) === 0
    && data.getUint16(from + 8, true) === count && data.getUint16(from + 20, true) === 0;
  if (!isPlain || start + length !== from) throw noZip(AROUND);
  return start;
}

// An entry ends behind its name, for it has no extra field and no comment.
function listed(content: Uint8Array, start: number): Entry[] {
  const [data, from] = [view(content), content.length - END_LENGTH];
  const entries: Entry[] = [];
  let at = start;
  for (let rest = data.getUint16(from + 10, true); rest > 0; rest -= 1) {
    if (at + LISTED_LENGTH > from || data.getUint32(at, true) !== LISTED) throw noZip(LIST);
    if (content.slice(at + 30, at + 38).some((byte) => byte !== 0)) throw noZip(BETWEEN);
    const name = content.slice(at + LISTED_LENGTH, at + LISTED_LENGTH + data.getUint16(at + 28, true));
    entries.push({
      name: text(name), flags: data.getUint16(at + 8, true), method: data.getUint16(at + 10, true),
      crc: data.getUint32(at + 16, true), packed: data.getUint32(at + 20, true), bytes: data.getUint32(at + 24, true),
      mode: data.getUint16(at + 40, true), at: data.getUint32(at + 42, true),
      header: join(content.slice(0, 4), content.slice(at + 6, at + 32), name),
    });
    at += LISTED_LENGTH + data.getUint16(at + 28, true);
  }
  if (at !== from) throw noZip(LIST);
  return entries;
}

function checkList(entries: Entry[], members: Set<string>): void {
  for (const { name, bytes, flags, method, mode } of entries) {
    if (!members.has(name) || (mode & KIND_OF_FILE) === LINK) {
      throw new Refused("“{name}” does not belong into a bundle", { name: name.slice(0, 80) });
    }
    if (bytes > LONGEST || flags & ENCRYPTED || (method !== STORED && method !== DEFLATED)) {
      throw new Refused("“{name}” is too long, or encrypted", { name });
    }
  }
  const names = new Set(entries.map(({ name }) => name));
  if (names.size !== entries.length) throw new Refused("a member is there twice");
  const missing = [...members].filter((name) => !names.has(name)).sort()[0];
  if (missing !== undefined) throw new Refused("“{name}” is missing", { name: missing });
  if (entries.reduce((sum, { bytes }) => sum + bytes, 0) > LONGEST_IN_ALL) throw new Refused("it is too long");
}

// Members lie end to end before the list, and the header of each says what the list says.
function checkPlaces(content: Uint8Array, entries: Entry[], end: number): void {
  let at = 0;
  for (const { at: from, flags, header, packed } of entries) {
    if (from !== at) throw noZip(BETWEEN);
    if (flags & DESCRIBED_AFTER || !same(content.slice(at, at + header.length), header)) throw noZip(DAMAGED);
    at += header.length + packed;
  }
  if (at !== end) throw noZip(BETWEEN);
}

async function unpacked(content: Uint8Array, entry: Entry): Promise<Uint8Array> {
  const start = entry.at + entry.header.length;
  const packed = content.slice(start, start + entry.packed);
  const whole = entry.method === STORED ? packed : await inflated(packed, entry.bytes);
  if (whole.length !== entry.bytes) throw new Refused("“{name}” is damaged", { name: entry.name });
  if (crc32(whole) !== entry.crc) throw noZip("a checksum differs");
  return whole;
}

// Stops as soon as more comes out than was declared.
async function inflated(packed: Uint8Array, most: number): Promise<Uint8Array> {
  const reader = new Blob([packed as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const whole = new Uint8Array(most + 1);
  let count = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return whole.slice(0, count);
      whole.set(value.subarray(0, most + 1 - count), count);
      count = Math.min(most + 1, count + value.length);
      if (count > most) { await reader.cancel(); return whole; }
    }
  } catch {
    throw noZip(DAMAGED);
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

function crc32(content: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of content) rest = TABLE[(rest ^ byte) & 0xff]! ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

const view = (content: Uint8Array): DataView => new DataView(content.buffer, content.byteOffset, content.byteLength);
const text = (content: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(content);
const noZip = (reason: string): Refused => new Refused("it is no zip that can be read: {reason}", { reason });
