// Makes a house's key and signs what waits, in this browser: <house-keys data-words="{…}">. What leaves it is an address and
// signatures; the secret only ever leaves in the keystore file that the person saves.
import type { TypedData } from "../keys/keystore";

type Waiting = { id: string; by: string | null; digest: string; typed_data: TypedData };
const LEAST = 12;

class HouseKeys extends HTMLElement {
  private readonly crypto = () => import("../keys/keystore");

  connectedCallback(): void {
    if (!globalThis.crypto?.subtle) return this.say("insecure");
    this.form("make")?.addEventListener("submit", (event) => this.during(event, () => this.make()));
    this.form("sign")?.addEventListener("submit", (event) => this.during(event, () => this.sign()));
  }

  private form(name: string): HTMLFormElement | null {
    return this.querySelector(`form[data-act="${name}"]`);
  }

  private during(event: Event, act: () => Promise<void>): void {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const button = form.querySelector("button")!;
    button.disabled = true;
    this.say("working");
    void act().catch((error: unknown) => this.say("failed", error instanceof Told ? error.message : "")).finally(() => {
      button.disabled = false;
      form.querySelectorAll<HTMLInputElement>("input[type=password]").forEach((field) => { field.value = ""; });
    });
  }

  private async make(): Promise<void> {
    const form = this.form("make")!;
    const [first, again] = [...form.querySelectorAll<HTMLInputElement>("input[type=password]")].map((field) => field.value);
    if ((first ?? "").length < LEAST) return this.say("short");
    if (first !== again) return this.say("differ");
    const keys = await this.crypto();
    const secret = keys.newSecret();
    const file = await keys.writeKeystore(secret, first!);
    const address = keys.addressOf(secret);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([file], { type: "application/json" }));
    link.download = `asset_hub-key-${address.slice(0, 8)}.json`;
    link.click();
    await send("/api/v1/keys", { address: `0x${address}` });
    const asked = (await waiting()).filter((one) => one.by?.toLowerCase() === `0x${address}`);
    for (const one of asked) await this.give(keys, one, secret);
    secret.fill(0);
    this.say("made", `0x${address}`);
  }

  private async sign(): Promise<void> {
    const form = this.form("sign")!;
    const file = form.querySelector<HTMLInputElement>("input[type=file]")!.files?.[0];
    const passphrase = form.querySelector<HTMLInputElement>("input[type=password]")!.value;
    const chosen = new Set([...this.querySelectorAll<HTMLInputElement>("input[name=pending]:checked")].map((box) => box.value));
    if (!file) return this.say("nofile");
    if (chosen.size === 0) return this.say("nothing");
    const keys = await this.crypto();
    const secret = await keys.readKeystore(await file.text(), passphrase).catch(() => null);
    if (!secret) return this.say("wrong");
    let count = 0;
    for (const one of await waiting()) {
      if (!chosen.has(one.id)) continue;
      await this.give(keys, one, secret);
      count += 1;
    }
    secret.fill(0);
    this.say("signed", String(count));
  }

  // Signs what the page showed: the typed data as it came now must be those that were on the page.
  private async give(keys: Awaited<ReturnType<HouseKeys["crypto"]>>, one: Waiting, secret: Uint8Array): Promise<void> {
    const box = this.querySelector<HTMLInputElement>(`input[name=pending][value="${one.id}"]`);
    const digest = keys.digestOf(one.typed_data);
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (box && box.dataset.digest !== hex) throw new Told(this.word("changed"));
    await send(`/api/v1/signatures/${one.id}`, { signature: keys.signDigest(secret, digest) });
  }

  private word(name: string): string {
    return (JSON.parse(this.dataset.words ?? "{}") as Record<string, string>)[name] ?? name;
  }

  private say(name: string, more = ""): void {
    const line = this.querySelector<HTMLElement>("[role=status]");
    if (!line) return;
    line.hidden = false;
    line.dataset.state = name;
    line.textContent = more ? `${this.word(name)} ${more}` : this.word(name);
  }
}

class Told extends Error {}

async function send(url: string, document: object): Promise<void> {
  const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(document) });
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string; title?: string };
    throw new Told(problem.detail ?? problem.title ?? String(answer.status));
  }
}

async function waiting(): Promise<Waiting[]> {
  const answer = await fetch("/api/v1/signatures");
  return ((await answer.json()) as { pending: Waiting[] }).pending;
}

customElements.define("house-keys", HouseKeys);
