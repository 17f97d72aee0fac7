// kestrel-run: the command line to a call of replay, validate, list or doctor, and their result to an exit code.
//
// What only some runs need is loaded when it is needed: a replay of twenty lines takes hardly longer than Node itself, and every module counts there.

import { readFileSync } from "node:fs";
import { ABI_VERSION, LONGEST_LINE } from "@kestrel/stdlib/abi";
import { FORMAT_VERSION } from "@kestrel/stdlib/package-format";
import { TIME_UNITS, type TimeUnit } from "@kestrel/stdlib/time-units";
import { Command, CommanderError, Option } from "commander";
import { MEMORY_BYTES } from "../lane/lane.js";
import type { Runtime } from "../load/choose-runtime.js";
import { USUAL_LONGEST_LINE } from "../read/lines.js";
import { EXIT_BAD_INPUT, EXIT_OK, EXIT_USAGE, reportFailure } from "./failures.js";
import type { InspectFormat } from "./inspect.js";
import { isOneFile } from "./output-place.js";
import { parseDuration, parseRing, parseSize, sizeText } from "./quantities.js";
import { replay } from "./replay.js";
import { readTrust, type TrustFlags, trustOptions } from "./trust.js";

interface RunFlags extends TrustFlags {
  readonly replay?: readonly string[];
  readonly ebpf?: boolean;
  readonly cgroup?: string;
  readonly excludeCgroup?: readonly string[];
  readonly record?: string;
  readonly ring: number;
  readonly duration?: bigint;
  readonly alerts?: string;
  readonly append?: boolean;
  readonly format: "text" | "json";
  readonly lateness: bigint;
  readonly idle: bigint;
  readonly memory: number;
  readonly moduleTimeout: bigint;
  readonly sort?: boolean;
  readonly timestampUnit?: TimeUnit;
  readonly runtime?: Runtime;
  readonly strict?: boolean;
  readonly failOnAlerts?: boolean;
  readonly maxLine: number;
  readonly batch: number;
  readonly profile?: string;
  readonly summary: "text" | "json" | "none";
}

const EXAMPLES = `
Examples:
  kestrel-run dist/ --replay events.ndjson
  kestrel-run dist/ --replay monday.ndjson.gz tuesday.ndjson.gz --alerts alerts.ndjson
  kestrel-run dist/ --ebpf --format text --record today.ndjson.gz
  tail -F events.ndjson | kestrel-run dist/ --replay - --format text --lateness 5s
  kestrel-run validate dist/
  kestrel-run list dist/ --format json
  kestrel-run dist/ --trust release.pub.pem --replay events.ndjson
  kestrel-run doctor dist/
  kestrel-run dist/ --replay recordings/ 'more/**/*.json.gz'

Events are lines of JSON, or arrays, exports (_source) and bulk requests of Elasticsearch; in UTF-8 or UTF-16; plain, gzip, or
zstd with Node 22.15 or newer. A folder stands for all files in it; those of no events are left out, and named.

Exit codes:
  0    ran to the end
  1    alerts were found, with --fail-on-alerts
  2    a package, input or output that cannot be used; a module that fails or does not return; a difference between the runtimes; no line is an event, or none of a category that a rule asks for
  3    wrong usage
  129, 130, 143  ended by SIGHUP, SIGINT or SIGTERM; what was found is written
  141  standard output was closed before the run was over
`;

/** Two events of one key stand in the ring as they happened, but for what two CPUs write at the same moment. */
const LIVE_LATENESS_NS = 100_000_000n;
const LIVE_RING_BYTES = 16 << 20;
const LEAST_MEMORY = 1 << 20;
const MOST_MEMORY = 2 ** 40;
/** The smallest read buffer; the reader takes no less. */
const LEAST_BATCH = 64;

/** Options that say how files are read, as commander and as people call them. */
const REPLAY_ONLY = [
  ...([
    ["sort", "sort"],
    ["idle", "idle"],
    ["timestampUnit", "timestamp-unit"],
    ["strict", "strict"],
  ] as const),
  ...([
    ["maxLine", "max-line"],
    ["batch", "batch"],
  ] as const),
];

/** What Node ends with when nothing is left that could end what a module waits for. */
const EXIT_UNSETTLED = 13;

let code = EXIT_OK;

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version: own } = JSON.parse(text) as { readonly version: string };
  return `kestrel-run ${own} (package format ${FORMAT_VERSION}, ABI ${ABI_VERSION})`;
}

function formatOption(text: string): Option {
  return new Option("--format <format>", text).choices(["text", "json"]);
}

interface InspectFlags extends TrustFlags {
  readonly format: InspectFormat;
}

function withTrust(command: Command): Command {
  for (const option of trustOptions()) command.addOption(option);
  return command;
}

function createProgram(): Command {
  const program: Command = new Command("kestrel-run")
    .description("Runs a rule package that eqlc built over event streams, and writes alerts.")
    .usage(
      "DIR --replay FILE... [options]\n       kestrel-run DIR --ebpf [options]\n       kestrel-run validate|list DIR [options]\n       kestrel-run doctor [DIR] [options]",
    )
    .argument("[dir]", "folder of the package")
    .option(
      "--replay <file...>",
      "events as JSON: files, folders, patterns; several are one stream; - is standard input",
    )
    .option("--ebpf", "watch this machine's kernel; needs the eBPF addon, and root or CAP_BPF and CAP_PERFMON")
    .option("--cgroup <folder>", "with --ebpf: only what processes of this cgroup do, and of those below it")
    .option(
      "--exclude-cgroup <folder...>",
      "with --ebpf: not what processes of these cgroups do, nor of those below them; at most 8",
    )
    .option(
      "--record <file>",
      "with --ebpf: write the stream to a file that --replay repeats; packed when it ends in .gz",
    )
    .addOption(
      new Option("--ring <bytes>", "with --ebpf: what the kernel may keep until it is read; a power of two")
        .default(LIVE_RING_BYTES, "16m")
        .argParser(parseRing),
    )
    .addOption(new Option("--duration <duration>", "with --ebpf: end after so long").argParser(parseDuration))
    .option("--alerts <file>", "write the alerts as NDJSON to this file instead of standard output")
    .option("--append", "go on with the file of --alerts instead of replacing it")
    .addOption(
      formatOption("of standard output: json lines, or text for people; with --alerts, text comes in addition").default(
        "json",
      ),
    )
    .addOption(
      new Option(
        "--lateness <duration>",
        "how late an event may come and still find its place, where an input may not end; 100ms with --ebpf",
      )
        .default(parseDuration("60s"), "60s")
        .argParser(parseDuration),
    )
    .addOption(
      new Option(
        "--sort",
        "take the inputs as one history and sort it by time, however late events come: usual for files, not for pipes",
      ).conflicts("lateness"),
    )
    .addOption(
      new Option("--idle <duration>", "after so much silence of an open input nothing waits for its order; 0 for never")
        .default(parseDuration("10s"), "10s")
        .argParser(parseDuration),
    )
    .addOption(
      new Option("--memory <bytes>", "what events may take that wait or belong to unfinished sequences")
        .default(MEMORY_BYTES, "512m")
        .argParser((text) => parseSize(text, LEAST_MEMORY, MOST_MEMORY)),
    )
    .addOption(
      new Option(
        "--timestamp-unit <unit>",
        "what a number in the time field counts; auto tells by its size (default: as the package was built)",
      ).choices(Object.keys(TIME_UNITS)),
    )
    .addOption(
      new Option(
        "--module-timeout <duration>",
        "what one call into the package's module may take, which takes milliseconds; then the run ends with code 2; 0 for any time",
      )
        .default(parseDuration("30s"), "30s")
        .argParser(parseDuration),
    )
    .addOption(
      new Option(
        "--runtime <runtime>",
        "how predicates are run: as Wasm, in Lua, or both and any difference is an error (default: as the package was built)",
      ).choices(["wasm", "lua", "both"]),
    )
    .option("--strict", "end with code 2 when a line is not an event, or an event has no time that can be right")
    .option("--fail-on-alerts", "end with code 1 when there are alerts")
    .addOption(
      new Option(
        "--max-line <bytes>",
        `longest line that is judged, at most ${sizeText(LONGEST_LINE)}; longer ones are counted as too long`,
      )
        .default(USUAL_LONGEST_LINE, sizeText(USUAL_LONGEST_LINE))
        .argParser((text) => parseSize(text, 1, LONGEST_LINE)),
    )
    .addOption(
      new Option("--batch <bytes>", "how much is read at a time; does not change results")
        .default(parseSize("1m", LEAST_BATCH), "1m")
        .argParser((text) => parseSize(text, LEAST_BATCH)),
    )
    .option(
      "--profile <file>",
      "look every millisecond what the run is at: a .cpuprofile in that file, and with --summary text the phases and rules that took most",
    )
    .addOption(
      new Option("--summary <format>", "what to say on standard error at the end")
        .choices(["text", "json", "none"])
        .default("text"),
    )
    .version(version(), "-V, --version")
    .addHelpText("after", EXAMPLES)
    .enablePositionalOptions()
    .exitOverride();
  withTrust(program).action(async (dir: string | undefined, flags: RunFlags) => {
    if (dir === undefined) program.error("error: name the folder of a package: kestrel-run DIR --replay FILE");
    if (flags.ebpf === true && flags.replay !== undefined) program.error("error: --ebpf and --replay are two runs");
    if (flags.ebpf === true) {
      if (flags.runtime === "both") program.error("error: --runtime both is for --replay");
      for (const [key, name] of REPLAY_ONLY) {
        if (program.getOptionValueSource(key) === "cli") program.error(`error: --${name} is for --replay`);
      }
    } else {
      for (const name of ["--cgroup", "--exclude-cgroup", "--record", "--duration", "--ring"]) {
        const option = program.options.find(({ long }) => long === name)?.attributeName();
        if (option !== undefined && program.getOptionValueSource(option) === "cli") {
          program.error(`error: ${name} needs --ebpf`);
        }
      }
      if (flags.replay === undefined) {
        program.error("error: name the events to read: kestrel-run DIR --replay FILE, or watch the kernel with --ebpf");
      }
    }
    if (flags.append === true && flags.alerts === undefined) program.error("error: --append needs --alerts FILE");
    if (flags.profile !== undefined) {
      if (flags.runtime === "both") program.error("error: --profile is for one runtime, and --runtime both runs two");
      for (const [name, other] of [
        ["--alerts", flags.alerts],
        ["--record", flags.record],
      ] as const) {
        if (other !== undefined && (await isOneFile(other, flags.profile))) {
          program.error(`error: --profile and ${name} are one file`);
        }
      }
    }
    const isLatenessGiven = program.getOptionValueSource("lateness") === "cli";
    const isFormatGiven = program.getOptionValueSource("format") === "cli";
    const alerts = flags.alerts ?? null;
    const output = alerts === null ? flags.format : isFormatGiven && flags.format === "text" ? "text" : null;
    const sinks = { alerts, append: flags.append === true, output } as const;
    const trust = readTrust(flags);
    if (flags.ebpf === true) {
      const { watchLive } = await import("./live.js");
      code = await watchLive(dir, {
        ...sinks,
        trust,
        cgroup: flags.cgroup ?? null,
        excludedCgroups: flags.excludeCgroup ?? [],
        record: flags.record ?? null,
        latenessNs: isLatenessGiven ? flags.lateness : LIVE_LATENESS_NS,
        memoryBytes: flags.memory,
        moduleTimeoutNs: flags.moduleTimeout,
        ringBytes: flags.ring,
        durationNs: flags.duration ?? null,
        runtime: flags.runtime === undefined || flags.runtime === "both" ? null : flags.runtime,
        profile: flags.profile ?? null,
        failOnAlerts: flags.failOnAlerts === true,
        summary: flags.summary,
      });
      return;
    }
    code = await replay(dir, {
      replay: flags.replay ?? [],
      ...sinks,
      trust,
      latenessNs: flags.sort === true ? null : isLatenessGiven ? flags.lateness : undefined,
      idleNs: flags.idle,
      memoryBytes: flags.memory,
      moduleTimeoutNs: flags.moduleTimeout,
      timestampUnit: flags.timestampUnit ?? null,
      runtime: flags.runtime ?? null,
      strict: flags.strict === true,
      failOnAlerts: flags.failOnAlerts === true,
      maxLineBytes: flags.maxLine,
      batchBytes: flags.batch,
      profile: flags.profile ?? null,
      summary: flags.summary,
    });
  });
  withTrust(program.command("validate"))
    .description(
      "check a package with all its files, also those that no run reads, and say what it is, or everything that is wrong with it",
    )
    .argument("<dir>", "folder of the package")
    .addOption(formatOption("of the answer").default("text"))
    .action(async (dir: string, flags: InspectFlags) => {
      const { validate } = await import("./inspect.js");
      code = await validate(dir, flags.format, { trust: readTrust(flags) });
    });
  withTrust(program.command("list"))
    .description("list the rules of a package")
    .argument("<dir>", "folder of the package")
    .addOption(formatOption("of the list").default("text"))
    .action(async (dir: string, flags: InspectFlags) => {
      const { list } = await import("./inspect.js");
      code = await list(dir, flags.format, { trust: readTrust(flags) });
    });
  withTrust(program.command("doctor"))
    .description(
      "say what can be collected of the live kernel here, and with a package what it needs of that; ends with 0 whatever the answer",
    )
    .argument("[dir]", "folder of the package")
    .addOption(formatOption("of the answer").default("text"))
    .action(async (dir: string | undefined, flags: InspectFlags) => {
      const { doctor } = await import("./doctor.js");
      code = await doctor(dir ?? null, flags.format, { trust: readTrust(flags) });
    });
  return program;
}

// Who reads only the head of the help has seen enough; other output is watched by who writes it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exitCode ||= EXIT_BAD_INPUT;
  });
}
// Not awaited here: the bundle is a script, see scripts/bundle.mjs. Of a run that never comes to its end the code is not 0 either.
process.exitCode = EXIT_UNSETTLED;
createProgram()
  .parseAsync(process.argv)
  .catch((error: unknown) => {
    if (error instanceof CommanderError) code = error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    else code = reportFailure(error);
  })
  .finally(() => {
    process.exitCode = code;
  });
