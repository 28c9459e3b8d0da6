// Compiles src/*.sol and proofs/*.sol for the tools, nothing of it is shipped: ROOT/out as forge lays it out (for halmos,
// the proofs only) and ROOT/artifacts/build-info as hardhat does (for slither, which reads syntax trees, not bytecode).
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { compile, here } from "./compile.mjs";

const root = process.argv[2];
const code = ["object", "sourceMap", "linkReferences"].flatMap((part) => [`evm.bytecode.${part}`, `evm.deployedBytecode.${part}`]);
const forHalmos = ["abi", "metadata", "storageLayout", "evm.methodIdentifiers", "evm.deployedBytecode.immutableReferences", ...code];
const selection = { "*": { "*": ["abi"], "": ["ast"] }, "proofs/OverlapProof.sol": { OverlapProof: forHalmos } };
const { version, input, output } = compile(["src", "proofs"], selection);

for (const [file, contracts] of Object.entries(output.contracts)) {
  if (!file.startsWith("proofs/")) continue;
  const folder = join(root, "out", basename(file));
  mkdirSync(folder, { recursive: true });
  for (const [name, { abi, evm, metadata, storageLayout }] of Object.entries(contracts)) {
    const { bytecode, deployedBytecode, methodIdentifiers } = evm;
    for (const made of [bytecode, deployedBytecode]) made.object = "0x" + made.object;
    const artifact = { abi, bytecode, deployedBytecode, methodIdentifiers, metadata: JSON.parse(metadata), storageLayout, ...output.sources[file] };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(artifact));
  }
}

const isAnalysed = ([file]) => !file.startsWith("proofs/");
const none = { object: "", sourceMap: "" };
const analysed = { sources: Object.fromEntries(Object.entries(output.sources).filter(isAnalysed)), contracts: {} };
for (const [file, contracts] of Object.entries(output.contracts).filter(isAnalysed)) {
  const made = Object.entries(contracts).map(([name, { abi }]) => [name, { abi, evm: { bytecode: none, deployedBytecode: none } }]);
  analysed.contracts[file] = Object.fromEntries(made);
}
mkdirSync(join(root, "artifacts", "build-info"), { recursive: true });
const info = { id: "all", solcVersion: version.split("+")[0], solcLongVersion: version, input, output: analysed };
writeFileSync(join(root, "artifacts", "build-info", "all.json"), JSON.stringify(info));
writeFileSync(join(root, "hardhat.config.js"), "");
for (const folder of ["src", "proofs", "node_modules"]) symlinkSync(join(here, folder), join(root, folder));
