// The one way in which the sources are compiled: same settings for the artefacts, the proofs and the analysis.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

export const here = dirname(fileURLToPath(import.meta.url));
export const manager = "@openzeppelin/contracts/access/manager/AccessManager.sol";
export const settings = {
  evmVersion: "paris",
  optimizer: { enabled: true, runs: 800 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

/// Return { version, input, output }; a warning in our own sources counts as an error.
export function compile(folders, outputSelection) {
  const sources = { [manager]: { content: read("node_modules", manager) } };
  for (const folder of folders) {
    for (const name of readdirSync(join(here, folder)).sort()) {
      if (name.endsWith(".sol")) sources[`${folder}/${name}`] = { content: read(folder, name) };
    }
  }
  const input = { language: "Solidity", sources, settings: { ...settings, outputSelection } };
  const findImport = (path) => ({ contents: read(path.startsWith("@") ? "node_modules" : ".", path) });
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
  const isOurs = (file) => folders.some((folder) => file?.startsWith(`${folder}/`));
  const problems = (output.errors ?? []).filter((p) => p.severity === "error" || isOurs(p.sourceLocation?.file));
  for (const problem of problems) console.error(problem.formattedMessage);
  if (problems.length > 0) process.exit(1);
  return { version: solc.version(), input, output };
}

function read(...path) {
  return readFileSync(join(here, ...path), "utf8");
}
