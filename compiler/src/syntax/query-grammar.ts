// Tokens to queries: the half of EQL's grammar that has terms, pipes and definitions.
// A bracketed term, a body or a pipe that cannot be read is skipped as a whole, so that what follows is still checked.

import type { IToken } from "chevrotain";
import type { Expr, Join, Pipe, Query, QueryBody, Sample, Sequence, Term } from "./ast.js";
import {
  checkAlias,
  checkDefinition,
  checkFork,
  checkHeaderOrder,
  checkPipeValue,
  cover,
  misplaced,
  repeated,
} from "./checks.js";
import { EOF } from "./chevrotain.js";
import { AN_OPERATOR, ExpressionGrammar } from "./expression-grammar.js";
import { checkForeignPipe } from "./foreign-calls.js";
import { tokenSpan } from "./lex.js";
import { durationOf, type Header, runsOf, type Stages, stagesOf } from "./nodes.js";
import * as t from "./tokens.js";
import { findTooDeep } from "./walk.js";

const A_BODY = "an event category, `any`, `sequence` or `sample`";

interface Suffixes {
  by: Expr[];
  runs: number;
  fork: boolean;
  alias: Term["alias"];
  seen: Set<string>;
}

class QueryGrammar extends ExpressionGrammar {
  /** The sequence, sample or join that is being read. */
  private started: Pick<Stages, "keyword" | "header" | "terms"> | null = null;

  constructor() {
    super();
    this.performSelfAnalysis();
  }

  readonly query = this.RULE("query", (): Query => {
    this.ACTION(() => {
      this.started = null;
    });
    this.MANY({
      GATE: () =>
        this.LA(1).tokenType === t.Const || this.LA(1).tokenType === t.Macro ? this.LA(2).tokenType !== t.Where : false,
      DEF: () => this.SUBRULE(this.definition),
    });
    const begin = this.ACTION(() => this.LA(1).startOffset || 0);
    const body =
      this.guarded(
        () => this.SUBRULE(this.body),
        () => this.nextPipe() ?? "end",
      ) ?? this.unreadBody(begin);
    this.ACTION(() => {
      const stages = body !== null && body.kind !== "event";
      this.atEnd = stages ? "another term, `until` or `|`" : `\`|\` or ${AN_OPERATOR}`;
    });
    const pipes: Pipe[] = [];
    this.MANY2(() => {
      const bar = this.CONSUME(t.Pipe);
      const pipe = this.guarded(
        () => this.SUBRULE(this.pipe),
        () => this.nextPipe() ?? "end",
      );
      if (pipe !== null) pipes.push(pipe);
      // The bar may be what is wrong, so what stands before it is not certain either.
      else this.unreadNode(this.startBefore(bar));
    });
    return this.ACTION(() => {
      const span = cover(body.span, pipes.at(-1)?.span ?? body.span);
      return {
        kind: "query",
        dialect: this.reading.dialect,
        body,
        pipes,
        unread: this.reading.unread,
        paired: this.lexed.balanced,
        span,
      };
    });
  });

  /** What is known of a body that could not be read to its end. */
  private unreadBody(begin: number): QueryBody {
    const started = this.started;
    // A bar that could not be read where it stands may not begin a pipe either.
    if (this.LA(1).tokenType === t.Pipe)
      this.reading.unread.push(
        cover(tokenSpan(this.LA(1)), tokenSpan(this.LA(2).tokenType === EOF ? this.LA(1) : this.LA(2))),
      );
    if (started === null) return this.unreadEvent(begin);
    const { end } = this.unreadNode(tokenSpan(this.LA(0)).start).span;
    const body = stagesOf(this.reading, { ...started, untilKeyword: null, until: null, last: started.keyword });
    // The span takes in the terms that could not be read, so nothing is reported of the sequence as a whole: that it
    // has one term only, say, when another stands in the text.
    return { ...body, span: { start: body.span.start, end } };
  }

  readonly condition = this.RULE("condition", (): Expr | null => this.SUBRULE(this.expression).expr);

  protected readonly definition = this.RULE("definition", () => {
    this.OR([
      {
        ALT: () => {
          const start = this.CONSUME(t.Const);
          const name = this.CONSUME(t.Name);
          this.CONSUME(t.SingleEquals);
          const value = this.SUBRULE(this.constant);
          this.ACTION(() => {
            if (this.define(start, name)) this.definitions.constants.set(name.image, value);
          });
        },
      },
      {
        ALT: () => {
          const start = this.CONSUME(t.Macro);
          const name = this.CONSUME2(t.Name);
          this.CONSUME(t.LParen);
          const parameters: string[] = [];
          this.MANY_SEP({ SEP: t.Comma, DEF: () => parameters.push(this.CONSUME3(t.Name).image) });
          this.CONSUME(t.RParen);
          this.ACTION(() => {
            this.parameters = new Set(parameters);
          });
          const body = this.SUBRULE(this.expression).expr;
          this.ACTION(() => {
            this.parameters = new Set();
            if (!this.define(start, name)) return;
            if (findTooDeep(body) === null) this.definitions.macros.set(name.image, { parameters, body });
            else this.report("E0206", tokenSpan(name), "The macro's body is nested too deeply.");
          });
        },
      },
    ]);
  });

  private define(start: IToken, name: IToken): boolean {
    checkDefinition(this.reading, start, name);
    const { constants, macros } = this.definitions;
    if (!constants.has(name.image) && !macros.has(name.image)) return true;
    misplaced(this.reading, tokenSpan(name), `\`${name.image}\` is already defined.`);
    return false;
  }

  protected readonly body = this.RULE(
    "body",
    (): QueryBody =>
      this.OR({
        DEF: [{ ALT: () => this.SUBRULE(this.stages) }, { ALT: () => this.SUBRULE(this.event) }],
        ERR_MSG: A_BODY,
      }),
  );

  protected readonly stages = this.RULE("stages", (): Sequence | Sample | Join => {
    const keyword = this.CONSUME(t.StagesKeyword);
    const header = this.SUBRULE(this.header);
    const terms: Term[] = [];
    this.ACTION(() => {
      this.started = { keyword, header, terms };
    });
    this.AT_LEAST_ONE({
      DEF: () => terms.push(this.SUBRULE(this.term)),
      ERR_MSG: "a term in brackets, `[category where condition]`",
    });
    let untilKeyword: IToken | null = null;
    let until: Term | null = null;
    this.OPTION(() => {
      untilKeyword = this.CONSUME(t.Until);
      until = this.SUBRULE2(this.term);
    });
    return this.ACTION(() => stagesOf(this.reading, { keyword, header, terms, untilKeyword, until, last: this.LA(0) }));
  });

  protected readonly header = this.RULE("header", (): Header => {
    const header: Header = { by: [], maxspan: null, maxspanSpan: null };
    let seenBy = false;
    this.MANY(() =>
      this.OR([
        {
          ALT: () => {
            const by = this.CONSUME(t.By);
            const keys = this.SUBRULE(this.keys);
            this.ACTION(() => {
              if (seenBy) repeated(this.reading, by);
              else checkHeaderOrder(this.reading, header.maxspanSpan, by, this.LA(0));
              seenBy = true;
              header.by = keys;
            });
          },
        },
        {
          ALT: () => {
            const start = this.CONSUME(t.With);
            this.CONSUME(t.Maxspan);
            this.CONSUME(t.SingleEquals);
            const maxspan = this.SUBRULE(this.duration);
            this.ACTION(() => {
              if (header.maxspanSpan !== null) repeated(this.reading, start);
              header.maxspanSpan = cover(tokenSpan(start), tokenSpan(this.LA(0)));
              header.maxspan = maxspan;
            });
          },
        },
      ]),
    );
    return header;
  });

  protected readonly keys = this.RULE("keys", (): Expr[] => {
    const keys: Expr[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: t.Comma,
      DEF: () => keys.push(this.SUBRULE(this.expression).expr),
      ERR_MSG: "a field to join by",
    });
    return keys;
  });

  protected readonly duration = this.RULE("duration", (): Sequence["maxspan"] => {
    const number = this.OR({
      DEF: [{ ALT: () => this.CONSUME(t.Integer) }, { ALT: () => this.CONSUME(t.Decimal) }],
      ERR_MSG: "a duration such as `30s` or `5m`",
    });
    let unit: IToken | null = null;
    this.OPTION(() => {
      unit = this.CONSUME(t.Name);
    });
    return this.ACTION(() => durationOf(this.reading, number, unit));
  });

  protected readonly term = this.RULE("term", (): Term => {
    const open = this.CONSUME(t.OpenTerm);
    const query = this.bracketed(open, () => this.lexed.closers.get(open));
    const suffixes = this.SUBRULE(this.suffixes);
    return this.ACTION(() => {
      const { by, runs, fork, alias } = suffixes;
      const span = cover(tokenSpan(open), tokenSpan(this.LA(0)));
      return { query, by, missing: open.tokenType === t.MissingBracket, runs, fork, alias, span };
    });
  });

  protected readonly suffixes = this.RULE("suffixes", (): Suffixes => {
    const found: Suffixes = { by: [], runs: 1, fork: false, alias: null, seen: new Set() };
    const once = (token: IToken) => {
      if (found.seen.has(token.image)) repeated(this.reading, token);
      found.seen.add(token.image);
    };
    this.MANY(() =>
      this.OR([
        {
          ALT: () => {
            const by = this.CONSUME(t.By);
            const keys = this.SUBRULE(this.keys);
            this.ACTION(() => {
              once(by);
              found.by = keys;
            });
          },
        },
        {
          ALT: () => {
            const start = this.CONSUME(t.With);
            this.CONSUME(t.Runs);
            this.CONSUME(t.SingleEquals);
            const count = this.CONSUME(t.Integer);
            this.ACTION(() => {
              once(start);
              found.runs = runsOf(this.reading, start, count);
            });
          },
        },
        {
          ALT: () => {
            const start = this.CONSUME(t.As);
            const name = this.CONSUME(t.Name);
            this.ACTION(() => {
              once(start);
              checkAlias(this.reading, start, name);
              found.alias = { name: name.image, span: tokenSpan(name) };
            });
          },
        },
        {
          ALT: () => {
            const fork = this.CONSUME(t.Fork);
            let value = true;
            this.OPTION(() => {
              this.CONSUME2(t.SingleEquals);
              value = this.OR2({
                DEF: [{ ALT: () => this.CONSUME(t.True) !== null }, { ALT: () => this.CONSUME(t.False) === null }],
                ERR_MSG: "`true` or `false`",
              });
            });
            this.ACTION(() => {
              once(fork);
              checkFork(this.reading, fork, this.LA(0));
              found.fork = value;
            });
          },
        },
      ]),
    );
    return found;
  });

  protected readonly pipe = this.RULE("pipe", (): Pipe => {
    const name = this.CONSUME(t.Name);
    const args: Expr[] = [];
    this.OPTION(() => {
      args.push(this.SUBRULE(this.expression).expr);
      this.MANY(() => {
        const before = this.ACTION(() => tokenSpan(this.LA(0)));
        let comma = false;
        this.OPTION2(() => {
          this.CONSUME(t.Comma);
          comma = true;
        });
        const arg = this.SUBRULE2(this.expression);
        this.ACTION(() => {
          if (!comma) checkPipeValue(this.reading, before, arg.span);
          args.push(arg.expr);
        });
      });
    });
    return this.ACTION(() => {
      const nameSpan = tokenSpan(name);
      checkForeignPipe(this.reading, name.image, nameSpan);
      return { name: name.image, nameSpan, args, span: cover(nameSpan, tokenSpan(this.LA(0))) };
    });
  });

  private nextPipe(): IToken | undefined {
    const { tokens } = this.lexed;
    const from = this.LA(1).startOffset;
    return tokens.find((token) => token.tokenType === t.Pipe && token.startOffset >= from);
  }
}

let parser: QueryGrammar | null = null;

/** The one parser; reading is synchronous, so queries can share it. */
export function sharedParser(): QueryGrammar {
  parser ??= new QueryGrammar();
  return parser;
}
