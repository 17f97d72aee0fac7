// Tokens to expressions and event queries: the half of EQL's grammar that knows no terms, as a Chevrotain parser that
// builds the tree while it reads. Both dialects are read by one grammar; what belongs to the other one is reported
// (`checks.ts`) and read all the same. Code that looks into tokens or results stands in ACTION, because Chevrotain
// runs every rule once with blank tokens to learn the grammar.

import type { IToken, TokenType } from "chevrotain";
import type { Dialect, EventQuery, Expr, FieldRef, Lineage, Literal, Match, Span, Unread } from "./ast.js";
import {
  chainedComparison,
  checkIndex,
  checkMatchOperator,
  checkMethod,
  checkName,
  checkOptional,
  checkSingleEquals,
  checkTilde,
  checkTrailingComma,
  cover,
  misplaced,
  misplacedPrefix,
  type Reading,
} from "./checks.js";
import { EmbeddedActionsParser, EOF } from "./chevrotain.js";
import { checkForeignCall } from "./foreign-calls.js";
import { type Lexed, tokenSpan } from "./lex.js";
import { type Definitions, expandMacro, noDefinitions } from "./macros.js";
import { MESSAGES } from "./messages.js";
import { backtickParts, categoryOf, literalOf } from "./nodes.js";
import {
  addBinary,
  addMatch,
  addOperand,
  addPrefix,
  type BinaryOp,
  closedOperands,
  finishExpression,
  type Operand,
  type Partial,
  PRECEDENCE,
  startExpression,
} from "./operators.js";
import { addError, noProblems, type Problems } from "./problems.js";
import * as t from "./tokens.js";
import { operandsOf } from "./walk.js";

const RELATIONS = new Set(["descendant", "child", "event"]);
/** After so many terms or pipes that cannot be read, the rest of the query is not looked at. */
export const MAX_RECOVERIES = 50;

/** What may follow an expression that could go on. */
export const AN_OPERATOR = "an operator such as `and`, `or` or `==`";
const A_VALUE = "a field, a value or a function";
const A_CONSTANT = "a string, a number or a list of them in brackets";

/** What may follow an operand, or the place where one is missing. */
const BEHIND_OPERAND: readonly TokenType[] = [t.And, t.Or, t.RParen, t.RBracket, t.Comma, t.Pipe, EOF];

/** A variable means something inside its search only. */
function holdsVariable(root: Expr): boolean {
  const pending: Expr[] = [root];
  for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
    if (expr.kind === "field" && expr.variable) return true;
    if (expr.kind === "binary") pending.push(expr.left, expr.right);
    else pending.push(...operandsOf(expr));
  }
  return false;
}

function isRelation(word: string): word is Lineage["relation"] {
  return RELATIONS.has(word);
}

function isBinaryOp(image: string): image is BinaryOp {
  return Object.hasOwn(PRECEDENCE, image) && image !== "not" && image !== "sign";
}

function isMatchOp(image: string): image is Match["op"] {
  return [":", "like", "like~", "regex", "regex~", "in", "in~"].includes(image);
}

/** The rules of expressions, and the state of one reading. A subclass adds its rules and calls performSelfAnalysis. */
export class ExpressionGrammar extends EmbeddedActionsParser {
  protected reading: Reading = { text: "", dialect: "elastic", problems: noProblems(), unread: [] };
  protected lexed: Lexed = {
    tokens: [],
    problems: noProblems(),
    directives: [],
    closers: new Map(),
    balanced: true,
    unread: [],
    fatal: false,
  };
  protected definitions: Definitions = noDefinitions();
  protected parameters: ReadonlySet<string> = new Set();
  protected atEnd = "";
  /** What was read of expressions that then could not be read to their end, until an error node takes it. */
  private salvaged: Expr[] = [];
  /** The category of the event query that could not be read to its end. */
  private category: Pick<EventQuery, "category" | "categorySpan"> | null = null;

  constructor() {
    super(t.VOCABULARY, { maxLookahead: 2, skipValidations: true, errorMessageProvider: MESSAGES });
  }

  /** Sets the tokens to be read by the next call of a rule. */
  begin(text: string, dialect: Dialect, lexed: Lexed): void {
    this.reading = { text, dialect, problems: noProblems(), unread: [...lexed.unread] };
    this.salvaged = [];
    this.category = null;
    this.lexed = lexed;
    this.definitions = noDefinitions();
    this.parameters = new Set();
    this.atEnd = AN_OPERATOR;
    this.input = lexed.tokens;
  }

  /** What could have stood where the statement ended, for the message about what stands there instead. */
  get expectedAtEnd(): string {
    return this.atEnd;
  }

  /** Ranges that were not understood, or not for certain. */
  get unread(): readonly Span[] {
    return this.reading.unread;
  }

  /** Notes that the text from `token` on, and what stands before it, was not understood. */
  distrustFrom(token: IToken): void {
    const { tokens } = this.lexed;
    // In `process where a | b == 1` the parser takes what stands behind the bar for a pipe. The bar may be what is
    // wrong, so the doubt begins before it.
    const bar = tokens.slice(0, tokens.indexOf(token)).findLast(({ tokenType }) => tokenType === t.Pipe);
    this.reading.unread.push({ start: this.startBefore(bar ?? token), end: this.reading.text.length });
  }

  /** Where what stands directly before this token starts, whatever brackets close between them. */
  protected startBefore(token: IToken): number {
    const { tokens } = this.lexed;
    let at = tokens.indexOf(token) - 1;
    while (tokens[at]?.tokenType === t.RParen || tokens[at]?.tokenType === t.RBracket) at--;
    return tokens[at]?.startOffset ?? 0;
  }

  /** What was reported without stopping the parser. */
  get reported(): Problems {
    return this.reading.problems;
  }

  protected report(code: string, span: Span, message: string, help?: string): void {
    addError(this.reading.problems, code, span, message, help);
  }

  protected trailingComma(comma: IToken): void {
    this.ACTION(() => checkTrailingComma(this.reading, comma));
  }

  /**
   * Reads with `read`; when that fails, skips to where `stop` holds, if it ever does, and gives null. The failure itself
   * has been saved by Chevrotain when it was thrown.
   */
  protected guarded<T>(read: () => T, stop: () => IToken | "end" | undefined): T | null {
    try {
      return read();
    } catch (failure) {
      const target = this.RECORDING_PHASE || this.errors.length > MAX_RECOVERIES ? undefined : stop();
      if (target === undefined) throw failure;
      while (this.LA(1) !== target && this.LA(1).tokenType !== EOF) this.SKIP_TOKEN();
      if (target !== "end" && this.LA(1) !== target) throw failure;
      return null;
    }
  }

  /**
   * Reads what stands behind the bracket `open`, the closing one included, into `values`. Gives null when all of it could be
   * read; otherwise skips to behind the closing bracket and gives an error node, which takes the place of the last value,
   * because what stopped the parser may have belonged to that. Where some bracket has no partner, nothing is skipped: the
   * parser may have lost its place.
   */
  private inBrackets(open: IToken, values: Expr[], read: () => void): Unread | null {
    const done = this.guarded(
      () => {
        read();
        return true;
      },
      () => (this.lexed.balanced ? this.lexed.closers.get(open) : undefined),
    );
    if (done !== null) return null;
    const last = values.pop();
    if (last !== undefined) this.salvage(last);
    const node = this.unreadNode(last?.span.start ?? tokenSpan(open).end);
    this.SKIP_TOKEN();
    return node;
  }

  /**
   * Keeps the left operand of the expression's last operator: the parser did not get past the expression, but past
   * that.
   */
  protected salvage(expr: Expr): void {
    if (expr.kind === "binary") this.salvaged.unshift(expr.left);
  }

  /** The event query and the bracket that closes it, or what is known of it, up to the bracket that `stop` gives. */
  protected bracketed(open: IToken, stop: () => IToken | undefined): EventQuery {
    let event: EventQuery | null = null;
    const read = this.guarded(() => {
      event = this.SUBRULE(this.event);
      this.CONSUME(t.RBracket);
      return event;
    }, stop);
    return read ?? this.unreadBracketed(open, event);
  }

  private unreadBracketed(open: IToken, event: EventQuery | null): EventQuery {
    if (event !== null) {
      this.salvage(event.condition);
      this.category = event;
    }
    const query = this.unreadEvent(tokenSpan(open).end);
    this.SKIP_TOKEN();
    return query;
  }

  /** Whether an operand is missing where the parser stands, so that it can go on as if one stood there. */
  private lacksOperand(): boolean {
    if (this.RECORDING_PHASE || !this.lexed.balanced || this.errors.length > MAX_RECOVERIES) return false;
    return BEHIND_OPERAND.includes(this.LA(1).tokenType);
  }

  /** An error node from `start` to the next token, with what was salvaged on the way. */
  protected unreadNode(start: number): Unread {
    const read = this.salvaged.filter((expr) => !holdsVariable(expr));
    this.salvaged = [];
    const next = this.LA(1);
    const end = next.tokenType === EOF ? this.reading.text.length : next.startOffset;
    const known = Math.max(start, ...read.map(({ span }) => span.end));
    this.reading.unread.push({ start: known, end });
    return { kind: "error", read, span: { start, end } };
  }

  /** The event query that was not read to its end, as far as it was. */
  protected unreadEvent(start: number): EventQuery {
    const condition = this.unreadNode(start);
    const { category, categorySpan } = this.category ?? { category: null, categorySpan: condition.span };
    this.category = null;
    return { kind: "event", category, categorySpan, condition, span: cover(categorySpan, condition.span) };
  }

  protected readonly event = this.RULE("event", (): EventQuery => {
    const token = this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Name) },
        { ALT: () => this.CONSUME(t.StringLiteral) },
        { ALT: () => this.CONSUME(t.Backtick) },
      ],
      ERR_MSG: "an event category or `any`",
    });
    this.CONSUME(t.Where);
    const named = this.ACTION(() => ({
      category: categoryOf(this.reading, token),
      categorySpan: tokenSpan(token),
    }));
    let condition: Operand;
    try {
      condition = this.SUBRULE(this.expression);
    } catch (failure) {
      this.category = named;
      throw failure;
    }
    return this.ACTION(() => {
      const span = cover(named.categorySpan, condition.span);
      return { kind: "event", ...named, condition: condition.expr, span };
    });
  });

  protected readonly expression = this.RULE("expression", (): Operand => {
    const partial = startExpression();
    try {
      return this.readExpression(partial);
    } catch (failure) {
      if (!this.RECORDING_PHASE) this.salvaged.push(...closedOperands(partial, tokenSpan(this.LA(0)).end));
      throw failure;
    }
  });

  private readExpression(partial: Partial): Operand {
    const prefix = (token: IToken) =>
      this.ACTION(() => {
        const op = token.tokenType === t.Not ? "not" : token.tokenType === t.Minus ? "-" : "+";
        const placed = addPrefix(partial, op, tokenSpan(token), this.reading.dialect);
        if (!placed) misplacedPrefix(this.reading, token);
      });

    this.MANY(() => prefix(this.OR([{ ALT: () => this.CONSUME(t.Not) }, { ALT: () => this.CONSUME(t.Sign) }])));
    const first = this.SUBRULE(this.operand);
    this.ACTION(() => addOperand(partial, first));
    this.MANY2(() =>
      this.OR2([
        {
          ALT: () => {
            const operator = this.CONSUME(t.BinaryOperator);
            this.ACTION(() => {
              const opSpan = tokenSpan(operator);
              const sound = addBinary(partial, this.binaryOp(operator), opSpan, this.reading.dialect);
              if (!sound) this.chained(partial, opSpan);
            });
            this.MANY3(() =>
              prefix(this.OR3([{ ALT: () => this.CONSUME2(t.Not) }, { ALT: () => this.CONSUME2(t.Sign) }])),
            );
            const operand = this.SUBRULE2(this.operand);
            this.ACTION(() => addOperand(partial, operand));
          },
        },
        {
          ALT: () => {
            let not: IToken | null = null;
            this.OPTION(() => {
              not = this.CONSUME3(t.Not);
            });
            const operator = this.CONSUME(t.InOperator);
            const values = this.SUBRULE(this.list);
            this.ACTION(() => {
              const opSpan = cover(tokenSpan(not ?? operator), tokenSpan(operator));
              const op = operator.tokenType === t.InTilde ? "in~" : "in";
              checkTilde(this.reading, operator);
              const match = { op, negated: not !== null, values, opSpan, end: tokenSpan(this.LA(0)).end } as const;
              if (!addMatch(partial, match, this.reading.dialect)) this.chained(partial, opSpan);
            });
          },
        },
        {
          ALT: () => {
            const operator = this.CONSUME(t.MatchOperator);
            const values = this.SUBRULE(this.matchValues);
            this.ACTION(() => {
              const op = isMatchOp(operator.image) ? operator.image : ":";
              const opSpan = tokenSpan(operator);
              const { end } = tokenSpan(this.LA(0));
              checkMatchOperator(this.reading, operator, values, partial.operands.at(-1)?.span ?? null, end);
              const match = { op, negated: false, values, opSpan, end };
              if (!addMatch(partial, match, this.reading.dialect)) this.chained(partial, opSpan);
            });
          },
        },
      ]),
    );
    return this.ACTION(() => finishExpression(partial) ?? first);
  }

  private chained({ operands }: Partial, opSpan: Span): void {
    chainedComparison(this.reading, opSpan);
    // One of the operators is wrong, and nobody knows which.
    const start = operands.at(-1)?.span.start ?? opSpan.start;
    this.reading.unread.push({ start, end: Math.max(opSpan.end, tokenSpan(this.LA(1)).end || 0) });
  }

  private binaryOp(token: IToken): BinaryOp {
    const { image } = token;
    if (isBinaryOp(image)) return image;
    if (image === "&&") return "and";
    if (image === "||") return "or";
    checkSingleEquals(this.reading, token);
    return "==";
  }

  protected readonly list = this.RULE("list", (): Expr[] => {
    const values: Expr[] = [];
    const open = this.CONSUME(t.LParen);
    const lost = this.inBrackets(open, values, () => {
      this.OPTION(() => {
        values.push(this.SUBRULE(this.expression).expr);
        this.MANY({
          GATE: () => this.LA(2).tokenType !== t.RParen,
          DEF: () => {
            this.CONSUME(t.Comma);
            values.push(this.SUBRULE2(this.expression).expr);
          },
        });
        this.OPTION2(() => this.trailingComma(this.CONSUME2(t.Comma)));
      });
      this.CONSUME(t.RParen);
    });
    this.ACTION(() => {
      if (lost !== null) values.push(lost);
      if (values.length > 0) return;
      const span = cover(tokenSpan(open), tokenSpan(this.LA(0)));
      misplaced(this.reading, span, "The list is empty.", "Name at least one value.");
    });
    return values;
  });

  protected readonly matchValues = this.RULE("matchValues", (): Expr[] => {
    const values: Expr[] = [];
    this.OR({
      DEF: [
        {
          ALT: () => {
            const open = this.CONSUME(t.LParen);
            const lost = this.inBrackets(open, values, () => {
              values.push(this.SUBRULE(this.constant));
              this.MANY({
                // A comma that no bracket follows separates two values, whatever the second one is.
                MAX_LOOKAHEAD: 1,
                GATE: () => this.LA(2).tokenType !== t.RParen,
                DEF: () => {
                  this.CONSUME(t.Comma);
                  values.push(this.SUBRULE2(this.constant));
                },
              });
              this.OPTION(() => this.trailingComma(this.CONSUME2(t.Comma)));
              this.CONSUME(t.RParen);
            });
            if (lost !== null) values.push(lost);
          },
        },
        { ALT: () => values.push(this.SUBRULE3(this.constant)) },
      ],
      ERR_MSG: A_CONSTANT,
    });
    return values;
  });

  protected readonly constant = this.RULE("constant", (): Literal => {
    const token = this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.StringLiteral) },
        { ALT: () => this.CONSUME(t.Integer) },
        { ALT: () => this.CONSUME(t.Decimal) },
        { ALT: () => this.CONSUME(t.True) },
        { ALT: () => this.CONSUME(t.False) },
        { ALT: () => this.CONSUME(t.Null) },
      ],
      ERR_MSG: "a constant, such as a string or a number,",
    });
    return this.ACTION(() => literalOf(token));
  });

  protected readonly operand = this.RULE("operand", (): Operand => {
    const before = this.LA(0);
    let operand: Operand;
    try {
      operand = this.SUBRULE(this.primary);
    } catch (failure) {
      if (this.LA(0) !== before || !this.lacksOperand()) throw failure;
      const { end } = tokenSpan(before);
      // Before a comma or a bracket, the operator may be what is wrong, and then nothing is missing.
      const next = this.LA(1).tokenType;
      const start = next === t.Comma || next === t.RParen ? this.startBefore(before) : end;
      this.reading.unread.push({ start, end });
      return { expr: { kind: "error", read: [], span: { start: end, end } }, span: { start: end, end } };
    }
    this.MANY({
      GATE: () => this.LA(3).tokenType === t.LParen,
      DEF: () => {
        const receiver = operand;
        this.CONSUME(t.Colon);
        const name = this.CONSUME(t.Name);
        const args = this.SUBRULE(this.arguments);
        operand = this.ACTION(() => this.method(receiver, name, args));
      },
    });
    return operand;
  });

  protected readonly primary = this.RULE(
    "primary",
    (): Operand =>
      this.OR({
        DEF: [
          {
            ALT: () => {
              const literal = this.SUBRULE(this.constant);
              return { expr: literal, span: literal.span } as Operand;
            },
          },
          {
            ALT: () => {
              const open = this.CONSUME(t.LParen);
              const inside: Expr[] = [];
              const lost = this.inBrackets(open, inside, () => {
                inside.push(this.SUBRULE(this.expression).expr);
                this.CONSUME(t.RParen);
              });
              return this.ACTION(() => {
                const span = cover(tokenSpan(open), tokenSpan(this.LA(0)));
                const [expr] = inside;
                return { expr: lost ?? expr ?? { kind: "error", read: [], span }, span };
              });
            },
          },
          { ALT: () => this.SUBRULE(this.lineage) },
          { ALT: () => this.SUBRULE(this.call) },
          { ALT: () => this.SUBRULE(this.field) },
        ],
        ERR_MSG: A_VALUE,
      }),
  );

  protected readonly lineage = this.RULE("lineage", (): Operand => {
    const relation = this.CONSUME(t.Name);
    this.CONSUME(t.Of);
    const open = this.CONSUME(t.LBracket);
    const query = this.bracketed(open, () => (this.lexed.balanced ? this.lexed.closers.get(open) : undefined));
    return this.ACTION(() => {
      const word = relation.image;
      const span = cover(tokenSpan(relation), tokenSpan(this.LA(0)));
      if (isRelation(word)) return { expr: { kind: "lineage", relation: word, query, span }, span };
      const message = `Found the name \`${word}\` where \`descendant\`, \`child\` or \`event\` was expected.`;
      const meant = word.toLowerCase();
      const fix = isRelation(meant)
        ? { title: `Write \`${meant}\``, span: tokenSpan(relation), replacement: meant }
        : undefined;
      misplaced(this.reading, tokenSpan(relation), message, undefined, fix);
      return { expr: { kind: "lineage", relation: isRelation(meant) ? meant : "event", query, span }, span };
    });
  });

  protected readonly call = this.RULE("call", (): Operand => {
    const name = this.OR([{ ALT: () => this.CONSUME(t.TildeIdentifier) }, { ALT: () => this.CONSUME(t.Name) }]);
    const args = this.SUBRULE(this.arguments);
    return this.ACTION(() => {
      const span = cover(tokenSpan(name), tokenSpan(this.LA(0)));
      const insensitive = name.tokenType === t.TildeIdentifier;
      checkTilde(this.reading, name);
      checkName(this.reading, name);
      const macro = this.definitions.macros.get(name.image);
      if (macro !== undefined) return { expr: this.expand(name, macro.parameters.length, args, span), span };
      const written = insensitive ? name.image.slice(0, -1) : name.image;
      const expr = {
        kind: "call",
        name: written,
        nameSpan: tokenSpan(name),
        insensitive,
        method: false,
        args,
        span,
      } as const;
      checkForeignCall(this.reading, expr);
      return { expr, span };
    });
  });

  private expand(name: IToken, wanted: number, args: readonly Expr[], span: Span): Expr {
    const nothing: Unread = { kind: "error", read: args, span };
    const macro = this.definitions.macros.get(name.image);
    if (macro === undefined) return nothing;
    if (args.length !== wanted) {
      this.reading.unread.push(tokenSpan(name));
      this.report("E0304", span, `The macro \`${name.image}\` takes ${wanted} arguments, not ${args.length}.`);
      return nothing;
    }
    if (this.definitions.overflowed) return nothing;
    const expanded = expandMacro(macro, args, span, this.definitions);
    if (expanded !== null) return expanded;
    this.report("E0206", span, "The query's macros expand to too much text.", "Use fewer macros inside each other.");
    return nothing;
  }

  private method(receiver: Operand, name: IToken, rest: readonly Expr[]): Operand {
    const nameSpan = tokenSpan(name);
    const span = cover(receiver.span, tokenSpan(this.LA(0)));
    checkMethod(this.reading, receiver.span, nameSpan, span, rest.length > 0);
    const args = [receiver.expr, ...rest];
    if (this.definitions.macros.has(name.image)) {
      const wanted = this.definitions.macros.get(name.image)?.parameters.length ?? 0;
      return { expr: this.expand(name, wanted, args, span), span };
    }
    return { expr: { kind: "call", name: name.image, nameSpan, insensitive: false, method: true, args, span }, span };
  }

  protected readonly arguments = this.RULE("arguments", (): Expr[] => {
    const args: Expr[] = [];
    const open = this.CONSUME(t.LParen);
    const lost = this.inBrackets(open, args, () => {
      this.OPTION(() => {
        args.push(this.SUBRULE(this.expression).expr);
        this.MANY({
          GATE: () => this.LA(2).tokenType !== t.RParen,
          DEF: () => {
            this.CONSUME(t.Comma);
            args.push(this.SUBRULE2(this.expression).expr);
          },
        });
        this.OPTION2(() => this.trailingComma(this.CONSUME2(t.Comma)));
      });
      this.CONSUME(t.RParen);
    });
    if (lost !== null) args.push(lost);
    return args;
  });

  protected readonly field = this.RULE("field", (): Operand => {
    let optional: IToken | null = null;
    this.OPTION(() => {
      optional = this.CONSUME(t.Question);
    });
    const first = this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Name) },
        { ALT: () => this.CONSUME(t.Backtick) },
        { ALT: () => this.CONSUME(t.Variable) },
      ],
      ERR_MSG: A_VALUE,
    });
    const path = this.ACTION(() => this.firstPart(first));
    this.MANY({
      // A bracket after a field opens an index only around a whole number: after `by`, it may open the first term.
      GATE: () => this.LA(1).tokenType === t.Dot || this.LA(2).tokenType === t.Integer,
      DEF: () => this.SUBRULE(this.path, { ARGS: [path] }),
    });
    return this.ACTION(() => this.fieldOf(optional, first, path));
  });

  protected readonly path = this.RULE("path", (path: (string | number)[]) => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Dot);
          const part = this.CONSUME(t.PathPart);
          this.ACTION(() => {
            if (part.image.startsWith("`")) for (const name of backtickParts(this.reading, part)) path.push(name);
            else path.push(part.image);
            // In elastic every word may stand after a point.
            if (this.reading.dialect === "endgame") checkName(this.reading, part);
          });
        },
      },
      {
        ALT: () => {
          const open = this.CONSUME(t.LBracket);
          const index = this.CONSUME(t.Integer);
          const close = this.CONSUME(t.RBracket);
          this.ACTION(() => {
            const span = cover(tokenSpan(open), tokenSpan(close));
            checkIndex(this.reading, span, index);
            path.push(Number(index.image));
          });
        },
      },
    ]);
  });

  private firstPart(token: IToken): (string | number)[] {
    if (token.image.startsWith("`")) return backtickParts(this.reading, token);
    checkName(this.reading, token);
    return [token.image];
  }

  private fieldOf(optional: IToken | null, first: IToken, path: readonly (string | number)[]): Operand {
    const span = cover(tokenSpan(optional ?? first), tokenSpan(this.LA(0)));
    const variable = first.tokenType === t.Variable;
    if (optional !== null) checkOptional(this.reading, optional);
    const [name] = path;
    if (path.length === 1 && typeof name === "string" && !this.parameters.has(name)) {
      const constant = this.definitions.constants.get(name);
      if (constant !== undefined) return { expr: { ...constant, span }, span };
    }
    const expr: FieldRef = { kind: "field", path, optional: optional !== null, variable, span };
    return { expr, span };
  }
}
