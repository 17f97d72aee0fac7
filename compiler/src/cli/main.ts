// eqlc: the command line to a call of a command, and its result to an exit code. The compiler is only loaded by a command.

import { readFileSync } from "node:fs";
import { ABI_VERSION } from "@kestrel/stdlib/abi";
import { FORMAT_VERSION } from "@kestrel/stdlib/package-format";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { BuildFlags } from "./build.js";
import { CACHE_DEFAULT } from "./cache-default.js";
import type { CheckFlags } from "./check.js";
import type { DumpFlags } from "./dump.js";
import type { ExplainFlags } from "./explain.js";
import { EXIT_BAD_INPUT, EXIT_OK, EXIT_USAGE, reportFailure } from "./failures.js";
import { addCompileFlags, formatOption, profileOption, STAGES, withDefaults } from "./options.js";
import type { ProfileFlags } from "./profile.js";
import type { QueryFlags } from "./query.js";
import type { SignFlags } from "./sign.js";
import { expectShortRuns } from "./wasm-tiers.js";

const EXAMPLES = `
Examples:
  eqlc check rules/
  eqlc build rules/ -o dist/
  eqlc query 'process where process.name : "curl*"' events.ndjson
  eqlc dump --stage ir -q 'any where user.name == "root"'
  eqlc explain --index rules/ --rule shell-from-editor
  eqlc profile rules/ recordings/ -o ours.json && eqlc build rules/ -o dist/ --profile ours.json
  eqlc sign dist/ --key release.pem --expires 90

Exit codes:
  0  all is well; query: something was found     2  rules, a query, an input or an output
  1  build, profile: some rules were left out;      that cannot be used
     check --strict: there are warnings;         3  wrong usage
     query: nothing was found
`;

const KEYS_HELP = `
Making a key, and what kestrel-run --trust takes:
  openssl genpkey -algorithm ed25519 -out release.pem
  openssl pkey -in release.pem -pubout -out release.pub.pem
`;

let code = EXIT_OK;
expectShortRuns();

function ownVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** A text that is not empty. */
function parseText(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It must not be empty.");
  return text;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count)) throw new InvalidArgumentError("It must be a whole number.");
  return count;
}

function createProgram(): Command {
  const version = ownVersion();
  const program = new Command("eqlc")
    .description("Compiles EQL rules into one artifact package, and answers EQL queries over recorded events.")
    .version(`eqlc ${version} (package format ${FORMAT_VERSION}, ABI ${ABI_VERSION})`, "-V, --version")
    .addHelpText("after", EXAMPLES)
    .exitOverride();
  addCompileFlags(
    program
      .command("build")
      .description("compile rules into a package")
      .argument("<rules...>", "rule files, and folders of them"),
  )
    .requiredOption(
      "-o, --output <dir>",
      "folder of the package: absent, empty, or a package to be replaced",
      parseText,
    )
    .option("--strict", "write nothing when a rule has errors")
    .addOption(
      new Option(
        "--target <target>",
        "what conditions become: Wasm, readable Lua, or both, for --runtime of kestrel-run",
      )
        .choices(["wasm", "lua", "both"])
        .default("wasm"),
    )
    .addOption(profileOption())
    .option("--cache <dir>", `folder for what is kept from build to build, safe to delete (default: ${CACHE_DEFAULT})`)
    .option("--no-cache", "keep nothing, and use nothing that was kept")
    .option("--stats", "say what the pack holds a rule: bytes, atoms, postings, and how predicates are woken")
    .option("--name <name>", "name of the package", parseText, "rules")
    .option("--pack-version <version>", "version of the package", parseText, "0.0.0")
    .addOption(formatOption("of the report: text on standard error, or json on standard output"))
    .action(async (paths: readonly string[], flags: BuildFlags) => {
      const { build } = await import("./build.js");
      code = await build(paths, withDefaults(flags), version);
    });
  addCompileFlags(
    program
      .command("profile")
      .description("count in recorded events what rules ask for, for build --profile")
      .argument("<rules>", "a rule file, or a folder of them; of other rules than are built the profile knows less")
      .argument("<events...>", "events as JSON: files, folders, patterns; - is standard input"),
  )
    .requiredOption("-o, --output <file>", "file of the profile", parseText)
    .action(async (rules: string, events: readonly string[], flags: ProfileFlags) => {
      const { profile } = await import("./profile.js");
      code = await profile(rules, events, withDefaults(flags));
    });
  program
    .command("sign")
    .description("sign a package, for kestrel-run --trust; signing again with a key replaces its signature")
    .argument("<dir>", "folder of the package")
    .requiredOption("--key <file...>", "private Ed25519 keys in PEM, each of which signs")
    .option("--expires <when>", "the last day on which the signature is good (2027-01-31, UTC), or a number of days")
    .addOption(formatOption("of the report: text on standard error, or json on standard output"))
    .addHelpText("after", KEYS_HELP)
    .action(async (dir: string, flags: SignFlags) => {
      const { sign } = await import("./sign.js");
      code = await sign(dir, flags);
    });
  addCompileFlags(
    program
      .command("check")
      .description("say everything that is wrong with rules")
      .argument("<rules...>", "rule files, and folders of them"),
  )
    .option("--strict", "end with code 1 when there are warnings")
    .addOption(formatOption("of the diagnostics"))
    .action(async (paths: readonly string[], flags: CheckFlags) => {
      const { check } = await import("./check.js");
      code = await check(paths, withDefaults(flags));
    });
  addCompileFlags(
    program
      .command("query")
      .description("print the events, sequences or samples that match a query")
      .argument("<eql>", "the query", parseText)
      .argument("<events...>", "events as JSON: files, folders, patterns; - is standard input"),
  )
    .addOption(formatOption("text: the lines themselves; json: one value a line"))
    .option("--limit <count>", "print no more than so many matches", parseCount)
    .addHelpText("after", "\nWithout --schema, fields and their types are learnt from the events.")
    .action(async (text: string, paths: readonly string[], flags: QueryFlags) => {
      const { query } = await import("./query.js");
      code = await query(text, paths, withDefaults(flags));
    });
  addCompileFlags(
    program
      .command("dump")
      .description("print a rule as a stage of the compiler sees it")
      .argument("[rule]", "rule file"),
  )
    .addOption(new Option("--stage <stage>", "which stage").choices(STAGES).makeOptionMandatory())
    .option(
      "--pass <name>",
      "with --stage ir: after this pass of the optimiser instead of after the last; none: before the first",
    )
    .option("-q, --query <eql>", "a query instead of a rule file")
    .addOption(formatOption("of the syntax tree"))
    .action(async (path: string | undefined, flags: DumpFlags) => {
      const { dump } = await import("./dump.js");
      code = await dump(path, withDefaults(flags));
    });
  addCompileFlags(
    program
      .command("explain")
      .description("say what the compiler decided for the rules of a pack")
      .argument("<rules...>", "rule files, and folders of them: all that would be built together"),
  )
    .option("--index", "what wakes a rule: what an event must hold for it to be tried")
    .option("--rule <id>", "this rule alone", parseText)
    .addOption(profileOption())
    .action(async (paths: readonly string[], flags: ExplainFlags) => {
      const { explain } = await import("./explain.js");
      code = await explain(paths, withDefaults(flags));
    });
  return program;
}

// Who reads only the head of the help has seen enough; other output is watched by who writes it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exitCode ||= EXIT_BAD_INPUT;
  });
}
try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) code = error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  else code = reportFailure(error);
}
process.exitCode = code;
