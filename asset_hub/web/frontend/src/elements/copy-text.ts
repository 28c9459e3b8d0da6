// A digest or address that can be copied whole: <copy-text data-text data-label data-done>abc…</copy-text>
class CopyText extends HTMLElement {
  connectedCallback(): void {
    if (this.querySelector("button") || !navigator.clipboard) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain-button small";
    button.textContent = this.dataset.label ?? "⧉";
    button.addEventListener("click", () => {
      void navigator.clipboard.writeText(this.dataset.text ?? "").then(() => { button.textContent = this.dataset.done ?? "✓"; });
    });
    this.append(" ", button);
  }
}
customElements.define("copy-text", CopyText);
