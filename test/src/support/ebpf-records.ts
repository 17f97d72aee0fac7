// Records as the kernel's programs write them, made by hand. The offsets are those of native/src/record.h, which asserts them.

import type { EbpfHost } from "@kestrel/runtime/ebpf/load-addon";

export const HEADER_SIZE = 40;
export const PROCESS_SIZE = 144;
export const EXEC_SIZE = 232;
export const FORK_SIZE = 184;
export const EXIT_SIZE = 192;

export const CLASS = { exec: 0, fork: 1, exit: 2 } as const;
export const FLAG = {
  argsCut: 1,
  argsUnread: 2,
  executableCut: 4,
  directoryCut: 8,
  pathTorn: 16,
  unlinked: 32,
  script: 64,
  filenameCut: 128,
} as const;

/** A host whose users and groups have no names, and where no process is found but by records. */
export const HOST: EbpfHost = {
  name: "host",
  id: "0123",
  bootId: "00112233-4455-6677-8899-aabbccddeeff",
  users: "/dev/null",
  groups: "/dev/null",
  proc: "/nonexistent",
};

/** A process; what is not given is 0 or empty. */
export interface ProcessRecord {
  readonly pid?: number;
  readonly start?: bigint;
  readonly parentPid?: number;
  readonly parentStart?: bigint;
  readonly leaderPid?: number;
  readonly leaderStart?: bigint;
  readonly sessionPid?: number;
  readonly sessionStart?: bigint;
  /** Real, effective and saved. */
  readonly uids?: readonly [number, number, number];
  readonly gids?: readonly [number, number, number];
  readonly terminal?: readonly [major: number, minor: number];
  readonly comm?: Buffer;
  readonly parentComm?: Buffer;
  readonly leaderComm?: Buffer;
  readonly sessionComm?: Buffer;
}

export interface HeaderRecord {
  readonly flags?: number;
  readonly boottime?: bigint;
  readonly cgroup?: bigint;
}

export interface ExecRecord extends HeaderRecord {
  readonly inode?: bigint;
  readonly process?: ProcessRecord;
  readonly executable?: Buffer;
  readonly directory?: Buffer;
  readonly filename?: Buffer;
  /** With the NULs that end them, as they stand in memory. */
  readonly args?: Buffer;
  readonly argc?: number;
  readonly argsSize?: number;
}

const NONE = Buffer.alloc(0);

function putHeader(record: Buffer, kind: number, header: HeaderRecord): void {
  record.writeUInt32LE(record.length, 0);
  record.writeUInt16LE(kind, 4);
  record.writeUInt16LE(header.flags ?? 0, 6);
  record.writeBigUInt64LE(header.boottime ?? 0n, 16);
  record.writeBigUInt64LE(header.cgroup ?? 0n, 24);
}

function putProcess(record: Buffer, process: ProcessRecord): void {
  const at = HEADER_SIZE;
  record.writeBigUInt64LE(process.start ?? 0n, at);
  record.writeBigUInt64LE(process.parentStart ?? 0n, at + 8);
  record.writeBigUInt64LE(process.leaderStart ?? 0n, at + 16);
  record.writeBigUInt64LE(process.sessionStart ?? 0n, at + 24);
  record.writeUInt32LE(process.pid ?? 0, at + 32);
  record.writeUInt32LE(process.pid ?? 0, at + 36);
  record.writeUInt32LE(process.parentPid ?? 0, at + 40);
  record.writeUInt32LE(process.leaderPid ?? 0, at + 44);
  record.writeUInt32LE(process.sessionPid ?? 0, at + 48);
  const ids = [...(process.uids ?? [0, 0, 0]), ...(process.gids ?? [0, 0, 0])];
  for (const [index, id] of ids.entries()) record.writeUInt32LE(id, at + 52 + 4 * index);
  record.writeUInt16LE(process.terminal?.[0] ?? 0, at + 76);
  record.writeUInt16LE(process.terminal?.[1] ?? 0, at + 78);
  (process.comm ?? NONE).copy(record, at + 80, 0, 16);
  (process.parentComm ?? NONE).copy(record, at + 96, 0, 16);
  (process.leaderComm ?? NONE).copy(record, at + 112, 0, 16);
  (process.sessionComm ?? NONE).copy(record, at + 128, 0, 16);
}

export function execRecord(exec: ExecRecord): Buffer {
  const texts = [exec.executable, exec.directory, exec.filename, exec.args].map((text) => text ?? NONE);
  const record = Buffer.alloc(EXEC_SIZE + texts.reduce((sum, text) => sum + text.length, 0));
  putHeader(record, CLASS.exec, exec);
  putProcess(record, exec.process ?? {});
  record.writeBigUInt64LE(exec.inode ?? 0n, 184);
  record.writeUInt32LE(exec.argc ?? 0, 200);
  record.writeUInt32LE(exec.argsSize ?? 0, 204);
  let at = EXEC_SIZE;
  for (const [index, text] of texts.entries()) {
    record.writeUInt16LE(at, 212 + 4 * index);
    record.writeUInt16LE(text.length, 214 + 4 * index);
    text.copy(record, at);
    at += text.length;
  }
  return record;
}

export function forkRecord(process: ProcessRecord, header: HeaderRecord = {}): Buffer {
  const record = Buffer.alloc(FORK_SIZE);
  putHeader(record, CLASS.fork, header);
  putProcess(record, process);
  return record;
}

export function exitRecord(status: number, process: ProcessRecord = {}, header: HeaderRecord = {}): Buffer {
  const record = Buffer.alloc(EXIT_SIZE);
  putHeader(record, CLASS.exit, header);
  putProcess(record, process);
  record.writeUInt32LE(status, 184);
  return record;
}

/** Records one after the other, each at a multiple of 8, as the addon takes them. */
export function inRow(records: readonly Buffer[]): Buffer {
  return Buffer.concat(records.flatMap((record) => [record, Buffer.alloc((8 - (record.length % 8)) % 8)]));
}
