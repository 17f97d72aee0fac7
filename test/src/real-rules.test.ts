// Real rules, unchanged, on the machine's own kernel: harmless commands in the test's cgroup, and the rules of others that they set off.
//
// What the commands are called by is what rules look at; nearly all of them are /bin/true under another name. Folders that
// rules name are covered with folders in memory, in a mount namespace of the test's own.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { liveAddonOrReason, makeCgroup, runOrSkip } from "./support/ebpf.js";
import { buildFolder, replayRecording, startLive } from "./support/live-run.js";
import { repositoryRoot } from "./support/repository.js";

const live = suite("live rules");
const RULES = join(repositoryRoot(), "../shared/corpora/rules-toml");
/** Programs that are /bin/true by these names, and the arguments that they are called with. */
const COMMANDS: readonly string[] = [
  "unshadow /etc/hostname /etc/hostname",
  "gdb --pid 4711",
  "gitleaks detect",
  "trufflehog filesystem /tmp --json",
  "systemctl stop auditd",
  "base32 kestrel",
  "setenforce 0",
  "journalctl --vacuum-time=1s",
  "rmmod kestrel_none",
  "kworker-kestrel",
  "hping3 127.0.0.1",
  "nping 127.0.0.1",
  "grep vmdk nothing",
  "find /etc/vmware/nothing",
  "find /root/nothing -name id_rsa",
  "cat /etc/hosts",
  "cat /sys/kernel/debug/kprobes/list",
  "sudo -l",
  "sudo -n true",
  "nc -l -p 4444",
  "stty raw -echo",
  "kubectl apply -f http://127.0.0.1/x.yaml",
  "kubectl auth can-i list secrets",
  "kubectl get configmaps",
  "kubeletctl scan",
  "rlwrap nc -l -p 4444",
  "python3.99 -m http.server",
  "xdg-open nothing",
  "openssl passwd -1 -salt kestrel secret",
  "usermod -u 0 -o nobody",
  "bpftool prog load nothing",
  "kexec -l nothing",
  "php -S 127.0.0.1:1",
  "unmkinitramfs nothing",
  "chown -R --reference=/etc/hostname nothing",
  "tailscaled --socks5-server=127.0.0.1:1",
  "ssh -X nobody@127.0.0.1",
  "curl http://127.0.0.1/api/v1/secrets",
  "wget https://gsocket.io/nothing",
  "docker run --privileged -v /:/host nothing",
  "socat UNIX-CONNECT:/nowhere/docker.sock -",
  "apparmor_parser -o nothing",
  "rssocks -s 127.0.0.1:1 -d 127.0.0.1:2",
  "mkdir /bin/kestrel-nothing",
];

runOrSkip(live, existsSync(RULES) ? liveAddonOrReason() : "the corpora are not here", defineTest);

function defineTest(): void {
  const folder = mkdtempSync("/tmp/kestrel-rules-");
  const cgroup = makeCgroup();
  live.after(() => {
    rmSync(folder, { recursive: true });
    cgroup.remove();
  });

  live("at least 30 rules of different tactics fire, and the recording gives the same alerts", async () => {
    const pack = buildFolder(RULES, join(folder, "pack"));
    const script = join(folder, "script.sh");
    const names = [...new Set(COMMANDS.map((command) => command.split(" ")[0]))];
    writeFileSync(
      script,
      [
        `mkdir ${folder}/bin; for name in ${names.join(" ")}; do cp /bin/true "${folder}/bin/$name"; done`,
        ...COMMANDS.map((command) => `${folder}/bin/${command}`),
        ":",
      ].join("\n"),
    );
    const recording = join(folder, "run.ndjson.gz");
    const watching = await startLive(pack, ["--cgroup", cgroup.path, "--record", recording]);
    const { code, output } = await cgroup.run(["/bin/sh", script]);
    assert.is(code, 0, output);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { stdout, stderr } = await watching.end("SIGINT");
    const alerts = stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Alert);
    const rules = new Set(alerts.map(({ rule }) => rule.id));
    const tactics = new Set(alerts.flatMap(({ threat }) => threat?.tactic?.id ?? []));
    assert.ok(rules.size >= 30, `${rules.size} rules fired: ${[...rules].join(", ")}\n${stderr}`);
    assert.ok(tactics.size >= 8, `tactics: ${[...tactics].join(", ")}`);
    assert.is(replayRecording(pack, recording), stdout);
  });
}

interface Alert {
  readonly rule: { readonly id: string; readonly name: string };
  readonly threat?: { readonly tactic?: { readonly id?: readonly string[] } };
}
