// Bundles src/ and what pages and certificates need from packages into ../static/dist; nothing of it is committed.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "static", "dist");
const modules = join(here, "node_modules");
rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "fonts"), { recursive: true });

const elements = readdirSync(join(here, "src", "elements")).filter((name) => name.endsWith(".ts"));
const made = await build({
  entryPoints: [join(here, "src", "app.ts"), ...elements.map((name) => join(here, "src", "elements", name))],
  outbase: join(here, "src"), outdir: dist, bundle: true, minify: true, format: "esm", target: "es2022",
  splitting: true, chunkNames: "chunks/[name]-[hash]", metafile: true, legalComments: "linked",
});
await build({
  entryPoints: [join(here, "src", "verifier", "page.ts")], outfile: join(dist, "verifier.js"), bundle: true, minify: true,
  format: "iife", target: "es2022", charset: "utf8", legalComments: "inline",
});
cpSync(join(modules, "htmx.org", "dist", "htmx.min.js"), join(dist, "htmx.js"));

const fonts = join(modules, "@expo-google-fonts", "noto-serif-sc");
for (const weight of ["400Regular", "600SemiBold"]) {
  const name = `NotoSerifSC_${weight}.ttf`;
  const found = readdirSync(fonts, { recursive: true }).find((path) => String(path).endsWith(name));
  cpSync(join(fonts, String(found)), join(dist, "fonts", name));
}

const icons = JSON.parse(readFileSync(join(here, "icons.json"), "utf8"));
const symbols = icons.map((name) => {
  const text = readFileSync(join(modules, "feather-icons", "dist", "icons", `${name}.svg`), "utf8");
  const body = text.replace(/^<svg[^>]*>/, "").replace("</svg>", "");
  return `<symbol id="${name}" viewBox="0 0 24 24">${body}</symbol>`;
});
writeFileSync(join(dist, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`);
writeFileSync(join(dist, "manifest.json"), JSON.stringify(Object.keys(made.metafile.outputs).length));
