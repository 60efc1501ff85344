// Light or dark before the first paint: what was chosen on this device, or else what the system says.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      const kept = localStorage.getItem("outlay-theme");
      return kept === "light" || kept === "dark" ? kept : "auto";
    } catch {
      return "auto";
    }
  };
  const apply = () => {
    const choice = chosen();
    const theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    document.documentElement.dataset.bsTheme = theme;
    document.documentElement.dataset.themeChoice = choice;
    document.dispatchEvent(new CustomEvent("outlay:theme", { detail: { theme, choice } }));
  };
  system.addEventListener("change", apply);
  addEventListener("storage", apply);
  window.outlayTheme = {
    choose(choice) {
      try {
        if (choice === "auto") localStorage.removeItem("outlay-theme");
        else localStorage.setItem("outlay-theme", choice);
      } catch {
        // Where nothing may be kept, the choice holds for this page.
      }
      apply();
    },
  };
  apply();
})();
