// Reads JSON in its one spelling: members sorted by code point, none twice, no spaces, whole numbers, shortest escapes.
// Any other text is refused, so that what is read can be spelled in exactly one way.
export type Json = null | boolean | bigint | string | Json[] | Members;
export type Members = Map<string, Json>;

const MAX_DIGITS = 80;
const ESCAPES: Record<string, string> = { '"': '"', "\\": "\\", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const SHORT: Record<string, string> = Object.fromEntries(Object.entries(ESCAPES).map(([short, char]) => [char, short]));

export class OtherSpelling extends Error {}

export function parseOneSpelling(text: string): Json {
  const reader = new Reader(text);
  const value = reader.value();
  if (reader.at !== text.length) throw new OtherSpelling();
  return value;
}

export function spell(value: Json): string {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return spellText(value);
  if (Array.isArray(value)) return `[${value.map(spell).join(",")}]`;
  const members = [...value].sort(([a], [b]) => orderOfTexts(a, b));
  return `{${members.map(([name, inner]) => `${spellText(name)}:${spell(inner)}`).join(",")}}`;
}

function spellText(text: string): string {
  const escaped = text.replace(/["\\\u0000-\u001f]/g, (char) => {
    const short = SHORT[char];
    return `\\${short ?? `u${char.charCodeAt(0).toString(16).padStart(4, "0")}`}`;
  });
  return `"${escaped}"`;
}

function orderOfTexts(a: string, b: string): number {
  const [one, other] = [Array.from(a), Array.from(b)];
  for (let at = 0; at < Math.min(one.length, other.length); at += 1) {
    const difference = one[at]!.codePointAt(0)! - other[at]!.codePointAt(0)!;
    if (difference) return difference;
  }
  return one.length - other.length;
}

class Reader {
  at = 0;
  constructor(private readonly text: string) {}

  value(): Json {
    const next = this.text[this.at];
    if (next === "{") return this.members();
    if (next === "[") return this.list();
    if (next === '"') return this.string();
    for (const [word, value] of [["null", null], ["true", true], ["false", false]] as const) {
      if (this.text.startsWith(word, this.at)) { this.at += word.length; return value; }
    }
    return this.whole();
  }

  private members(): Members {
    const found: Members = new Map();
    let last: string | undefined;
    this.at += 1;
    if (this.skip("}")) return found;
    do {
      const name = this.string();
      if (last !== undefined && orderOfTexts(last, name) >= 0) throw new OtherSpelling();
      last = name;
      this.expect(":");
      found.set(name, this.value());
    } while (this.skip(","));
    this.expect("}");
    return found;
  }

  private list(): Json[] {
    const found: Json[] = [];
    this.at += 1;
    if (this.skip("]")) return found;
    do found.push(this.value()); while (this.skip(","));
    this.expect("]");
    return found;
  }

  private string(): string {
    const start = this.at;
    this.expect('"');
    let text = "";
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined || char < " ") throw new OtherSpelling();
      this.at += 1;
      if (char === '"') break;
      text += char === "\\" ? this.escaped() : char;
    }
    if (spellText(text) !== this.text.slice(start, this.at)) throw new OtherSpelling();
    return text;
  }

  private escaped(): string {
    const kind = this.text[this.at] ?? "";
    this.at += 1;
    if (kind !== "u") {
      const char = ESCAPES[kind];
      if (char === undefined) throw new OtherSpelling();
      return char;
    }
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^00[01][0-9a-f]$/.test(digits)) throw new OtherSpelling();
    this.at += 4;
    return String.fromCharCode(parseInt(digits, 16));
  }

  private whole(): bigint {
    const digits = /^(?:0|-?[1-9][0-9]*)/.exec(this.text.slice(this.at, this.at + MAX_DIGITS + 1))?.[0];
    if (!digits || digits.length > MAX_DIGITS) throw new OtherSpelling();
    this.at += digits.length;
    return BigInt(digits);
  }

  private skip(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  private expect(char: string): void {
    if (!this.skip(char)) throw new OtherSpelling();
  }
}
