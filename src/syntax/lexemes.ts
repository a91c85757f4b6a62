/** The tokens of a file with the comments around them, read once from the front: what fmt prints is in here. */
import type { IToken } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import type { Lexed } from "./lex.ts";

export interface CommentLine {
  readonly text: string;
  /** An empty line stands before it. */
  readonly spaced: boolean;
}

export interface Lexeme {
  readonly token: IToken;
  /** Comments on lines of their own, before the token. */
  readonly above: readonly CommentLine[];
  /** A comment behind the token before this one, in its line. */
  readonly behindPrevious: string | undefined;
  /** An empty line stands between the token and what is before it. */
  readonly spaced: boolean;
}

/** Without separators; the last lexeme is the end of the file, with no text. */
export function lexemesOf(text: string, { tokens, comments }: Pick<Lexed, "tokens" | "comments">): Lexeme[] {
  const end = { image: "", startOffset: text.length, tokenType: t.Separator, tokenTypeIdx: 0 };
  let next = 0;
  let before = 0;
  return [...tokens.filter(({ tokenType }) => tokenType !== t.Separator), end].map((token) => {
    let behindPrevious: string | undefined;
    const above: CommentLine[] = [];
    for (let own = comments[next]; own !== undefined && own.startOffset < token.startOffset; own = comments[++next]) {
      const { image, startOffset } = own;
      const breaks = lineBreaks(text, before, startOffset);
      if (breaks === 0 && before > 0) behindPrevious = image.trimEnd();
      else above.push({ text: image.trimEnd(), spaced: breaks > 1 });
      before = startOffset + image.length;
    }
    const spaced = lineBreaks(text, before, token.startOffset) > 1;
    before = token.startOffset + token.image.length;
    return { token, above, behindPrevious, spaced };
  });
}

function lineBreaks(text: string, from: number, to: number): number {
  return text.slice(from, to).match(/\r\n|\r|\n/g)?.length ?? 0;
}
