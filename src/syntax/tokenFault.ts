import type { IToken } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import type { Diagnostic } from "../diagnostics.ts";

export type Complaint = Pick<Diagnostic, "code" | "message" | "hint">;

/** What is wrong with a token wherever it stands. */
export function tokenFault(token: IToken, file: string, text: string): Diagnostic | undefined {
  const complaint = tokenComplaint(token, text);
  if (complaint === undefined) return undefined;
  const { image, startOffset, tokenType } = token;
  const length = tokenType === t.BlockComment || tokenType === t.HashComment ? image.search(/[^/*#]|$/) : image.length;
  return { severity: "error", span: { file, start: startOffset, end: startOffset + length }, ...complaint };
}

function tokenComplaint({ tokenType, image, startOffset }: IToken, text: string): Complaint | undefined {
  switch (tokenType) {
    case t.Word:
      if (image.length <= longestName) return undefined;
      return {
        code: "SE0106",
        message: `a name of ${image.length} characters is too long`,
        hint: `a name has at most ${longestName}`,
      };
    case t.BadWord:
      return {
        code: "SE0106",
        message: `a name cannot begin with \`_\`: \`${clip(image)}\``,
        hint: nameRule,
      };
    case t.Int:
      return intComplaint(image);
    case t.Float:
      return floatComplaint(image);
    case t.Window:
      return windowComplaint(image);
    case t.BadPoint:
      return pointComplaint(image, text[startOffset - 1] ?? "");
    case t.BadNumber:
      return numberComplaint(image);
    case t.Text:
      if (!image.includes("\\")) return undefined;
      return {
        code: "SE0101",
        message: "a string cannot contain `\\`",
        hint: "there are no escapes; the parts of a path are separated with `/`",
      };
    case t.OpenText:
      return { code: "SE0102", message: "this string does not end on its line", hint: 'add the closing `"`' };
    case t.SingleQuoted:
      return {
        code: "SE0101",
        message: "strings are written with double quotes",
        hint: `write "${clip(image.replaceAll("'", ""))}"`,
      };
    case t.BlockComment:
      return {
        code: "SE0116",
        message: image.endsWith("*/")
          ? "there are no block comments"
          : "there are no block comments, and this one does not end",
        hint: "begin every line of it with `//`",
      };
    case t.HashComment:
      return { code: "SE0101", message: "`#` has no meaning", hint: "a comment begins with `//`" };
    case t.BadSign:
      if (image === "`") return { code: "SE0101", message: "a backquote has no meaning" };
      return { code: "SE0101", message: `\`${image}\` has no meaning`, ...(signHints.get(image) ?? {}) };
    default:
      return undefined;
  }
}

const longestName = 63;
export const nameRule = "a name is a letter, then letters, digits and `_`";

const signHints: ReadonlyMap<string, { readonly hint: string }> = new Map([
  ["&&", { hint: "write `and`" }],
  ["&", { hint: "write `and`" }],
  ["||", { hint: "write `or`" }],
  ["|", { hint: "write `or`; steps are joined with `->`" }],
  ["!", { hint: "write `not`" }],
  ["?", { hint: "write `if c { a } else { b }`" }],
  ["\\", { hint: "a line goes on after `,` or an operator, or if the next begins with `->`" }],
]);

function intComplaint(image: string): Complaint | undefined {
  if (image.length > 1 && image.startsWith("0")) {
    const plain = image.replace(/^0+(?=.)/, "");
    return { code: "SE0103", message: `\`${clip(image)}\` has leading zeros`, hint: `write \`${clip(plain)}\`` };
  }
  if (Number.isSafeInteger(Number(image))) return undefined;
  return {
    code: "SE0104",
    message: `\`${clip(image)}\` is too large to be exact`,
    hint: `the largest whole number is ${Number.MAX_SAFE_INTEGER}`,
  };
}

function floatComplaint(image: string): Complaint | undefined {
  if (/^0\d/.test(image)) {
    return {
      code: "SE0103",
      message: `\`${clip(image)}\` has leading zeros`,
      hint: `write \`${clip(image.replace(/^0+(?=\d)/, ""))}\``,
    };
  }
  const value = Number(image);
  if (!Number.isFinite(value)) {
    return { code: "SE0104", message: `\`${clip(image)}\` is too large`, hint: "the largest number is about 1.8e308" };
  }
  if (value !== 0 || !/^[0.]*[1-9]/.test(image)) return undefined;
  return {
    code: "SE0104",
    message: `\`${clip(image)}\` is so small that it would become 0`,
    hint: "the smallest number above 0 is about 5e-324; write `0.0` if you mean 0",
  };
}

function windowComplaint(image: string): Complaint | undefined {
  const extents = image.split("x");
  if (extents.some((extent) => Number(extent) === 0)) {
    const hex = image.startsWith("0x") ? "; there are no hexadecimal numbers" : "";
    return {
      code: "SE0104",
      message: `\`${clip(image)}\` is a window with an extent of 0`,
      hint: `height and width are at least 1${hex}`,
    };
  }
  if (extents.some((extent) => extent.startsWith("0"))) {
    const plain = extents.map((extent) => extent.replace(/^0+/, "")).join("x");
    return { code: "SE0103", message: `\`${clip(image)}\` has leading zeros`, hint: `write \`${clip(plain)}\`` };
  }
  if (extents.every((extent) => Number.isSafeInteger(Number(extent)))) return undefined;
  return {
    code: "SE0104",
    message: `the window \`${clip(image)}\` is too large`,
    hint: "its extents are whole numbers below 2^53",
  };
}

function pointComplaint(image: string, before: string): Complaint {
  if (/[\w)\]]/.test(before)) {
    return { code: "SE0103", message: `\`${clip(image)}\` is not a member`, hint: "after `.` stands a name" };
  }
  const repaired = /^\.\d+$/.test(image) ? `0${image}` : /^\d+\.$/.test(image) ? `${image}0` : undefined;
  return {
    code: "SE0103",
    message: `\`${clip(image)}\` is not a number`,
    hint:
      repaired === undefined
        ? "a number has at most one point"
        : `a point has digits on both sides: \`${clip(repaired)}\``,
  };
}

function numberComplaint(image: string): Complaint {
  const hint = /^0[xX]/.test(image)
    ? "there are no hexadecimal numbers"
    : /^\d[\d_]*$/.test(image)
      ? `digits stand together: \`${clip(image.replaceAll("_", ""))}\``
      : /^\d+x\d+x[\dx]*$/.test(image)
        ? "a window has two extents, height and width: `3x3`"
        : /^\d+(\.\d+)?[eE]$/.test(image)
          ? "the exponent is missing: `1e3`"
          : "a number ends before a letter, and a name begins with a letter";
  return { code: "SE0103", message: `\`${clip(image)}\` is not a number`, hint };
}

export function clip(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 37)}…`;
}
