// Resumable upload (tus 1.0): drop files or a folder, go on after a closed tab; the form below stays for pages without script.
// <upload-desk hidden data-endpoint data-accession data-waiting data-sending data-done data-failed data-again data-resumed
// data-overall data-overall-failed> with <input type=file multiple>, a [data-list] element for progress and a [data-overall]
// line; the button of a [data-finish] form elsewhere on the page rests while files are under way. Sends "uploaded" events.
import { Upload } from "tus-js-client";

type Named = { file: File; path: string };

class UploadDesk extends HTMLElement {
  private list!: HTMLElement;
  private running = 0;
  private done = 0;
  private failed = new Set<string>();
  private waiting: Named[] = [];
  private seen = new Set<string>();

  connectedCallback(): void {
    const list = this.querySelector<HTMLElement>("[data-list]");
    if (!list) return;
    this.list = list;
    this.hidden = false;
    for (const input of this.querySelectorAll<HTMLInputElement>("input[type=file]")) {
      input.addEventListener("change", () => {
        this.add([...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
        input.value = "";
      });
    }
    this.addEventListener("dragover", (event) => { event.preventDefault(); this.classList.add("over"); });
    this.addEventListener("dragleave", () => this.classList.remove("over"));
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      this.classList.remove("over");
      void this.dropped(event).then((found) => this.add(found));
    });
    addEventListener("beforeunload", (event) => { if (this.running > 0) event.preventDefault(); });
  }

  private async dropped(event: DragEvent): Promise<Named[]> {
    const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
    const found: Named[] = [];
    for (const entry of entries) await this.walk(entry, "", found);
    return found;
  }

  private async walk(entry: FileSystemEntry, prefix: string, found: Named[]): Promise<void> {
    if (entry.isFile) {
      const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed));
      found.push({ file, path: prefix + entry.name });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
      if (some.length === 0) return;
      for (const child of some) await this.walk(child, `${prefix}${entry.name}/`, found);
    }
  }

  private add(files: Named[]): void {
    for (const named of files) {
      if (this.seen.has(named.path)) continue;
      this.seen.add(named.path);
      this.failed.delete(named.path);
      this.waiting.push(named);
    }
    while (this.running < 3 && this.waiting.length > 0) void this.send(this.waiting.shift() as Named);
    this.tell();
  }

  private tell(): void {
    const line = this.querySelector<HTMLElement>("[data-overall]");
    const total = this.running + this.waiting.length + this.done + this.failed.size;
    const words = (this.dataset.overall ?? "").replace("{done}", String(this.done)).replace("{total}", String(total));
    const lost = this.failed.size > 0 ? ` · ${(this.dataset.overallFailed ?? "").replace("{failed}", String(this.failed.size))}` : "";
    if (line && total > 0) line.textContent = words + lost;
    for (const button of document.querySelectorAll<HTMLButtonElement>("form[data-finish] button")) button.disabled = this.running > 0;
  }

  private async send({ file, path }: Named): Promise<void> {
    this.running += 1;
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = path;
    const bar = document.createElement("progress");
    bar.max = Math.max(1, file.size);
    bar.setAttribute("aria-label", path);
    const state = document.createElement("span");
    state.className = "quiet";
    state.textContent = this.dataset.waiting ?? "";
    row.append(name, bar, state);
    this.list.append(row);
    const began = performance.now();
    let from = -1;
    const upload = new Upload(file, {
      endpoint: this.dataset.endpoint, chunkSize: 8 * 1024 * 1024, retryDelays: [0, 1000, 3000, 5000, 10000, 20000],
      removeFingerprintOnSuccess: true, storeFingerprintForResuming: true,
      fingerprint: (given) => Promise.resolve(["asset_hub", this.dataset.accession, path, (given as File).size, (given as File).lastModified].join("|")),
      metadata: { accession: this.dataset.accession ?? "", path: path },
      onProgress: (sent) => {
        if (from < 0) from = sent;
        bar.value = sent;
        state.textContent = this.sentence(sent, file.size, (performance.now() - began) / Math.max(1, sent - from));
      },
      onSuccess: () => { bar.value = bar.max; state.textContent = this.dataset.done ?? "✓"; this.ended(row, true); },
      onError: (error) => {
        const refused = reason(error);
        state.textContent = `${this.dataset.failed ?? ""} ${refused || this.dataset.again || ""}`;
        this.seen.delete(path);
        this.failed.add(path);
        this.ended(row, false);
      },
    });
    const earlier = await upload.findPreviousUploads();
    if (earlier[0]) { upload.resumeFromPreviousUpload(earlier[0]); state.textContent = this.dataset.resumed ?? ""; }
    upload.start();
  }

  private sentence(sent: number, size: number, msPerByte: number): string {
    const left = Math.ceil((msPerByte * (size - sent)) / 1000);
    const words = { sent: bytes(sent), whole: bytes(size), left: left >= 60 ? `${Math.ceil(left / 60)} min` : `${left} s` };
    return (this.dataset.sending ?? "").replace(/{(\w+)}/g, (_, name: keyof typeof words) => words[name] ?? "");
  }

  private ended(row: HTMLElement, well: boolean): void {
    row.dataset.state = well ? "done" : "failed";
    this.running -= 1;
    if (well) this.done += 1;
    this.add([]);
    this.dispatchEvent(new CustomEvent("uploaded", { bubbles: true }));
  }
}

function bytes(count: number): string {
  let size = count;
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (size < 1024) return `${unit === "B" || size >= 100 ? Math.round(size) : size.toFixed(1)} ${unit}`;
    size /= 1024;
  }
  return `${size.toFixed(1)} TB`;
}

function reason(error: unknown): string {
  const response = (error as { originalResponse?: { getBody(): string } | null }).originalResponse;
  try {
    return String((JSON.parse(response?.getBody() ?? "") as { detail?: string }).detail ?? "");
  } catch {
    return "";
  }
}
customElements.define("upload-desk", UploadDesk);
