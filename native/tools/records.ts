// Records as the kernel's programs write them, made by hand for tests and measurements. The offsets are those of native/src/record.h, which asserts them.

export const HEADER_SIZE = 40;
export const PROCESS_SIZE = 144;
export const EXEC_SIZE = 248;
export const FORK_SIZE = 184;
export const EXIT_SIZE = 192;

export const NETWORK_SIZE = 224;
export const DNS_SIZE = 232;
/** The fixed parts of records of files, and of others in the order of their classes. */
export const FILE_SIZE = 240;
export const ACTION_SIZES = {
  credential: 208,
  session: 184,
  ptrace: 224,
  memfd: 448,
  mmap: 208,
  signal: 224,
  module: 272,
};

export const CLASS = {
  ...{ exec: 0, fork: 1, exit: 2, credential: 3, session: 4, ptrace: 5, memfd: 6, mmap: 7, signal: 8, module: 9 },
  ...{ create: 10, modify: 11, open: 12, rename: 13, delete: 14, mode: 15 },
  ...{ connect: 16, accept: 17, disconnect: 18, bind: 19, listen: 20, dns: 21 },
} as const;
export const FLAG = {
  argsCut: 1,
  argsUnread: 2,
  executableCut: 4,
  directoryCut: 8,
  pathTorn: 16,
  unlinked: 32,
  script: 64,
  filenameCut: 128,
  pathCut: 256,
  pathUnread: 1024,
  mappingUnknown: 2048,
} as const;

/** The one flag of records of DNS. */
export const PACKET_CUT = 1 << 14;

/** A host whose users and groups have no names, and where no process is found but by records. */
export const HOST = {
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
  /** With the NULs that end them. */
  readonly environment?: Buffer;
  readonly capabilities?: { readonly effective: bigint; readonly permitted: bigint };
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
  const texts = [exec.executable, exec.directory, exec.filename, exec.args, exec.environment].map(
    (text) => text ?? NONE,
  );
  const record = Buffer.alloc(EXEC_SIZE + texts.reduce((sum, text) => sum + text.length, 0));
  putHeader(record, CLASS.exec, exec);
  putProcess(record, exec.process ?? {});
  record.writeBigUInt64LE(exec.inode ?? 0n, 184);
  record.writeUInt32LE(exec.argc ?? 0, 200);
  record.writeUInt32LE(exec.argsSize ?? 0, 204);
  record.writeBigUInt64LE(exec.capabilities?.effective ?? 0n, 232);
  record.writeBigUInt64LE(exec.capabilities?.permitted ?? 0n, 240);
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

/** The two ends of a socket; what is not given is 0. An address has 4 bytes or 16. */
export interface EndsRecord {
  readonly local?: readonly [address: Buffer, port: number];
  readonly remote?: readonly [address: Buffer, port: number];
  readonly version?: 4 | 6;
  readonly protocol?: "tcp" | "udp";
  readonly incoming?: boolean;
  readonly answer?: boolean;
}

function putEnds(record: Buffer, ends: EndsRecord): void {
  const at = HEADER_SIZE + PROCESS_SIZE;
  ends.local?.[0].copy(record, at, 0, 16);
  ends.remote?.[0].copy(record, at + 16, 0, 16);
  record.writeUInt16LE(ends.local?.[1] ?? 0, at + 32);
  record.writeUInt16LE(ends.remote?.[1] ?? 0, at + 34);
  record.writeUInt8(ends.version ?? 4, at + 36);
  record.writeUInt8(ends.protocol === "udp" ? 17 : 6, at + 37);
  record.writeUInt8(ends.incoming ? 1 : 0, at + 38);
  record.writeUInt8(ends.answer ? 1 : 0, at + 39);
}

export type SocketClass = "connect" | "accept" | "disconnect" | "bind" | "listen";

export function socketRecord(kind: SocketClass, ends: EndsRecord, header: HeaderRecord = {}): Buffer {
  const record = Buffer.alloc(NETWORK_SIZE);
  putHeader(record, CLASS[kind], header);
  putProcess(record, {});
  putEnds(record, ends);
  return record;
}

export interface DnsRecord extends EndsRecord, HeaderRecord {
  /** How long the packet was, where it is cut. */
  readonly packetSize?: number;
}

export function dnsRecord(packet: Buffer, dns: DnsRecord = {}): Buffer {
  const record = Buffer.alloc(DNS_SIZE + packet.length);
  putHeader(record, CLASS.dns, dns);
  putProcess(record, {});
  putEnds(record, { protocol: "udp", ...dns });
  record.writeUInt16LE(DNS_SIZE, 224);
  record.writeUInt16LE(packet.length, 226);
  record.writeUInt32LE(dns.packetSize ?? packet.length, 228);
  packet.copy(record, DNS_SIZE);
  return record;
}

/** What a record of a file says that it knows: bits of kestrel_file_knows. */
export const KNOWS = { inode: 1, permissions: 2, given: 4, followed: 8, originalGiven: 16 } as const;

export interface FileRecord extends HeaderRecord {
  readonly process?: ProcessRecord;
  readonly mode?: number;
  readonly what?: number;
  readonly knows?: number;
  readonly inode?: bigint;
  readonly size?: bigint;
  readonly path?: Buffer;
  readonly base?: Buffer;
  readonly original?: Buffer;
  readonly originalBase?: Buffer;
}

export function fileRecord(kind: number, file: FileRecord): Buffer {
  const texts = [file.path, file.base, file.original, file.originalBase].map((text) => text ?? NONE);
  const record = Buffer.alloc(FILE_SIZE + texts.reduce((sum, text) => sum + text.length, 0));
  putHeader(record, kind, file);
  putProcess(record, file.process ?? {});
  record.writeBigUInt64LE(file.inode ?? 0n, 184);
  record.writeBigUInt64LE(file.size ?? 0n, 192);
  record.writeUInt16LE(file.mode ?? 0, 216);
  record.writeUInt16LE(file.what ?? 0, 218);
  record.writeUInt16LE(file.knows ?? 0, 220);
  let at = FILE_SIZE;
  for (const [index, text] of texts.entries()) {
    record.writeUInt16LE(at, 224 + 4 * index);
    record.writeUInt16LE(text.length, 226 + 4 * index);
    text.copy(record, at);
    at += text.length;
  }
  return record;
}

/** A record of a class of a fixed size, whose part behind the process `fill` writes. */
export function actionRecord(
  kind: keyof typeof ACTION_SIZES,
  fill: (record: Buffer) => void = () => undefined,
  header: HeaderRecord = {},
): Buffer {
  const record = Buffer.alloc(ACTION_SIZES[kind]);
  putHeader(record, CLASS[kind], header);
  putProcess(record, {});
  fill(record);
  return record;
}

/** Records one after the other, each at a multiple of 8, as the addon takes them. */
export function inRow(records: readonly Buffer[]): Buffer {
  return Buffer.concat(records.flatMap((record) => [record, Buffer.alloc((8 - (record.length % 8)) % 8)]));
}
