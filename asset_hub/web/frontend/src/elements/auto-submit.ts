// Submits the form around it when a choice changes, so that an answer comes at once; the button stays for pages without script.
class AutoSubmit extends HTMLElement {
  connectedCallback(): void {
    this.addEventListener("change", (event) => {
      const field = event.target as HTMLInputElement;
      if (field.form && field.type !== "file" && field.form.checkValidity()) field.form.requestSubmit();
    });
  }
}
customElements.define("auto-submit", AutoSubmit);
