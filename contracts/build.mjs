// Compiles src/*.sol and writes artifacts/<Contract>.json: abi, bytecode, layout and the settings that made them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, here, manager, settings } from "./compile.mjs";

const { version, output } = compile(["src"], { "*": { "*": ["abi", "evm.bytecode.object", "storageLayout"] } });
const folder = process.argv[2] ?? join(here, "artifacts");
mkdirSync(folder, { recursive: true });
for (const [file, contracts] of Object.entries(output.contracts)) {
  for (const [name, contract] of Object.entries(contracts)) {
    const isOurs = file.startsWith("src/") && contract.evm.bytecode.object !== "";
    if (!isOurs && file !== manager) continue;
    const artifact = {
      contract: name, source: file, compiler: version, settings,
      abi: contract.abi, bytecode: "0x" + contract.evm.bytecode.object, storageLayout: contract.storageLayout.storage,
    };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(artifact, null, 1) + "\n");
  }
}
