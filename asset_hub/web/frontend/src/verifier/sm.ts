// SM3 digests and the check of SM2 signatures. Source: GB/T 32905-2016, GB/T 32918.2-2016, GB/T 32918.5-2017.
import { weierstrass } from "@noble/curves/abstract/weierstrass.js";
import { join, toWhole, utf8 } from "./bytes";

const CURVE = {
  p: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
  n: 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
  h: 1n,
  a: 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn,
  b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
  Gx: 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  Gy: 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
};
const Point = weierstrass(CURVE);
const USUAL_NAME = utf8("1234567812345678");
const START = [
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
];

const turned = (word: number, count: number): number => (word << count) | (word >>> (32 - count));

export class Sm3 {
  private readonly state = Int32Array.from(START);
  private readonly words = new Int32Array(68);
  private readonly block = new Uint8Array(64);
  private filled = 0;
  private count = 0;

  update(data: Uint8Array): this {
    this.count += data.length;
    let at = 0;
    while (at < data.length) {
      const taken = Math.min(64 - this.filled, data.length - at);
      this.block.set(data.subarray(at, at + taken), this.filled);
      [this.filled, at] = [this.filled + taken, at + taken];
      if (this.filled === 64) { this.compress(); this.filled = 0; }
    }
    return this;
  }

  digest(): Uint8Array {
    const bits = BigInt(this.count) * 8n;
    const padding = new Uint8Array(((119 - (this.count % 64)) % 64) + 1 + 8);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, bits);
    this.update(padding);
    const out = new Uint8Array(32);
    const view = new DataView(out.buffer);
    this.state.forEach((word, at) => view.setInt32(4 * at, word));
    return out;
  }

  private compress(): void {
    const { words, state } = this;
    const view = new DataView(this.block.buffer);
    for (let j = 0; j < 16; j += 1) words[j] = view.getInt32(4 * j);
    for (let j = 16; j < 68; j += 1) {
      const mixed = words[j - 16]! ^ words[j - 9]! ^ turned(words[j - 3]!, 15);
      words[j] = mixed ^ turned(mixed, 15) ^ turned(mixed, 23) ^ turned(words[j - 13]!, 7) ^ words[j - 6]!;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let j = 0; j < 64; j += 1) {
      const constant = turned(j < 16 ? 0x79cc4519 : 0x7a879d8a, j % 32);
      const ss1 = turned((turned(a, 12) + e + constant) | 0, 7);
      const ss2 = ss1 ^ turned(a, 12);
      const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const tt1 = (ff + d + ss2 + (words[j]! ^ words[j + 4]!)) | 0;
      const tt2 = (gg + h + ss1 + words[j]!) | 0;
      [d, c, b, a] = [c, turned(b, 9), a, tt1];
      [h, g, f, e] = [g, turned(f, 19), e, tt2 ^ turned(tt2, 9) ^ turned(tt2, 17)];
    }
    [a, b, c, d, e, f, g, h].forEach((word, at) => { state[at] = state[at]! ^ word; });
  }
}

const sm3 = (data: Uint8Array): Uint8Array => new Sm3().update(data).digest();

// r and s are 64 bytes together; the public key is 04, x, y.
export function isSm2Signed(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  if (key.length !== 65 || key[0] !== 4 || signature.length !== 64) return false;
  const [r, s] = [toWhole(signature.slice(0, 32)), toWhole(signature.slice(32))];
  const t = (r + s) % CURVE.n;
  if (r <= 0n || r >= CURVE.n || s <= 0n || s >= CURVE.n || t === 0n) return false;
  let point;
  try { point = Point.fromBytes(key); point.assertValidity(); } catch { return false; }
  const found = Point.BASE.multiplyUnsafe(s).add(point.multiplyUnsafe(t));
  if (found.is0()) return false;
  return (toWhole(messageDigest(key, message)) + found.toAffine().x) % CURVE.n === r;
}

function messageDigest(key: Uint8Array, message: Uint8Array): Uint8Array {
  const curve = [CURVE.a, CURVE.b, CURVE.Gx, CURVE.Gy].map(spelled);
  const length = Uint8Array.of((8 * USUAL_NAME.length) >> 8, (8 * USUAL_NAME.length) & 0xff);
  return sm3(join(sm3(join(length, USUAL_NAME, ...curve, key.slice(1))), message));
}

function spelled(value: bigint): Uint8Array {
  return Uint8Array.from(value.toString(16).padStart(64, "0").match(/../g)!, (pair) => parseInt(pair, 16));
}
