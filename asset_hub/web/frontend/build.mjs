// Puts what pages and certificates need from packages into ../static/dist; nothing of it is committed.
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "static", "dist");
const fonts = join(here, "node_modules", "@expo-google-fonts", "noto-serif-sc");
mkdirSync(join(dist, "fonts"), { recursive: true });
for (const weight of ["400Regular", "600SemiBold"]) {
  const name = `NotoSerifSC_${weight}.ttf`;
  const found = readdirSync(fonts, { recursive: true }).find((path) => String(path).endsWith(name));
  cpSync(join(fonts, String(found)), join(dist, "fonts", name));
}
