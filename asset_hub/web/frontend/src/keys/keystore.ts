// A house's key in the browser: made here, kept in a file under a passphrase, used here. Nothing in this file sends anything.
// The file is Web3 Secret Storage version 3: PBKDF2-HMAC-SHA256 or scrypt, AES-128-CTR, Keccak-256 over key half and cipher.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { fromHex, join, same, toHex, utf8 } from "../verifier/bytes";

const ROUNDS = 600_000;
const MOST_WORK = 1 << 22;

type Derived = { dklen: number; salt: string; n?: number; r?: number; p?: number; c?: number; prf?: string };
type Keystore = {
  version: number; id: string; address: string;
  crypto: { cipher: string; cipherparams: { iv: string }; ciphertext: string; kdf: string; kdfparams: Derived; mac: string };
};
type Member = { name: string; type: string };
export type TypedData = {
  types: Record<string, Member[]>; primaryType: string;
  domain: Record<string, string | number>; message: Record<string, string | number | boolean>;
};

export function addressOf(secret: Uint8Array): string {
  return toHex(keccak_256(secp256k1.getPublicKey(secret, false).slice(1)).slice(-20));
}

export function newSecret(): Uint8Array {
  return secp256k1.utils.randomSecretKey();
}

export async function writeKeystore(secret: Uint8Array, passphrase: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const kdfparams: Derived = { dklen: 32, salt: toHex(salt), c: ROUNDS, prf: "hmac-sha256" };
  const stretched = await stretch("pbkdf2", kdfparams, passphrase);
  const ciphertext = await counter(stretched.slice(0, 16), iv, secret);
  const made: Keystore = {
    version: 3, id: crypto.randomUUID(), address: addressOf(secret),
    crypto: {
      cipher: "aes-128-ctr", cipherparams: { iv: toHex(iv) }, ciphertext: toHex(ciphertext), kdf: "pbkdf2", kdfparams,
      mac: toHex(keccak_256(join(stretched.slice(16, 32), ciphertext))),
    },
  };
  return JSON.stringify(made);
}

export async function readKeystore(text: string, passphrase: string): Promise<Uint8Array> {
  const kept = (JSON.parse(text) as { crypto: Keystore["crypto"] }).crypto;
  if (kept.cipher !== "aes-128-ctr") throw new Error("cipher");
  const stretched = await stretch(kept.kdf, kept.kdfparams, passphrase);
  const ciphertext = fromHex(kept.ciphertext);
  if (!same(keccak_256(join(stretched.slice(16, 32), ciphertext)), fromHex(kept.mac))) throw new Error("passphrase");
  return counter(stretched.slice(0, 16), fromHex(kept.cipherparams.iv), ciphertext);
}

async function stretch(kdf: string, given: Derived, passphrase: string): Promise<Uint8Array> {
  const words = utf8(passphrase);
  const salt = fromHex(given.salt);
  if (kdf === "scrypt") {
    const { n = 0, r = 0, p = 0 } = given;
    if (n * r * p > 2 * MOST_WORK) throw new Error("work");
    return scryptAsync(words, salt, { N: n, r, p, dkLen: 32, maxmem: 2 ** 30 });
  }
  if (kdf !== "pbkdf2" || given.prf !== "hmac-sha256" || (given.c ?? 0) > MOST_WORK) throw new Error("kdf");
  const key = await crypto.subtle.importKey("raw", words as BufferSource, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: salt as BufferSource, iterations: given.c ?? 0 };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
}

async function counter(key: Uint8Array, iv: Uint8Array, content: Uint8Array): Promise<Uint8Array> {
  const made = await crypto.subtle.importKey("raw", key as BufferSource, "AES-CTR", false, ["encrypt"]);
  const how = { name: "AES-CTR", counter: iv as BufferSource, length: 128 };
  return new Uint8Array(await crypto.subtle.encrypt(how, made, content as BufferSource));
}

// The digest of typed data (EIP-712) whose members are all of fixed size, or text in the domain.
export function digestOf(data: TypedData): Uint8Array {
  if (!String(data.domain["name"]).startsWith("asset_hub ")) throw new Error("domain");
  const domain = structOf(data, "EIP712Domain", data.domain);
  return keccak_256(join(new Uint8Array([0x19, 0x01]), domain, structOf(data, data.primaryType, data.message)));
}

function structOf(data: TypedData, name: string, values: Record<string, string | number | boolean>): Uint8Array {
  const members = data.types[name] ?? [];
  const text = `${name}(${members.map((member) => `${member.type} ${member.name}`).join(",")})`;
  const words = members.map((member) => wordOf(member.type, values[member.name]));
  return keccak_256(join(keccak_256(utf8(text)), ...words));
}

function wordOf(type: string, value: string | number | boolean | undefined): Uint8Array {
  if (value === undefined) throw new Error("member");
  if (type === "string") return keccak_256(utf8(String(value)));
  if (type === "bool") return padded(value === true ? 1n : 0n);
  if (type === "bytes32" || type === "address" || /^uint\d+$/.test(type)) return padded(BigInt(value));
  throw new Error("type");
}

function padded(value: bigint): Uint8Array {
  if (value < 0n || value >> 256n) throw new Error("size");
  return fromHex(value.toString(16).padStart(64, "0"));
}

// r, s (low), v (27 or 28) in hex.
export function signDigest(secret: Uint8Array, digest: Uint8Array): string {
  const signed = secp256k1.sign(digest, secret, { prehash: false, lowS: true, format: "recovered" });
  return toHex(signed.slice(1)) + (27 + signed[0]!).toString(16);
}
