// Compiles src/*.sol and writes artifacts/<Contract>.json: abi, bytecode, layout and the settings that made them.
import { readFileSync, readdirSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = ["AccessManager", "OrgRegistry", "AnchorRegistry", "WorkRegistry", "GrantLedger", "SettlementLedger", "StatementLedger", "DisputeRegister"];
const settings = {
  evmVersion: "paris",
  optimizer: { enabled: true, runs: 800 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "storageLayout"] } },
};
const sources = {};
for (const name of readdirSync(join(here, "src")).sort()) {
  if (name.endsWith(".sol")) sources[`src/${name}`] = { content: readFileSync(join(here, "src", name), "utf8") };
}
const manager = "@openzeppelin/contracts/access/manager/AccessManager.sol";
sources[manager] = { content: readFileSync(join(here, "node_modules", manager), "utf8") };

const findImport = (path) => ({ contents: readFileSync(join(here, "node_modules", path), "utf8") });
const input = { language: "Solidity", sources, settings };
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
const problems = (output.errors ?? []).filter((problem) => problem.severity === "error" || problem.sourceLocation?.file?.startsWith("src/"));
for (const problem of problems) console.error(problem.formattedMessage);
if (problems.length > 0) process.exit(1);

mkdirSync(process.argv[2] ?? join(here, "artifacts"), { recursive: true });
for (const [file, contracts] of Object.entries(output.contracts)) {
  for (const [name, contract] of Object.entries(contracts)) {
    if (!wanted.includes(name)) continue;
    const { outputSelection, ...kept } = settings;
    const artifact = {
      contract: name, source: file, compiler: solc.version(), settings: kept,
      abi: contract.abi, bytecode: "0x" + contract.evm.bytecode.object, storageLayout: contract.storageLayout.storage,
    };
    writeFileSync(join(process.argv[2] ?? join(here, "artifacts"), `${name}.json`), JSON.stringify(artifact, null, 1) + "\n");
  }
}
