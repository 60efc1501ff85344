// What every page does: the choice of colours, texts to copy, news for screen readers.
(() => {
  const root = document.documentElement;
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const SAID = { auto: "as the system has them", light: "light", dark: "dark" };

  const announce = (text) => {
    const place = document.getElementById("announcements");
    if (place) place.textContent = text;
  };

  const showTheme = () => {
    const choice = root.dataset.themeChoice || "auto";
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      const label = `Colours: ${SAID[choice]}`;
      button.setAttribute("aria-label", label);
      button.title = label;
      for (const icon of button.querySelectorAll("[data-theme-icon]")) {
        icon.hidden = icon.dataset.themeIcon !== choice;
      }
    }
  };

  const copy = async (button) => {
    const source = button.closest(".outlay-copy, [data-copy-group]")?.querySelector("[data-copy-from]");
    if (!source) return;
    const text = source.value ?? source.textContent;
    try {
      await navigator.clipboard.writeText(text);
      announce("Copied.");
      button.classList.add("text-success");
      setTimeout(() => button.classList.remove("text-success"), 1500);
    } catch {
      // Without https browsers give no clipboard: select it, so that a key copies it.
      if (source.select) source.select();
      else getSelection()?.selectAllChildren(source);
      announce("Selected. Copy it with your keyboard.");
    }
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const toggle = target?.closest("[data-theme-toggle]");
    if (toggle) {
      const choice = NEXT[root.dataset.themeChoice || "auto"];
      window.outlayTheme.choose(choice);
      announce(`Colours: ${SAID[choice]}`);
    }
    const button = target?.closest("[data-copy]");
    if (button) copy(button);
  });
  // What asks again and again waits until somebody looks.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.hasAttribute("data-live")) event.preventDefault();
  });
  document.addEventListener("outlay:theme", showTheme);
  showTheme();
})();
