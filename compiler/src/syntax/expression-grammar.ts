// Tokens to expressions and event queries: the half of EQL's grammar that knows no terms, as a Chevrotain parser that
// builds the tree while it reads. Both dialects are read by one grammar; what belongs to the other one is reported
// (`checks.ts`) and read all the same. Code that looks into tokens or results stands in ACTION, because Chevrotain
// runs every rule once with blank tokens to learn the grammar.

import { EmbeddedActionsParser, type IToken } from "chevrotain";
import type { Dialect, EventQuery, Expr, FieldRef, Lineage, Literal, Match, Span } from "./ast.js";
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
  finishExpression,
  type Operand,
  PRECEDENCE,
  startExpression,
} from "./operators.js";
import { addError, noProblems, type Problems } from "./problems.js";
import * as t from "./tokens.js";

const RELATIONS = new Set(["descendant", "child", "event"]);
/** After so many terms or pipes that cannot be read, the rest of the query is not looked at. */
export const MAX_RECOVERIES = 50;

/** What may follow an expression that could go on. */
export const AN_OPERATOR = "an operator such as `and`, `or` or `==`";
const A_VALUE = "a field, a value or a function";
const A_CONSTANT = "a string, a number or a list of them in brackets";

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
  protected reading: Reading = { text: "", dialect: "elastic", problems: noProblems() };
  protected lexed: Lexed = {
    tokens: [],
    problems: noProblems(),
    directives: [],
    closers: new Map(),
    fatal: false,
  };
  protected definitions: Definitions = noDefinitions();
  protected parameters: ReadonlySet<string> = new Set();
  protected atEnd = "";

  constructor() {
    super(t.VOCABULARY, { maxLookahead: 2, skipValidations: true, errorMessageProvider: MESSAGES });
  }

  /** Sets the tokens to be read by the next call of a rule. */
  begin(text: string, dialect: Dialect, lexed: Lexed): void {
    this.reading = { text, dialect, problems: noProblems() };
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
  protected guarded<T>(read: () => T, stop: () => IToken | null | undefined): T | null {
    try {
      return read();
    } catch (failure) {
      const target = this.RECORDING_PHASE || this.errors.length > MAX_RECOVERIES ? null : stop();
      if (target === null || target === undefined) throw failure;
      while (this.LA(1) !== target && !Number.isNaN(this.LA(1).startOffset)) this.SKIP_TOKEN();
      if (this.LA(1) !== target) throw failure;
      return null;
    }
  }

  protected readonly event = this.RULE("event", (): EventQuery => {
    const category = this.OR({
      DEF: [
        { ALT: () => this.CONSUME(t.Name) },
        { ALT: () => this.CONSUME(t.StringLiteral) },
        { ALT: () => this.CONSUME(t.Backtick) },
      ],
      ERR_MSG: "an event category or `any`",
    });
    this.CONSUME(t.Where);
    const condition = this.SUBRULE(this.expression);
    return this.ACTION(() => {
      const categorySpan = tokenSpan(category);
      const span = cover(categorySpan, condition.span);
      return {
        kind: "event",
        category: categoryOf(this.reading, category),
        categorySpan,
        condition: condition.expr,
        span,
      };
    });
  });

  protected readonly expression = this.RULE("expression", (): Operand => {
    const partial = startExpression();
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
              if (!sound) chainedComparison(this.reading, opSpan);
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
              if (!addMatch(partial, match, this.reading.dialect)) chainedComparison(this.reading, opSpan);
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
              if (!addMatch(partial, match, this.reading.dialect)) chainedComparison(this.reading, opSpan);
            });
          },
        },
      ]),
    );
    return this.ACTION(() => finishExpression(partial) ?? first);
  });

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
    const close = this.CONSUME(t.RParen);
    this.ACTION(() => {
      if (values.length > 0) return;
      const span = cover(tokenSpan(open), tokenSpan(close));
      misplaced(this.reading, span, "The list is empty.", "Name at least one value.");
    });
    return values;
  });

  protected readonly matchValues = this.RULE("matchValues", (): Literal[] => {
    const values: Literal[] = [];
    this.OR({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.LParen);
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
    let operand = this.OR({
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
            const { expr } = this.SUBRULE(this.expression);
            const close = this.CONSUME(t.RParen);
            return this.ACTION(() => ({ expr, span: cover(tokenSpan(open), tokenSpan(close)) }));
          },
        },
        { ALT: () => this.SUBRULE(this.lineage) },
        { ALT: () => this.SUBRULE(this.call) },
        { ALT: () => this.SUBRULE(this.field) },
      ],
      ERR_MSG: A_VALUE,
    });
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

  protected readonly lineage = this.RULE("lineage", (): Operand => {
    const relation = this.CONSUME(t.Name);
    this.CONSUME(t.Of);
    this.CONSUME(t.LBracket);
    const query = this.SUBRULE(this.event);
    const close = this.CONSUME(t.RBracket);
    return this.ACTION(() => {
      const word = relation.image;
      const span = cover(tokenSpan(relation), tokenSpan(close));
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
    const nothing: Literal = { kind: "literal", type: "null", span };
    const macro = this.definitions.macros.get(name.image);
    if (macro === undefined) return nothing;
    if (args.length !== wanted) {
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
    this.CONSUME(t.LParen);
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
