// W0501: over a stream that never ends the last matches are not known and nothing can be sorted or counted, so the pipes that
// ask for that are left out of a package with what follows them.

import { streamPipes } from "../plan/plan-pack.js";
import { type Lint, warning } from "./lint-input.js";

export const pipesInStream: Lint = {
  code: "W0501",
  run: ({ query: { pipes } }) =>
    pipes
      .slice(streamPipes(pipes.map(({ name }) => ({ kind: name }))))
      .map(({ name, span }, index) =>
        warning(
          "W0501",
          span,
          index === 0
            ? `the pipe \`${name}\` has no meaning in a package: every match alerts`
            : `the pipe \`${name}\` is left out with the one before it`,
          "take the pipe away; `eqlc query` applies it to recorded events",
        ),
      ),
};
