// A kernel and a first root file system → what a virtual machine with them writes to its serial line.
//
// The machine is emulated: it needs no privilege and no hardware that virtualises. It has no network and no disk.

import { spawn } from "node:child_process";

/** What a guest may use. The root file system takes up to half of its memory. */
const MEMORY_MIB = 1280;

/**
 * One processor: two cost a third more of the host's time, and each guest has a core of the host for itself. `la57=off`, since
 * kernels were seen to hang at their start with five levels of page tables.
 */
const MACHINE = ["-accel", "tcg,thread=single", "-cpu", "max,la57=off", "-smp", "1", "-m", String(MEMORY_MIB)];

const WORDS = [
  // Without `bpf` among them, programs of that kind attach and never run.
  "lsm=lockdown,capability,landlock,yama,apparmor,bpf",
  ...["console=ttyS0", "panic=-1", "quiet", "rdinit=/init"],
  // What is always at the same address is translated once: starting /bin/true takes 20 ms instead of 54.
  "norandmaps",
  // What an emulated processor need not be guarded against, or what costs it more than it gives: another tenth.
  ...["mitigations=off", "init_on_alloc=0", "audit=0"],
];

export interface Boot {
  readonly kernel: string;
  readonly initrd: string;
  /** Further words for the kernel's command line. */
  readonly words?: readonly string[];
  /** Seconds after which the machine is ended, whatever it does. */
  readonly limit: number;
  /** Seconds without a byte after which it is taken to hang. */
  readonly silence: number;
}

export interface Booted {
  readonly serial: string;
  /** Why the machine did not end by itself with all well; null when it did. */
  readonly ended: string | null;
  readonly seconds: number;
}

/** Boots a virtual machine and waits until it is off. */
export function boot({ kernel, initrd, words = [], limit, silence }: Boot): Promise<Booted> {
  const start = process.hrtime.bigint();
  return new Promise((resolve) => {
    const child = spawn(
      "qemu-system-x86_64",
      [
        ...MACHINE,
        ...["-nodefaults", "-nographic", "-no-reboot", "-nic", "none", "-serial", "stdio"],
        ...["-kernel", kernel, "-initrd", initrd, "-append", [...WORDS, ...words].join(" ")],
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const serial: Buffer[] = [];
    const errors: Buffer[] = [];
    let why: string | null = null;
    const end = (reason: string): void => {
      why ??= reason;
      child.kill("SIGKILL");
    };
    const whole = setTimeout(() => end(`it was not done after ${limit} s`), limit * 1000);
    const quiet = setTimeout(() => end(`it wrote nothing for ${silence} s`), silence * 1000);
    child.stdout.on("data", (chunk: Buffer) => {
      serial.push(chunk);
      quiet.refresh();
    });
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", (error) => {
      why ??= error.message;
    });
    // A test run that is interrupted takes its machines along.
    const stop = (): void => void child.kill("SIGKILL");
    process.on("exit", stop);
    child.on("close", (code) => {
      clearTimeout(whole);
      clearTimeout(quiet);
      process.off("exit", stop);
      const said = Buffer.concat(errors).toString().trim();
      if (code !== 0) why ??= `qemu ended with ${code}${said === "" ? "" : `: ${said}`}`;
      resolve({
        serial: Buffer.concat(serial).toString(),
        ended: why,
        seconds: Number(process.hrtime.bigint() - start) / 1e9,
      });
    });
  });
}
