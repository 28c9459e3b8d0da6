// Resumable upload (tus 1.0): drop files or a folder, go on after a closed tab; the form below stays for pages without script.
// <upload-desk data-endpoint data-accession data-waiting data-done data-failed data-resumed data-of> with an <input type=file multiple>,
// a [data-list] element for progress, and a [data-finish] form that is submitted by a person when all are there.
import { Upload } from "tus-js-client";

type Named = { file: File; path: string };

class UploadDesk extends HTMLElement {
  private list!: HTMLElement;
  private running = 0;
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
      this.waiting.push(named);
    }
    while (this.running < 3 && this.waiting.length > 0) void this.send(this.waiting.shift() as Named);
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
    const upload = new Upload(file, {
      endpoint: this.dataset.endpoint, chunkSize: 8 * 1024 * 1024, retryDelays: [0, 1000, 3000, 5000, 10000, 20000],
      removeFingerprintOnSuccess: true, storeFingerprintForResuming: true,
      fingerprint: (given) => Promise.resolve(["asset_hub", this.dataset.accession, path, (given as File).size, (given as File).lastModified].join("|")),
      metadata: { accession: this.dataset.accession ?? "", path: path },
      onProgress: (sent) => { bar.value = sent; state.textContent = `${Math.floor((100 * sent) / Math.max(1, file.size))} %`; },
      onSuccess: () => { bar.value = bar.max; state.textContent = this.dataset.done ?? "✓"; row.dataset.state = "done"; this.ended(); },
      onError: (error) => { state.textContent = `${this.dataset.failed ?? ""} ${reason(error)}`; row.dataset.state = "failed"; this.seen.delete(path); this.ended(); },
    });
    const earlier = await upload.findPreviousUploads();
    if (earlier[0]) { upload.resumeFromPreviousUpload(earlier[0]); state.textContent = this.dataset.resumed ?? ""; }
    upload.start();
  }

  private ended(): void {
    this.running -= 1;
    this.add([]);
    this.dispatchEvent(new CustomEvent("uploaded", { bubbles: true }));
  }
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
