// JsonLogic and GoRules Zen on the rules of rules_bench: rules_peers.mjs FOLDER NODE_MODULES_FOLDER.
// Prints JSON lines as rules_bench does; "same" says whether every row gave the rules that Sluice gave.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";

const [folder, modules] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(folder, name)));
const require = createRequire(resolve(modules, "package.json"));
const rows = read("rows.json");
const holding = JSON.stringify(read("holding.json"));
const nRules = read("json_logic.json").length;

const quantile = (sorted, q) => sorted[Math.floor((sorted.length - 1) * q)];

function print(peer, work, times, answers) {
  times.sort((a, b) => a - b);
  const same = JSON.stringify(answers) === holding;
  const line = { peer, work, rules: nRules, us: quantile(times, 0.5), low: quantile(times, 0.25), high: quantile(times, 0.75), same };
  console.log(JSON.stringify(line));
}

// Every row alone, in turn; the first pass warms up.
async function oneByOne(peer, evaluate) {
  const times = [];
  let answers = [];
  for (let pass = 0; pass < 6; ++pass) {
    answers = [];
    for (const row of rows) {
      const start = performance.now();
      const answer = await evaluate(row);
      if (pass > 0) times.push(1000 * (performance.now() - start));
      answers.push(answer);
    }
  }
  print(peer, "one row", times, answers);
}

async function inBatch(peer, evaluateAll) {
  const times = [];
  let answers = await evaluateAll(rows);
  for (let pass = 0; pass < 9; ++pass) {
    const start = performance.now();
    answers = await evaluateAll(rows);
    times.push((1000 * (performance.now() - start)) / rows.length);
  }
  print(peer, "batch", times, answers);
}

async function attempt(peer, run) {
  try {
    await run();
  } catch (error) {
    console.log(JSON.stringify({ peer, skipped: String(error.message).split("\n")[0] }));
  }
}

await attempt("JsonLogic (json-logic-js)", async () => {
  const logic = require("json-logic-js");
  const rules = read("json_logic.json");
  const evaluate = (row) => rules.flatMap((rule, i) => (logic.apply(rule, row) ? [i] : []));
  await oneByOne("JsonLogic (json-logic-js)", evaluate);
  await inBatch("JsonLogic (json-logic-js)", (all) => all.map(evaluate));
});

await attempt("GoRules Zen", async () => {
  const { ZenEngine, ZenDecisionContent } = require("@gorules/zen-engine");
  const decision = new ZenEngine().createDecision(new ZenDecisionContent(read("zen.json")));
  const evaluate = async (row) => (await decision.evaluate(row)).result.map((found) => found.rule);
  await oneByOne("GoRules Zen", evaluate);
  await inBatch("GoRules Zen", (all) => Promise.all(all.map(evaluate)));
});
