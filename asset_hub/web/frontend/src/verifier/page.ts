// The page around the rule: chosen files in, a table of links out, Chinese first. It asks nothing of any network.
import { type Json, type Members, parseOneSpelling } from "./json";
import { readCertificate } from "./papers";
import { verifyBundle } from "./bundles";
import { type Check, type Given, verify } from "./verify";
import { LONGEST_IN_ALL, isZip } from "./zip";

const WORDS = JSON.parse(document.getElementById("words")!.textContent!) as Record<string, string>;
const MARKS = new Map<boolean | null, [string, string]>([
  [true, ["✓ holds", "good"]], [false, ["✕ fails", "bad"]], [null, ["– not checked", "none"]],
]);
let language: "zh" | "en" = "zh";
let shown: { checks: Check[]; certificate?: Uint8Array } | null = null;

function say(text: string, params: Record<string, string> = {}): string {
  const words = language === "zh" ? WORDS[text] ?? text : text;
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => params[name] ?? whole);
}

const field = (id: string): HTMLInputElement => document.getElementById(id) as HTMLInputElement;

async function bytesOf(file: File | undefined): Promise<Uint8Array | undefined> {
  return file && new Uint8Array(await file.arrayBuffer());
}

async function check(event: Event): Promise<void> {
  event.preventDefault();
  const chosen = field("certificate").files?.[0];
  const certificate = await bytesOf(chosen && new File([chosen.slice(0, LONGEST_IN_ALL + 1)], chosen.name));
  const result = document.getElementById("result")!;
  if (!certificate) { result.textContent = say("Choose the certificate first."); return; }
  result.textContent = say("being computed …");
  const [media, trust, status] = [
    field("media").files?.[0], await bytesOf(field("trust").files?.[0]), await bytesOf(field("status").files?.[0]),
  ];
  const given: Given = { today: field("day").value || today() };
  if (media) given.media = media;
  if (trust) given.trust = trust;
  if (status) given.status = status;
  shown = isZip(certificate)
    ? await verifyBundle(certificate, given) : { checks: await verify(certificate, given), certificate };
  draw();
}

function today(): string {
  return new Date(Date.now() + 8 * 3600 * 1000).toISOString().slice(0, 10);
}

function draw(): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const part of document.querySelectorAll<HTMLElement>("[data-say]")) part.textContent = say(part.dataset.say!);
  document.title = say("Verify a certificate");
  document.getElementById("language")!.textContent = language === "zh" ? "English" : "中文";
  if (shown) document.getElementById("result")!.replaceChildren(...drawResult(shown.checks, shown.certificate));
}

function drawResult(checks: Check[], certificate?: Uint8Array): HTMLElement[] {
  const failed = checks.filter((one) => one.ok === false);
  const sentence = failed.length
    ? `${say("What fails:")} ${failed.map((one) => say(one.name)).join(language === "zh" ? "、" : ", ")}`
    : say("Every link that was checked holds.");
  const head = element("h2", say(failed.length ? "Not valid" : "Valid"), failed.length ? "bad" : "good");
  const rows = checks.map((one) => {
    const [mark, kind] = MARKS.get(one.ok)!;
    const name = element("th", say(one.name));
    name.setAttribute("scope", "row");
    return row(name, element("td", say(mark), kind), element("td", say(one.text, one.params)));
  });
  const titles = ["Link", "Result", "What was found"].map((text) => element("th", say(text)));
  for (const title of titles) title.setAttribute("scope", "col");
  const table = element("table");
  table.append(element("caption", say("Links of the proof")), row(...titles), ...rows);
  const isSigned = checks.some((one) => one.name === "signature" && one.ok);
  return [head, element("p", sentence), table, ...(isSigned && certificate ? drawFacts(certificate) : [])];
}

function drawFacts(certificate: Uint8Array): HTMLElement[] {
  const paper = readCertificate(certificate);
  const licence = parseOneSpelling(paper.text("licence"));
  const list = element("dl");
  const facts: [string, string][] = [
    ["Licence number", plain(inside(licence, "number"))], ["Work", named(inside(licence, "work"), "title")],
    ["Licensor", named(inside(licence, "licensor"), "name")], ["Licensee", named(inside(licence, "licensee"), "name")],
    ["Uses", listed(inside(licence, "uses"))], ["Territories", listed(inside(licence, "territories"))],
    ["First day", plain(inside(licence, "first_day"))], ["Last day, included", plain(inside(licence, "last_day"))],
    ["Delivered file", paper.text("delivery", "name").slice(0, 200)],
  ];
  for (const [name, text] of facts) if (text) list.append(element("dt", say(name)), element("dd", text));
  return [element("h2", say("What the certificate says")), list];
}

function inside(value: Json | undefined, name: string): Json | undefined {
  return value instanceof Map ? (value as Members).get(name) : undefined;
}

function plain(value: Json | undefined): string {
  return typeof value === "string" || typeof value === "bigint" ? String(value).slice(0, 200) : "";
}

function named(value: Json | undefined, member: string): string {
  return plain(inside(value, `${member}_${language}`)) || plain(inside(value, `${member}_zh`));
}

function listed(value: Json | undefined): string {
  if (!Array.isArray(value)) return "";
  return value.slice(0, 50).map((one) => plain(inside(one, language))).filter(Boolean).join(language === "zh" ? "、" : ", ");
}

function row(...cells: HTMLElement[]): HTMLElement {
  const made = element("tr");
  made.append(...cells);
  return made;
}

function element(tag: string, text = "", kind = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

document.getElementById("form")!.addEventListener("submit", (event) => void check(event));
document.getElementById("language")!.addEventListener("click", () => { language = language === "zh" ? "en" : "zh"; draw(); });
field("day").value = today();
draw();
Object.assign(globalThis, { assetHubVerifier: { verify, verifyBundle } });
