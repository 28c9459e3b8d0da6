// The film player: jumps to shots, steps by frame, lays time code and the viewer's name over the picture.
// <film-player data-rate-num data-rate-den data-viewer data-start><video>…</video></film-player>; without script the video stays.
class FilmPlayer extends HTMLElement {
  private video!: HTMLVideoElement;
  private overlay!: HTMLElement;
  private rate = 25;

  connectedCallback(): void {
    const video = this.querySelector("video");
    if (!video) return;
    this.video = video;
    this.rate = Number(this.dataset.rateNum ?? "25") / Number(this.dataset.rateDen ?? "1");
    this.overlay = document.createElement("p");
    this.overlay.className = "overlay mono";
    this.overlay.setAttribute("aria-hidden", "true");
    this.append(this.overlay);
    for (const type of ["timeupdate", "seeked", "loadedmetadata"]) video.addEventListener(type, () => this.show());
    document.addEventListener("click", (event) => this.follow(event));
    this.addEventListener("keydown", (event) => this.key(event));
    addEventListener("hashchange", () => this.fromAddress());
    if (video.readyState > 0) this.fromAddress();
    else video.addEventListener("loadedmetadata", () => this.fromAddress(), { once: true });
    this.show();
  }

  private follow(event: Event): void {
    const link = (event.target as Element).closest<HTMLElement>("[data-start]");
    if (!link || link === this) return;
    event.preventDefault();
    this.seek(Number(link.dataset.start));
    history.replaceState(null, "", `#t=${link.dataset.start}`);
    void this.video.play();
  }

  private fromAddress(): void {
    const said = new URLSearchParams(location.hash.slice(1)).get("t") ?? this.dataset.start ?? "";
    if (said !== "") this.seek(Number.parseFloat(said));
  }

  private seek(seconds: number): void {
    if (Number.isFinite(seconds)) this.video.currentTime = seconds + 0.5 / this.rate;
  }

  private key(event: KeyboardEvent): void {
    const step = { ",": -1, ".": 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.video.pause();
    this.video.currentTime = Math.max(0, this.video.currentTime + step / this.rate);
  }

  private show(): void {
    const frame = Math.floor(this.video.currentTime * this.rate + 1e-6);
    const nominal = Math.ceil(this.rate);
    const seconds = Math.floor(frame / nominal);
    const two = (value: number): string => String(value).padStart(2, "0");
    const code = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}:${two(frame % nominal)}`;
    this.overlay.textContent = `${code}  ${this.dataset.viewer ?? ""}`;
    this.mark(this.video.currentTime);
  }

  private mark(now: number): void {
    let current: HTMLElement | null = null;
    for (const link of document.querySelectorAll<HTMLElement>(".strip [data-start]")) {
      link.removeAttribute("aria-current");
      if (Number(link.dataset.start) <= now + 0.001) current = link;
    }
    current?.setAttribute("aria-current", "true");
  }
}
customElements.define("film-player", FilmPlayer);
