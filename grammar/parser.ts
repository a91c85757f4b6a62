/**
 * The grammar, and nothing else: one rule a production, no actions. scripts/cst-types.mjs writes cst.d.ts from it;
 * src/syntax/build.ts turns its trees into the AST.
 *
 * Statements are divided by `Separator`; src/syntax/lex.ts has already dropped the newlines that do not count, and those
 * around braces, so that a body is `{` statements separated once `}`.
 */
import { CstParser, type IParserConfig } from "chevrotain";
import * as t from "./tokens.ts";

export class SeParser extends CstParser {
  constructor(config: Pick<IParserConfig, "errorMessageProvider" | "skipValidations"> = {}) {
    super(t.tokens, { ...config, maxLookahead: 2, nodeLocationTracking: "onlyOffset" });
    this.performSelfAnalysis();
  }

  // --- a file ------------------------------------------------------------------------------------------------

  readonly file = this.RULE("file", () => {
    this.OPTION(() => {
      this.SUBRULE(this.edition);
      this.OPTION2(() => this.CONSUME(t.Separator));
    });
    this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.declaration) });
  });

  private readonly edition = this.RULE("edition", () => {
    this.CONSUME(t.Se);
    this.CONSUME(t.Int);
  });

  private readonly declaration = this.RULE("declaration", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.importLine) },
      { ALT: () => this.SUBRULE(this.enumeration) },
      { ALT: () => this.SUBRULE(this.definition) },
    ]);
  });

  /** `import { bottleneck, basic } from "./blocks.se"` */
  private readonly importLine = this.RULE("importLine", () => {
    this.CONSUME(t.Import);
    this.CONSUME(t.LeftBrace);
    this.CONSUME(t.Identifier);
    this.MANY(() => {
      this.SUBRULE(this.listSeparator);
      this.CONSUME2(t.Identifier);
    });
    this.OPTION(() => this.CONSUME(t.Comma));
    this.CONSUME(t.RightBrace);
    this.CONSUME(t.From);
    this.CONSUME(t.Text);
  });

  /** `enum Variant { v1_5, v1 }` */
  private readonly enumeration = this.RULE("enumeration", () => {
    this.CONSUME(t.Enum);
    this.CONSUME(t.Identifier);
    this.CONSUME(t.LeftBrace);
    this.SUBRULE(this.name);
    this.MANY(() => {
      this.SUBRULE(this.listSeparator);
      this.SUBRULE2(this.name);
    });
    this.OPTION(() => this.CONSUME(t.Comma));
    this.CONSUME(t.RightBrace);
  });

  /** `network Net(params) { … }`, `block unit(params) uses se { … }` */
  private readonly definition = this.RULE("definition", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Network) }, { ALT: () => this.CONSUME(t.Block) }]);
    this.CONSUME(t.Identifier);
    this.CONSUME(t.LeftParen);
    this.OPTION(() => {
      this.SUBRULE(this.param);
      this.MANY(() => {
        this.CONSUME(t.Comma);
        this.SUBRULE2(this.param);
      });
      this.OPTION2(() => this.CONSUME2(t.Comma));
    });
    this.CONSUME(t.RightParen);
    this.OPTION3(() => {
      this.CONSUME(t.Uses);
      this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.CONSUME2(t.Identifier) });
    });
    this.SUBRULE(this.body);
  });

  /** `ratio: int = 16` */
  private readonly param = this.RULE("param", () => {
    this.CONSUME(t.Identifier);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.type);
    this.OPTION(() => {
      this.CONSUME(t.Assign);
      this.SUBRULE(this.expression);
    });
  });

  /** `int`, `list<int>`, `Placement`, `(window, int)` */
  private readonly type = this.RULE("type", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Identifier);
          this.OPTION(() => {
            this.CONSUME(t.Less);
            this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.type) });
            this.CONSUME(t.Greater);
          });
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.LeftParen);
          this.SUBRULE2(this.type);
          this.AT_LEAST_ONE(() => {
            this.CONSUME(t.Comma);
            this.SUBRULE3(this.type);
          });
          this.CONSUME(t.RightParen);
        },
      },
    ]);
  });

  // --- statements --------------------------------------------------------------------------------------------

  private readonly body = this.RULE("body", () => {
    this.CONSUME(t.LeftBrace);
    this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.statement) });
    this.CONSUME(t.RightBrace);
  });

  private readonly statement = this.RULE("statement", () => {
    this.OR({
      DEF: [
        { ALT: () => this.SUBRULE(this.inputLine) },
        { ALT: () => this.SUBRULE(this.outputLine) },
        { ALT: () => this.SUBRULE(this.insert) },
        { ALT: () => this.SUBRULE(this.binding) },
        // At the start of a line `if` is the statement, not the expression.
        { ALT: () => this.SUBRULE(this.condition), IGNORE_AMBIGUITIES: true },
        { ALT: () => this.SUBRULE(this.loop) },
        { ALT: () => this.SUBRULE(this.pipeline) },
      ],
    });
  });

  /** `input image: f32[N, 3, 224, 224] { rgb, scale: 1 / 255 }` */
  private readonly inputLine = this.RULE("inputLine", () => {
    this.CONSUME(t.Input);
    this.CONSUME(t.Identifier);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.tensorType);
    this.OPTION(() => {
      this.CONSUME(t.LeftBrace);
      this.OPTION2(() => {
        this.SUBRULE(this.field);
        this.MANY(() => {
          this.SUBRULE(this.listSeparator);
          this.SUBRULE2(this.field);
        });
        this.OPTION3(() => this.CONSUME(t.Comma));
      });
      this.CONSUME(t.RightBrace);
    });
  });

  /** `rgb`, `scale: 1 / 255` */
  private readonly field = this.RULE("field", () => {
    this.CONSUME(t.Name);
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE(this.expression);
    });
  });

  /** `output logits: f32[N, classes]`, `output p4: p4 -> out4: conv 256, 3x3` */
  private readonly outputLine = this.RULE("outputLine", () => {
    this.CONSUME(t.Output);
    this.CONSUME(t.Identifier);
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      this.OR([
        // `name[` starts a type here: a value that begins with an index needs parentheses.
        { ALT: () => this.SUBRULE(this.tensorType), IGNORE_AMBIGUITIES: true },
        { ALT: () => this.SUBRULE(this.pipeline) },
      ]);
    });
  });

  private readonly tensorType = this.RULE("tensorType", () => {
    this.CONSUME(t.Identifier);
    this.CONSUME(t.LeftSquare);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression) });
    this.CONSUME(t.RightSquare);
  });

  /** `insert se(at: se, ratio: ratio, in: stages)` */
  private readonly insert = this.RULE("insert", () => {
    this.CONSUME(t.Insert);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parenArgs);
  });

  /** `let half = width / 2`, `let p5 = c5 -> lat5: conv 256, 1x1`, `let mlp = chain { … }`, `let (a, b) = pair` */
  private readonly binding = this.RULE("binding", () => {
    this.CONSUME(t.Let);
    this.SUBRULE(this.names);
    this.CONSUME(t.Assign);
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Chain);
          this.SUBRULE(this.body);
        },
      },
      { ALT: () => this.SUBRULE(this.pipeline) },
    ]);
  });

  /** `i`, `(kernel, width)` */
  private readonly names = this.RULE("names", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Identifier) },
      {
        ALT: () => {
          this.CONSUME(t.LeftParen);
          this.CONSUME2(t.Identifier);
          this.AT_LEAST_ONE(() => {
            this.CONSUME(t.Comma);
            this.CONSUME3(t.Identifier);
          });
          this.CONSUME(t.RightParen);
        },
      },
    ]);
  });

  private readonly condition = this.RULE("condition", () => {
    this.CONSUME(t.If);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.body);
    this.MANY(() => {
      this.CONSUME(t.Else);
      this.CONSUME2(t.If);
      this.SUBRULE2(this.expression);
      this.SUBRULE2(this.body);
    });
    this.OPTION(() => {
      this.CONSUME2(t.Else);
      this.SUBRULE3(this.body);
    });
  });

  /** `for i in 0..n { … }`, `for (kernel, width) in rows { … }` */
  private readonly loop = this.RULE("loop", () => {
    this.CONSUME(t.For);
    this.SUBRULE(this.names);
    this.CONSUME(t.In);
    this.SUBRULE(this.expression);
    this.OPTION(() => {
      this.CONSUME(t.DotDot);
      this.SUBRULE2(this.expression);
    });
    this.SUBRULE(this.body);
  });

  // --- pipelines ---------------------------------------------------------------------------------------------

  private readonly pipeline = this.RULE("pipeline", () => {
    this.AT_LEAST_ONE_SEP({ SEP: t.Arrow, DEF: () => this.SUBRULE(this.step) });
  });

  private readonly step = this.RULE("step", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.stage) },
      { ALT: () => this.SUBRULE(this.counted) },
      {
        ALT: () => {
          this.OPTION(() => this.SUBRULE(this.label));
          this.SUBRULE(this.action);
        },
      },
    ]);
  });

  private readonly label = this.RULE("label", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Name) }, { ALT: () => this.CONSUME(t.Int) }]);
    this.CONSUME(t.Colon);
  });

  private readonly action = this.RULE("action", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.residual) },
      { ALT: () => this.SUBRULE(this.arms) },
      { ALT: () => this.SUBRULE(this.group) },
      { ALT: () => this.SUBRULE(this.simple) },
    ]);
  });

  /** What a pipeline in parentheses may hold as well: there newlines do not count, so nothing with a body. */
  private readonly simple = this.RULE("simple", () => {
    this.OR({
      // `conv in: 3` is a call, `x in list` a value: the third token tells.
      MAX_LOOKAHEAD: 3,
      DEF: [
        { ALT: () => this.SUBRULE(this.point) },
        { ALT: () => this.SUBRULE(this.bareCall) },
        { ALT: () => this.SUBRULE(this.value) },
      ],
    });
  });

  /** `@3x3`, `@standard` */
  private readonly point = this.RULE("point", () => {
    this.CONSUME(t.At);
    this.OR([{ ALT: () => this.CONSUME(t.Window) }, { ALT: () => this.CONSUME(t.Name) }]);
  });

  /** `conv 64, 3x3` */
  private readonly bareCall = this.RULE("bareCall", () => {
    this.SUBRULE(this.name);
    this.SUBRULE(this.bareArg);
    this.MANY(() => {
      this.CONSUME(t.Comma);
      this.SUBRULE(this.arg);
    });
  });

  /**
   * `relu`, `bottleneck(64)`, `y * gate`, `3 of unit(8)`. Arguments may follow one in parentheses, since
   * `conv (4 * w), 1x1` can mean nothing else; build.ts refuses the other cases.
   */
  private readonly value = this.RULE("value", () => {
    this.SUBRULE(this.expression);
    this.OPTION(() => {
      this.OR([
        {
          ALT: () => {
            this.CONSUME(t.Of);
            this.SUBRULE(this.unit);
          },
        },
        {
          ALT: () => {
            this.AT_LEAST_ONE(() => {
              this.CONSUME(t.Comma);
              this.SUBRULE(this.arg);
            });
          },
        },
      ]);
    });
  });

  /** `stage 2 layer1: 3 of bottleneck(64)` */
  private readonly stage = this.RULE("stage", () => {
    this.CONSUME(t.Stage);
    this.SUBRULE(this.operand);
    this.OPTION(() => {
      this.OR([{ ALT: () => this.CONSUME(t.Name) }, { ALT: () => this.CONSUME(t.Int) }]);
      this.OPTION2(() => this.CONSUME(t.DotDot));
    });
    this.CONSUME(t.Colon);
    this.SUBRULE2(this.operand);
    this.CONSUME(t.Of);
    this.SUBRULE(this.unit);
  });

  /** `b1..: 3 of bottleneck(64)`: b1, b2 and b3 */
  private readonly counted = this.RULE("counted", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Name) }, { ALT: () => this.CONSUME(t.Int) }]);
    this.CONSUME(t.DotDot);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.operand);
    this.CONSUME(t.Of);
    this.SUBRULE(this.unit);
  });

  private readonly unit = this.RULE("unit", () => {
    this.SUBRULE(this.name);
    this.OPTION(() => {
      this.OR([
        { ALT: () => this.SUBRULE(this.parenArgs) },
        {
          ALT: () => {
            this.SUBRULE(this.bareArg);
            this.MANY(() => {
              this.CONSUME(t.Comma);
              this.SUBRULE(this.arg);
            });
          },
        },
      ]);
    });
  });

  /** `residual when stride == 1 { branch { … } skip unless same { … } after relu }` */
  private readonly residual = this.RULE("residual", () => {
    this.CONSUME(t.Residual);
    this.OPTION(() => {
      this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.namedArg) });
    });
    this.OPTION2(() => {
      this.CONSUME(t.When);
      this.SUBRULE(this.expression);
    });
    this.CONSUME(t.LeftBrace);
    this.CONSUME(t.Branch);
    this.SUBRULE(this.body);
    this.OPTION3(() => this.CONSUME(t.Separator));
    this.OPTION4(() => {
      this.SUBRULE(this.skip);
      this.OPTION5(() => this.CONSUME2(t.Separator));
    });
    this.OPTION6(() => {
      this.CONSUME(t.After);
      this.SUBRULE(this.pipeline);
    });
    this.CONSUME(t.RightBrace);
  });

  private readonly skip = this.RULE("skip", () => {
    this.CONSUME(t.Skip);
    this.OPTION(() => {
      this.CONSUME(t.Unless);
      this.CONSUME(t.Same);
    });
    this.SUBRULE(this.body);
  });

  /** `concat { a: conv 64, 1x1 ; b { … } }` */
  private readonly arms = this.RULE("arms", () => {
    this.CONSUME(t.Concat);
    this.CONSUME(t.LeftBrace);
    this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.arm) });
    this.CONSUME(t.RightBrace);
  });

  private readonly arm = this.RULE("arm", () => {
    this.OPTION(() => this.SUBRULE(this.label));
    this.SUBRULE(this.pipeline);
  });

  /** `downsample { 0: conv 64, 1x1 -> 1: bn }` */
  private readonly group = this.RULE("group", () => {
    this.OR([{ ALT: () => this.CONSUME(t.GroupName) }, { ALT: () => this.CONSUME(t.Int) }]);
    this.SUBRULE(this.body);
  });

  // --- arguments ---------------------------------------------------------------------------------------------

  /** `(64, stride: 2)`, or one pipeline: `(concat(a, b) -> conv 1, 7x7)` */
  private readonly parenArgs = this.RULE("parenArgs", () => {
    this.CONSUME(t.LeftParen);
    this.OPTION(() => {
      this.SUBRULE(this.arg);
      this.OR([
        { ALT: () => this.AT_LEAST_ONE(() => this.SUBRULE(this.tail)) },
        {
          ALT: () => {
            this.MANY(() => {
              this.CONSUME(t.Comma);
              this.SUBRULE2(this.arg);
            });
            this.OPTION2(() => this.CONSUME2(t.Comma));
          },
        },
      ]);
    });
    this.CONSUME(t.RightParen);
  });

  /** `-> conv 1, 7x7` inside parentheses */
  private readonly tail = this.RULE("tail", () => {
    this.CONSUME(t.Arrow);
    this.OPTION(() => this.SUBRULE(this.label));
    this.SUBRULE(this.simple);
  });

  private readonly arg = this.RULE("arg", () => {
    this.OR([{ ALT: () => this.SUBRULE(this.namedArg) }, { ALT: () => this.SUBRULE(this.expression) }]);
  });

  private readonly namedArg = this.RULE("namedArg", () => {
    this.CONSUME(t.Name);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.expression);
  });

  /** The first argument without parentheses; it cannot start with `(`, `[` or `-`. */
  private readonly bareArg = this.RULE("bareArg", () => {
    this.OR([{ ALT: () => this.SUBRULE(this.namedArg) }, { ALT: () => this.SUBRULE(this.bareExpression) }]);
  });

  /** What an expression can refer to. */
  private readonly name = this.RULE("name", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Identifier) }, { ALT: () => this.CONSUME(t.Concat) }]);
  });

  // --- expressions: flat here, build.ts knows the precedence -------------------------------------------------------

  private readonly expression = this.RULE("expression", () => {
    this.MANY(() => this.CONSUME(t.Prefix));
    this.SUBRULE(this.operand);
    this.MANY2(() => this.SUBRULE(this.operation));
  });

  private readonly bareExpression = this.RULE("bareExpression", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Not);
          this.MANY(() => this.CONSUME(t.Prefix));
          this.SUBRULE(this.operand);
        },
      },
      { ALT: () => this.SUBRULE(this.plainOperand) },
    ]);
    this.MANY2(() => this.SUBRULE(this.operation));
  });

  private readonly operation = this.RULE("operation", () => {
    this.CONSUME(t.Operator);
    this.MANY(() => this.CONSUME(t.Prefix));
    this.SUBRULE(this.operand);
  });

  private readonly operand = this.RULE("operand", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.plainOperand) },
      {
        ALT: () => {
          this.OR2([{ ALT: () => this.SUBRULE(this.parenthesized) }, { ALT: () => this.SUBRULE(this.list) }]);
          this.MANY(() => this.SUBRULE(this.suffix));
        },
      },
    ]);
  });

  private readonly plainOperand = this.RULE("plainOperand", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Int) },
      { ALT: () => this.CONSUME(t.Float) },
      { ALT: () => this.CONSUME(t.Window) },
      { ALT: () => this.CONSUME(t.Text) },
      { ALT: () => this.CONSUME(t.True) },
      { ALT: () => this.CONSUME(t.False) },
      { ALT: () => this.SUBRULE(this.choice) },
      {
        ALT: () => {
          this.SUBRULE(this.reference);
          this.MANY(() => this.SUBRULE(this.suffix));
        },
      },
    ]);
  });

  /** `width`, `floor(a / b)` */
  private readonly reference = this.RULE("reference", () => {
    this.SUBRULE(this.name);
    this.OPTION(() => this.SUBRULE(this.parenArgs));
  });

  /** `.channels`, `[0]` */
  private readonly suffix = this.RULE("suffix", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Dot);
          this.CONSUME(t.Name);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.LeftSquare);
          this.SUBRULE(this.expression);
          this.CONSUME(t.RightSquare);
        },
      },
    ]);
  });

  /** `(a + b)`, `(c4 -> lat4: conv 256, 1x1)`, `(3x3, 16)` */
  private readonly parenthesized = this.RULE("parenthesized", () => {
    this.CONSUME(t.LeftParen);
    this.SUBRULE(this.expression);
    this.OR([
      {
        ALT: () => {
          this.AT_LEAST_ONE(() => {
            this.CONSUME(t.Comma);
            this.SUBRULE2(this.expression);
          });
          this.OPTION(() => this.CONSUME2(t.Comma));
        },
      },
      { ALT: () => this.MANY(() => this.SUBRULE(this.tail)) },
    ]);
    this.CONSUME(t.RightParen);
  });

  private readonly list = this.RULE("list", () => {
    this.CONSUME(t.LeftSquare);
    this.OPTION(() => {
      this.SUBRULE(this.expression);
      this.MANY(() => {
        this.CONSUME(t.Comma);
        this.SUBRULE2(this.expression);
      });
      this.OPTION2(() => this.CONSUME2(t.Comma));
    });
    this.CONSUME(t.RightSquare);
  });

  /** `if c { a } else { b }` */
  private readonly choice = this.RULE("choice", () => {
    this.AT_LEAST_ONE({
      DEF: () => {
        this.CONSUME(t.If);
        this.SUBRULE(this.expression);
        this.CONSUME(t.LeftBrace);
        this.SUBRULE2(this.expression);
        this.CONSUME(t.RightBrace);
        this.CONSUME(t.Else);
      },
    });
    this.CONSUME2(t.LeftBrace);
    this.SUBRULE3(this.expression);
    this.CONSUME2(t.RightBrace);
  });

  private readonly listSeparator = this.RULE("listSeparator", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Comma) }, { ALT: () => this.CONSUME(t.Separator) }]);
  });

  // --- the value of `--set name=value` -----------------------------------------------------------------------

  readonly literal = this.RULE("literal", () => {
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.literalItem) });
  });

  private readonly literalItem = this.RULE("literalItem", () => {
    this.OR([
      {
        ALT: () => {
          this.OPTION(() => this.CONSUME(t.Minus));
          this.OR2([{ ALT: () => this.CONSUME(t.Int) }, { ALT: () => this.CONSUME(t.Float) }]);
        },
      },
      { ALT: () => this.CONSUME(t.Window) },
      { ALT: () => this.CONSUME(t.Text) },
      { ALT: () => this.CONSUME(t.Name) },
      {
        ALT: () => {
          this.CONSUME(t.LeftSquare);
          this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.literalItem) });
          this.CONSUME(t.RightSquare);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.LeftParen);
          this.SUBRULE2(this.literalItem);
          this.AT_LEAST_ONE(() => {
            this.CONSUME(t.Comma);
            this.SUBRULE3(this.literalItem);
          });
          this.CONSUME(t.RightParen);
        },
      },
    ]);
  });
}
