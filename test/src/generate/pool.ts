// The values that generated queries and generated events both draw from, so that they often meet. Small on purpose, and
// made of the values where implementations differ.

export const CATEGORIES: readonly string[] = ["process", "file", "network"];

export const TEXTS: readonly string[] = [
  "",
  "a",
  "A",
  "ab",
  "aab",
  "cmd.exe",
  "CMD.EXE",
  "powershell.exe",
  "C:\\Windows\\System32\\cmd.exe",
  "c:\\windows\\SYSTEM32\\svchost.exe",
  "/usr/bin/bash",
  "bash -c \"echo 'x'\"",
  "a*b",
  "a?b",
  "*",
  "true",
  "false",
  "1",
  "-42",
  "0x1F",
  "1.5",
  "1.0",
  "10.0.0.1",
  // Letters whose folding is not that of ASCII: Kelvin sign, long s, sharp s, dotted and dotless i, sigmas, a ligature.
  "k",
  "\u212a",
  "s",
  "\u017f",
  "stra\u00dfe",
  "STRA\u1e9eE",
  "strasse",
  "i",
  "\u0130",
  "\u0131",
  "\u03c3\u03c2",
  "\u03a3\u03a3",
  "\u01c5",
  "\u01c6",
  "\u00e9t\u00e9",
  "\u00c9T\u00c9",
  // Beyond the basic plane: two UTF-16 units, four bytes. Deseret has upper and lower case.
  "\u{1f600}",
  "a\u{1f600}b",
  "\u{10400}",
  "\u{10428}",
  "line\nbreak\ttab",
  "\u0000",
  "\uffff",
];

export const LONGS: readonly bigint[] = [
  0n,
  1n,
  2n,
  3n,
  -1n,
  -7n,
  4n,
  31n,
  80n,
  443n,
  1000n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];

export const DOUBLES: readonly number[] = [0, 0.5, 1, -1, 1.5, 2, -7.25, 0.1, 0.30000000000000004, 1e21, 1e-7, 2 ** 53];

/** Each with texts of the same address, or of none. */
export const ADDRESSES: readonly string[] = [
  "10.0.0.1",
  "10.1.2.3",
  "192.168.1.255",
  "172.16.0.1",
  "0.0.0.0",
  "255.255.255.255",
  "::1",
  "0:0:0:0:0:0:0:1",
  "::ffff:10.0.0.1",
  "::ffff:a00:1",
  "2001:db8::1",
  "2001:DB8:0:0::0001",
  "fe80::1",
];

export const RANGES: readonly string[] = [
  "10.0.0.0/8",
  "10.0.0.1/32",
  "10.1.2.3/16",
  "192.168.0.0/16",
  "0.0.0.0/0",
  "255.255.255.254/31",
  "::1/128",
  "2001:db8::/32",
  "fe80::/10",
  "::/0",
];

export const VERSIONS: readonly string[] = [
  "1.0.0",
  "1.2.4",
  "1.10.0",
  "1.2.4-alpha",
  "1.2.4-alpha.1",
  "1.2.4-beta.11",
  "1.2.4+build",
  "2.0.0-rc.1",
  "1.2",
  "bad",
];

/** ISO 8601 texts; some name the same instant. */
export const DATES: readonly string[] = [
  "2024-02-29T12:00:00Z",
  "2024-02-29T13:00:00+01:00",
  "2024-02-29T12:00:00.000000001Z",
  "2024-02-29T12:00:00.5",
  "2024-02-29",
  "1970-01-01T00:00:00Z",
  "1969-12-31T23:59:59.999Z",
  "2023-12-31T23:59:59.999999999-00:30",
];

export const MILLISECONDS: readonly bigint[] = [0n, -1n, 1709208000000n, 1709208000500n, 1709164800000n];
