// Runs a target of test/fuzz on inputs that it changes, and keeps what reaches code that nothing before it reached.
//
//   node tools/fuzz.mjs --list
//   node tools/fuzz.mjs TARGET [--seconds N] [--seed N]      (half a minute; another seed each time)
//
// What broke a promise, or took longer than LONGEST, is written to fuzz/artifacts/wallet-TARGET; the run ends with 1.
import { build } from "esbuild";
import { createHash, randomInt } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import inspector from "node:inspector";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { Dice, mutate } from "./mutate.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const fuzz = path.resolve(root, "../fuzz");
/** Of one input, in milliseconds. */
const LONGEST = 5_000;
/** Of one input, in bytes. */
const INPUT = 1 << 16;
/** Inputs between two looks at the coverage, which take as long as several of them. */
const BATCH = 24;

const bodies = () => readdirSync(path.join(root, "test/fuzz")).filter((name) => name.endsWith(".target.ts")).map((name) => name.slice(0, -10)).sort();
const files = (folder) => {
  try {
    return readdirSync(folder).sort().map((name) => new Uint8Array(readFileSync(path.join(folder, name))));
  } catch {
    return [];
  }
};
/** At once, also from a thread that ends. */
const say = (line) => writeSync(1, `${line}\n`);
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 20);

function write(folder, bytes) {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, hash(bytes));
  writeFileSync(file, bytes);
  return file;
}

/** The target in one file, as the coverage and the stack name it. */
async function bundled(target) {
  const outfile = path.join(root, "node_modules/.fuzz", `${target}.mjs`);
  await build({
    absWorkingDir: root, entryPoints: [`test/fuzz/${target}.target.ts`], outfile, bundle: true, platform: "node",
    target: "node20", format: "esm", sourcemap: "inline", logLevel: "warning",
  });
  return outfile;
}

const place = ({ startOffset, endOffset }) => startOffset * 0x400000 + endOffset;
const isIn = (outer) => (block) => outer.startOffset <= block.startOffset && block.endOffset <= outer.endOffset;

/** The blocks of the bundle that ran since the last look. V8 names one only where its count is not that of what is around it. */
class Coverage {
  constructor(file) {
    this.file = `file://${file}`;
    this.seen = new Set();
    this.blocks = new Map();
    this.session = new inspector.Session();
    this.session.connect();
    this.#post("Profiler.enable");
    this.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  #post(method, parameters) {
    let found;
    this.session.post(method, parameters, (error, result) => {
      if (error) throw new Error(`${method}: ${error.message}`);
      found = result;
    });
    return found;
  }

  /** How many are new among them; remembers them if it is to. */
  news(remember) {
    const script = this.#post("Profiler.takePreciseCoverage").result.find((one) => one.url === this.file);
    const places = (script?.functions ?? []).flatMap(({ ranges }) => this.#ran(ranges)).filter((one) => !this.seen.has(one));
    if (remember) places.forEach((one) => this.seen.add(one));
    return places.length;
  }

  /** Of one function, which begins with itself: every block known of it but those that were passed over. */
  #ran([whole, ...inner]) {
    if (whole.count === 0) return [];
    const blocks = this.blocks.get(place(whole)) ?? new Map([[place(whole), whole]]);
    this.blocks.set(place(whole), blocks);
    for (const block of inner) blocks.set(place(block), block);
    const passed = inner.filter(({ count }) => count === 0).map(isIn);
    return [...blocks].filter(([, block]) => !passed.some((covers) => covers(block))).map(([at]) => at);
  }
}

/** The words of the target itself, to be put into inputs. */
function words(source) {
  const found = source.split("//# sourceMappingURL")[0].matchAll(/"((?:[^"\\\n]|\\.){2,48})"/g);
  return [...new Set([...found].map(([, word]) => word))].filter((word) => !word.includes(" "));
}

class Fuzzer {
  constructor({ target, file, seed, shared }, { run, seeds }) {
    Object.assign(this, { run, coverage: new Coverage(file), dice: new Dice(seed), runs: 0, kept: 0, pool: [] });
    this.corpus = path.join(fuzz, "corpus", `wallet-${target}`);
    this.artifacts = path.join(fuzz, "artifacts", `wallet-${target}`);
    this.clock = new Int32Array(shared, 0, 2);
    this.current = new Uint8Array(shared, 8);
    this.tokens = words(readFileSync(file, "utf8"));
    this.begin = [...seeds.map((name) => path.join(fuzz, "corpus", name)), this.corpus].flatMap(files).map((one) => one.slice(0, INPUT));
  }

  /** One input, where the watching thread can find it if it does not come back. */
  async once(input) {
    this.current.set(input);
    Atomics.store(this.clock, 1, input.length);
    Atomics.add(this.clock, 0, 1);
    this.runs += 1;
    try {
      await this.run(input);
    } catch (error) {
      say(`found: ${write(this.artifacts, input)}\n${error?.stack ?? error}`);
      process.exit(1);
    }
  }

  async batch(inputs, keep) {
    for (const input of inputs) await this.once(input);
    if (this.coverage.news(false) === 0) return;
    for (const input of inputs) {
      await this.once(input);
      if (this.coverage.news(true) === 0) continue;
      this.pool.push(input);
      if (keep && ++this.kept) write(this.corpus, input);
    }
  }

  async work(until, tell) {
    for (let at = 0; at < this.begin.length; at += BATCH) await this.batch(this.begin.slice(at, at + BATCH), false);
    if (this.pool.length === 0) this.pool.push(new Uint8Array());
    tell("begins");
    for (let last = Date.now(); Date.now() < until;) {
      const given = { others: this.pool, tokens: this.tokens };
      await this.batch(Array.from({ length: BATCH }, () => mutate(this.dice.of(this.pool), this.dice, given, INPUT)), true);
      if (Date.now() - last < 5_000) continue;
      last = Date.now();
      tell("");
    }
    tell("done");
  }
}

async function work() {
  const { seconds, file, target } = workerData;
  const fuzzer = new Fuzzer(workerData, await import(file));
  const start = Date.now();
  await fuzzer.work(start + 1000 * seconds, (what) => {
    const cpu = process.cpuUsage();
    const each = Math.round((1000 * fuzzer.runs) / Math.max(1, Date.now() - start));
    say(`wallet-${target}: ${what} ${fuzzer.runs} runs, ${fuzzer.pool.length} inputs, ${fuzzer.kept} kept, ${fuzzer.coverage.seen.size} blocks, ${each}/s, ${Math.round((cpu.user + cpu.system) / 1e6)} s of CPU`);
  });
  process.exit(0);
}

/** Ends the run where one input does not come back. */
function watch(worker, target, shared) {
  const [clock, current] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)];
  const found = (why) => {
    say(`found, ${why}: ${write(path.join(fuzz, "artifacts", `wallet-${target}`), current.slice(0, Atomics.load(clock, 1)))}`);
    process.exit(1);
  };
  let last = -1;
  const look = setInterval(() => {
    const now = Atomics.load(clock, 0);
    const stuck = now === last && now > 0;
    last = now;
    if (stuck) found(`longer than ${LONGEST} ms`);
  }, LONGEST);
  worker.on("error", (error) => found(error));
  worker.on("exit", (code) => {
    clearInterval(look);
    process.exitCode = code;
  });
}

async function main([target, ...flags]) {
  if (target === "--list") return bodies().forEach((name) => console.log(name));
  const flag = (name, otherwise) => (flags.includes(name) ? Number(flags[flags.indexOf(name) + 1]) : otherwise);
  const [seconds, seed] = [flag("--seconds", 30), flag("--seed", randomInt(1, 2 ** 32))];
  if (!bodies().includes(target) || !(seconds >= 0) || !Number.isInteger(seed)) {
    console.error(`usage: node tools/fuzz.mjs --list | ${bodies().join("|")} [--seconds N] [--seed N]`);
    return void (process.exitCode = 2);
  }
  say(`wallet-${target}: ${seconds} s, --seed ${seed}`);
  const shared = new SharedArrayBuffer(8 + INPUT);
  watch(new Worker(new URL(import.meta.url), { workerData: { target, seconds, seed, shared, file: await bundled(target) } }), target, shared);
}

if (isMainThread) await main(process.argv.slice(2));
else await work();
