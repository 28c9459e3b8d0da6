// Makes the SHA-256 of a chosen file here in the browser; the file itself is never sent.
// <file-digest data-busy><input type=file data-media> <input name=digest></file-digest>
class FileDigest extends HTMLElement {
  connectedCallback(): void {
    const media = this.querySelector<HTMLInputElement>("input[data-media]");
    const digest = this.querySelector<HTMLInputElement>("input[name=digest]");
    if (!media || !digest) return;
    media.addEventListener("change", () => void this.make(media, digest));
  }

  private async make(media: HTMLInputElement, digest: HTMLInputElement): Promise<void> {
    const file = media.files?.[0];
    if (!file) return;
    digest.value = this.dataset.busy ?? "…";
    if (!globalThis.crypto?.subtle) { digest.value = ""; digest.placeholder = this.dataset.unsupported ?? ""; return; }
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    digest.value = Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}
customElements.define("file-digest", FileDigest);
