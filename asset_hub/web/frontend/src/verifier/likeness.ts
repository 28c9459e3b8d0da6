// The fingerprint of a picture, the twin of ledger/likeness.py over what a canvas decodes: similar is never identical.
export const BITS = 256;
export const MOST_SIMILAR = 31;
const SIDE = 64;
const WAVES = 16;
const FLAT = 8;
const LARGEST = 1024;
const COSINES = Array.from({ length: WAVES }, (_, wave) =>
  Array.from({ length: SIDE }, (_, place) => Math.cos((Math.PI * (wave + 1) * (2 * place + 1)) / (2 * SIDE))));

// Empty for what the browser cannot decode, and for a picture so flat that nothing tells it from others.
export async function readFingerprint(media: Blob): Promise<string> {
  try {
    const bitmap = await createImageBitmap(media, { imageOrientation: "from-image" });
    return fingerprintOf(cellsOf(bitmap));
  } catch {
    return "";
  }
}

export function distanceOf(one: string, other: string): number {
  let differing = BigInt(`0x${one}`) ^ BigInt(`0x${other}`);
  let count = 0;
  for (; differing; differing &= differing - 1n) count += 1;
  return count;
}

function fingerprintOf(cells: number[][]): string {
  const all = cells.flat();
  if (Math.max(...all) - Math.min(...all) < FLAT) return "";
  const across = cells.map((row) => COSINES.map((wave) => product(wave, row)));
  const waves = COSINES.flatMap((wave) => COSINES.map((_, x) => product(wave, across.map((row) => row[x]!))));
  const ordered = [...waves].sort((a, b) => a - b);
  const middle = (ordered[BITS / 2 - 1]! + ordered[BITS / 2]!) / 2;
  const bits = waves.map((wave) => (wave > middle ? "1" : "0")).join("");
  return BigInt(`0b${bits}`).toString(16).padStart(BITS / 4, "0");
}

const product = (some: number[], others: number[]): number => some.reduce((sum, one, at) => sum + one * others[at]!, 0);

function cellsOf(bitmap: ImageBitmap): number[][] {
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale))) as [number, number];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d", { willReadFrequently: true })!;
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0, width, height);
  const pixels = pen.getImageData(0, 0, width, height).data;
  const brightness = (at: number): number => 0.299 * pixels[4 * at]! + 0.587 * pixels[4 * at + 1]! + 0.114 * pixels[4 * at + 2]!;
  const [across, down] = [shares(width), shares(height)];
  const narrow = Array.from({ length: height }, (_, y) => across.map((cell) => mean(cell, (x) => brightness(y * width + x))));
  return down.map((cell) => across.map((_, x) => mean(cell, (y) => narrow[y]![x]!)));
}

const mean = (cell: [number, number][], at: (place: number) => number): number =>
  cell.reduce((sum, [place, share]) => sum + at(place) * share, 0);

// Which samples of a line lie in each cell, and by which share of it.
function shares(count: number): [number, number][][] {
  const width = count / SIDE;
  return Array.from({ length: SIDE }, (_, cell) => {
    const [start, end] = [cell * width, (cell + 1) * width];
    const found: [number, number][] = [];
    for (let place = Math.floor(start); place < Math.min(count, Math.floor(end) + 1); place += 1) {
      const part = Math.min(end, place + 1) - Math.max(start, place);
      if (part > 0) found.push([place, part / width]);
    }
    return found;
  });
}
