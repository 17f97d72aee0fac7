// eqlc as a process, in a folder of its own that holds two folders of rules.

import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Ended, runProcess } from "./run-process.js";

const EQLC = fileURLToPath(new URL("../../../compiler/bin/eqlc.js", import.meta.url));
export const KESTREL_RUN = fileURLToPath(new URL("../../../runtime/bin/kestrel-run.js", import.meta.url));

interface Manifest {
  readonly package: { readonly name: string; readonly version: string; readonly digest: string };
  readonly schema: Readonly<Record<string, unknown>> & { readonly fields: readonly { id: number; name: string }[] };
  readonly rules: readonly {
    readonly id: string;
    readonly kind: string;
    readonly source: string;
    readonly keys: readonly string[];
    readonly capabilities: Readonly<Record<string, unknown>>;
  }[];
  readonly predicates: readonly (readonly number[])[];
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

/** Where the suite works that was set up last. */
export let folder = "";

export function run(parameters: readonly string[], input = "", cwd = folder, bin = EQLC): Promise<Ended> {
  return runProcess(bin, parameters, cwd, input);
}

export function put(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
  return path;
}

export function manifestOf(dir: string): Manifest {
  return JSON.parse(readFileSync(join(folder, dir, "manifest.json"), "utf8")) as Manifest;
}

export const CHAIN_RULE = `
id: chain
name: Shell and then a connection
severity: high
threat:
  - framework: MITRE ATT&CK
    technique:
      - id: T1059
        name: Command and Scripting Interpreter
        subtechnique: [{ id: T1059.004, name: Unix Shell }]
query: |
  sequence by host.id with maxspan=30s
    [process where process.name == "sh"]
    [network where destination.port > 1024]
`;

export function setUp(name: string): void {
  folder = realpathSync(mkdtempSync(join(tmpdir(), `eqlc-${name}-`)));
  put("good/deep/chain.yaml", CHAIN_RULE);
  put("good/curl.eql", 'process where process.name : "curl*" and user.name != "root"');
  put("more/any.eql", "any where user.id == null // kestrel: allow W0507");
}

export function tearDown(): void {
  rmSync(folder, { recursive: true, force: true });
}
