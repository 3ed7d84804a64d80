// Runs the tests below test/FOLDER with node's own runner: `node tools/test.mjs unit|browser|vaults [FILE]`.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const kind = ["browser", "vaults"].find((name) => name === process.argv[2]) ?? "unit";
const sources = readdirSync(path.join(root, "test", kind)).filter((name) => name.endsWith(`${process.argv[3] ?? ""}.test.ts`));
// Inside the package, so that what is not bundled is found beside it.
const folder = path.join(root, "node_modules", ".tests", kind);
rmSync(folder, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: sources.map((name) => path.join("test", kind, name)),
  outdir: folder,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  packages: "external",
  external: ["*.mjs"],
  sourcemap: "inline",
  logLevel: "warning",
});
const files = readdirSync(folder).map((name) => path.join(folder, name));
const ran = spawnSync(
  process.execPath,
  ["--enable-source-maps", "--test", "--test-reporter=tap", ...files],
  { cwd: root, stdio: "inherit", env: { ...process.env, WALLET_ROOT: root } },
);
process.exit(ran.status ?? 1);
