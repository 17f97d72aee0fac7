// `validate` and `list`: what a package is and what it holds, as text or as JSON.

import { type PackageManifest, PROFILE_FILE, type RuleKind } from "@kestrel/stdlib/package-format";
import { printable } from "../alert/terminal.js";
import { type LoadOptions, loadPackage, type Package } from "../load/load-package.js";
import { PackageError } from "../load/problems.js";
import { counted } from "../report/summary.js";
import { streamOutput } from "../sink/text-output.js";
import { EXIT_BAD_INPUT, EXIT_OK } from "./failures.js";

export type InspectFormat = "text" | "json";

/** Checks a package with all its files, also those that nobody runs, and returns the exit code; as text, problems are thrown, as JSON they are printed. */
export async function validate(dir: string, format: InspectFormat, options: LoadOptions = {}): Promise<number> {
  try {
    const pack = await loadPackage(dir, { ...options, whole: true });
    await print(format === "json" ? JSON.stringify({ ok: true, ...facts(pack), problems: [] }) : factsText(pack));
    return EXIT_OK;
  } catch (error) {
    if (format === "text" || !(error instanceof PackageError)) throw error;
    await print(JSON.stringify({ ok: false, problems: error.problems }));
    return EXIT_BAD_INPUT;
  }
}

/** Lists the rules of a package in index order. */
export async function list(dir: string, format: InspectFormat, options: LoadOptions = {}): Promise<number> {
  const { manifest } = await loadPackage(dir, options);
  if (format === "json") {
    const rules = manifest.rules.map(
      ({ id, name, kind, version, severity, risk_score, tags, capabilities, source }) => {
        return { id, name, kind, version, severity, risk_score, tags, mitre_attack: capabilities.mitre_attack, source };
      },
    );
    await print(JSON.stringify(rules));
    return EXIT_OK;
  }
  const rows = manifest.rules.map(({ id, name, kind, severity, capabilities }) =>
    [severity, kind, id, name, capabilities.mitre_attack.join(" ")].map((text) => printable(text)),
  );
  await print(columns([["SEVERITY", "KIND", "ID", "NAME", "ATT&CK"], ...rows]).join("\n"));
  return EXIT_OK;
}

function facts({ manifest, programs, lineage, signer }: Package): Readonly<Record<string, unknown>> {
  const kinds: Record<RuleKind, number> = { event: 0, sequence: 0, sample: 0, join: 0 };
  for (const { kind } of manifest.rules) kinds[kind]++;
  const profile = profileOf(manifest);
  return {
    package: manifest.package,
    ...(signer === undefined ? {} : { signed_by: { key_id: signer.keyId, expires: signer.expires } }),
    compiler: manifest.compiler,
    format_version: manifest.format_version,
    abi_version: manifest.abi_version,
    rules: kinds,
    predicates: manifest.predicates.length,
    programs: programs.length,
    process_trees: lineage.length,
    fields: manifest.schema.fields.length,
    ...(profile === null ? {} : { profile }),
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0),
  };
}

/** The digest of the counts by which the index was steered; null where there were none. */
function profileOf({ files }: PackageManifest): string | null {
  return files.find(({ path }) => path === PROFILE_FILE)?.sha256 ?? null;
}

function factsText({ manifest, signer }: Package): string {
  const { name, version, digest } = manifest.package;
  const kinds = (["event", "sequence", "sample", "join"] as const)
    .map((kind) => [manifest.rules.filter((rule) => rule.kind === kind).length, kind] as const)
    .filter(([count]) => count > 0)
    .map(([count, kind]) => `${count} ${kind}`);
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  const rules = counted(manifest.rules.length, "rule", "rules");
  const profile = profileOf(manifest);
  return [
    `ok: ${printable(name)} ${printable(version)}`,
    `  digest    ${digest}`,
    ...(signer === undefined
      ? []
      : [`  signed    by ${signer.keyId}, ${signer.expires === null ? "for good" : `until ${signer.expires}`}`]),
    `  built by  ${printable(manifest.compiler.name)} ${printable(manifest.compiler.version)}`,
    `  format    ${manifest.format_version}, ABI ${manifest.abi_version}`,
    `  holds     ${rules}${kinds.length > 0 ? ` (${kinds.join(", ")})` : ""}`,
    `  decides   ${counted(manifest.predicates.length, "predicate", "predicates")} over ${counted(manifest.schema.fields.length, "field", "fields")}`,
    ...(profile === null ? [] : [`  profile   ${profile}`]),
    `  files     ${manifest.files.length}, ${counted(bytes, "byte", "bytes")}`,
  ].join("\n");
}

/** Rows to lines, every cell but the last as wide as the widest of its column. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, [...cell].length);
  }
  return rows.map((row) => {
    const cells = row.map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - [...cell].length));
    return cells.join("  ").trimEnd();
  });
}

export async function print(text: string): Promise<void> {
  const output = streamOutput(process.stdout, () => undefined);
  await output.write(`${text}\n`);
  await output.flush();
}
