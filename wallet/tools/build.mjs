// Builds the wallet: `node tools/build.mjs [--into FOLDER]` (default ../target/wallet).
// The same sources give the same bytes, so that the committed bundle can be compared.
import { build } from "esbuild";
import { cp, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

export async function buildInto(folder) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(path.join(root, "static"), folder, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: { app: "src/ui/app.ts", sw: "src/sw.ts" },
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [flag, folder] = process.argv.slice(2);
  await buildInto(path.resolve(root, flag === "--into" && folder ? folder : "../target/wallet"));
}
